"""Tagged loads and stores of planes, and sums of tuples: what keeps the pointwise loops vectorised.

A row holds planes of n units: element (plane p, unit j) lies at base + p * n + j. Each (group, plane)
gets an alias scope of its own, so LLVM need not fear that a store changes a later load. Without the tags
the LSTM loops take two to three times as long. The promise: inside one loop, different tags never overlap.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils

from .._jit import INLINE, intrinsic, overload

# group -> (number of its alias scopes, which entry of the layout counts its planes; None: a single plane)
_GROUPS = {
    "x": (0, "state"),  # state before the step
    "y": (1, "state"),  # state after the step
    "s": (2, "saved"),
    "ga": (2, "gates"),  # gate gradients take the place of the saved values
    "p": (3, "parameters"),
    "c": (4, "coefficients"),
    "v": (5, "state"),  # tangent before the step
    "w": (6, "state"),  # tangent after the step
    "g": (7, "state"),  # state gradient
    "q": (8, None),
    "d": (9, None),
    "f": (10, "features"),
    "a": (11, "gates"),
    "e": (12, None),
    "gp": (4, "parameters"),  # gradient of the unit parameters
    "gf": (4, "features"),  # gradient of the feature parameters
}
_WIDTH = 8  # alias scopes kept for each group


def plane_count(cell_class, group: str) -> int:
    """How many planes the group has for this class of cells."""
    entry = _GROUPS[group][1]
    return 1 if entry is None else getattr(cell_class.layout, entry)


def _tag(builder, instruction, group: str, plane: int) -> None:
    module = builder.module
    domain = module.add_metadata(["planes of " + builder.function.name])
    count = (max(number for number, _ in _GROUPS.values()) + 1) * _WIDTH
    scopes = [module.add_metadata([f"plane{k}", domain]) for k in range(count)]
    own = _GROUPS[group][0] * _WIDTH + min(plane, _WIDTH - 1)
    instruction.set_metadata("alias.scope", module.add_metadata([scopes[own]]))
    others = [scope for k, scope in enumerate(scopes) if k != own]
    instruction.set_metadata("noalias", module.add_metadata(others))


def _pointer(context, builder, array_type, array, base, n, j, plane):
    data = context.make_array(array_type)(context, builder, array).data
    row = builder.add(base, builder.mul(n, ir.Constant(n.type, plane)))
    return builder.gep(data, [builder.add(row, j)], inbounds=True)


@intrinsic(prefer_literal=True)
def _load(typingctx, cell, group, array, base, n, j):
    total = plane_count(cell.instance_class, group.literal_value)
    result = types.UniTuple(array.dtype, total)

    def codegen(context, builder, signature, args):
        values = []
        for plane in range(total):
            base, unit_count, unit = args[3:]
            pointer = _pointer(context, builder, signature.args[2], args[2], base, unit_count, unit, plane)
            value = builder.load(pointer)
            _tag(builder, value, group.literal_value, plane)
            values.append(value)
        return context.make_tuple(builder, result, values)

    return result(cell, group, array, types.intp, types.intp, types.intp), codegen


@intrinsic(prefer_literal=True)
def _store(typingctx, cell, group, array, base, n, j, values):
    def codegen(context, builder, signature, args):
        items = cgutils.unpack_tuple(builder, args[6], len(values))
        for plane, item in enumerate(items):
            base, unit_count, unit = args[3:6]
            pointer = _pointer(context, builder, signature.args[2], args[2], base, unit_count, unit, plane)
            item = context.cast(builder, item, signature.args[6][plane], array.dtype)
            _tag(builder, builder.store(item, pointer), group.literal_value, plane)
        return context.get_dummy_value()

    return types.void(cell, group, array, types.intp, types.intp, types.intp, values), codegen


def load(cell, group, array, base, n, j):
    """Tuple of the planes of unit j in the row that begins at `base`."""
    return tuple(array[base + p * n + j] for p in range(plane_count(type(cell), group)))


def store(cell, group, array, base, n, j, values):
    """Write a tuple of values to the planes of unit j."""
    for p, value in enumerate(values):
        array[base + p * n + j] = value


@overload(load, target="generic", prefer_literal=True, jit_options=INLINE)
def _load_overload(cell, group, array, base, n, j):
    return lambda cell, group, array, base, n, j: _load(cell, group, array, base, n, j)


@overload(store, target="generic", prefer_literal=True, jit_options=INLINE)
def _store_overload(cell, group, array, base, n, j, values):
    return lambda cell, group, array, base, n, j, values: _store(cell, group, array, base, n, j, values)


def add(a, b):
    """Sum of two tuples, element by element."""
    return tuple(x + y for x, y in zip(a, b, strict=True))


@intrinsic
def _add(typingctx, a, b):
    def codegen(context, builder, signature, args):
        left = cgutils.unpack_tuple(builder, args[0], len(a))
        right = cgutils.unpack_tuple(builder, args[1], len(b))
        sums = [
            builder.fadd(x, context.cast(builder, y, b[k], a[k]))
            for k, (x, y) in enumerate(zip(left, right, strict=True))
        ]
        return context.make_tuple(builder, a, sums)

    return a(a, b), codegen


@overload(add, target="generic", jit_options=INLINE)
def _add_overload(a, b):
    return lambda a, b: _add(a, b)


def head_plus(values, extra):
    """`values` with `extra` added to the first of them."""
    return (values[0] + extra, *values[1:])


@intrinsic
def _head_plus(typingctx, values, extra):
    def codegen(context, builder, signature, args):
        items = cgutils.unpack_tuple(builder, args[0], len(values))
        items[0] = builder.fadd(items[0], context.cast(builder, args[1], extra, values[0]))
        return context.make_tuple(builder, values, items)

    return values(values, extra), codegen


@overload(head_plus, target="generic", jit_options=INLINE)
def _head_plus_overload(values, extra):
    return lambda values, extra: _head_plus(values, extra)


def scaled(values, factor):
    """The tuple `values` times a number."""
    return tuple(v * factor for v in values)


@intrinsic
def _scaled(typingctx, values, factor):
    def codegen(context, builder, signature, args):
        number = context.cast(builder, args[1], factor, values[0])
        items = [builder.fmul(v, number) for v in cgutils.unpack_tuple(builder, args[0], len(values))]
        return context.make_tuple(builder, values, items)

    return values(values, factor), codegen


@overload(scaled, target="generic", jit_options=INLINE)
def _scaled_overload(values, factor):
    return lambda values, factor: _scaled(values, factor)
