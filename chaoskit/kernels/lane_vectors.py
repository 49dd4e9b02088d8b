"""Vectors of lanes: the same number of several members, in one vector register.

LLVM would have to guess that an inner loop over eight members is a vector; here it is told. A `LaneVector`
lives only inside kernels; its length comes from the constants of a sized tag.
"""

from __future__ import annotations

from typing import NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import models, register_model

from .._jit import INLINE, intrinsic, overload


class LaneVector(types.Type):
    """Type of a vector of `lanes` numbers."""

    def __init__(self, dtype, lanes: int):
        self.dtype, self.lanes = dtype, lanes
        super().__init__(name=f"LaneVector({dtype}, {lanes})")


def _element(dtype) -> ir.Type:
    return ir.FloatType() if dtype == types.float32 else ir.DoubleType()


@register_model(LaneVector)
class _LaneVectorModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, ir.VectorType(_element(fe_type.dtype), fe_type.lanes))


def _pointer(context, builder, array_type, array, at):
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [at], inbounds=True)


def _as_vector(context, builder, pointer, vector_type):
    return builder.bitcast(pointer, context.get_value_type(vector_type).as_pointer())


def _call(builder, name: str, args):
    """LLVM's own function of that name, for vectors."""
    kind = args[0].type
    letters = f"v{kind.count}f{64 if isinstance(kind.element, ir.DoubleType) else 32}"
    signature = ir.FunctionType(kind, [kind] * len(args))
    function = cgutils.get_or_insert_function(builder.module, signature, f"llvm.{name}.{letters}")
    return builder.call(function, args)


def fused(builder, a, b, c):
    """a * b + c, rounded once, of numbers or vectors."""
    return _call(builder, "fma", [a, b, c]) if isinstance(a.type, ir.VectorType) else builder.fma(a, b, c)


@intrinsic
def load_lanes(typingctx, tag, array, at):
    """The vector that begins at array[at]."""
    vector = LaneVector(array.dtype, tag.instance_class.constants[-1])

    def codegen(context, builder, signature, args):
        pointer = _pointer(context, builder, signature.args[1], args[1], args[2])
        size = context.get_abi_sizeof(context.get_value_type(array.dtype))
        return builder.load(_as_vector(context, builder, pointer, vector), align=size)

    return vector(tag, array, types.intp), codegen


@intrinsic
def store_lanes(typingctx, tag, array, at, value):
    """array[at : at + lanes] = value."""

    def codegen(context, builder, signature, args):
        pointer = _pointer(context, builder, signature.args[1], args[1], args[2])
        size = context.get_abi_sizeof(context.get_value_type(array.dtype))
        builder.store(args[3], _as_vector(context, builder, pointer, value), align=size)
        return context.get_dummy_value()

    return types.void(tag, array, types.intp, value), codegen


@intrinsic
def zero_lanes(typingctx, tag, array):
    """A vector of zeros like the elements of array."""
    vector = LaneVector(array.dtype, tag.instance_class.constants[-1])

    def codegen(context, builder, signature, args):
        return cgutils.get_null_value(context.get_value_type(vector))

    return vector(tag, array), codegen


@intrinsic
def multiply_add(typingctx, a, b, c):
    """a * b + c, rounded once."""

    def codegen(context, builder, signature, args):
        return _call(builder, "fma", args)

    return a(a, a, a), codegen


@intrinsic
def multiply_subtract(typingctx, a, b, c):
    """c - a * b, rounded once."""

    def codegen(context, builder, signature, args):
        return _call(builder, "fma", [builder.fneg(args[0]), args[1], args[2]])

    return a(a, a, a), codegen


@intrinsic
def multiply(typingctx, a, b):
    """a * b."""
    return a(a, a), lambda context, builder, signature, args: builder.fmul(*args)


@intrinsic
def square_root(typingctx, a):
    """Square root; NaN below zero."""

    def codegen(context, builder, signature, args):
        return _call(builder, "sqrt", args)

    return a(a), codegen


@intrinsic
def inverse_or_zero(typingctx, a):
    """1 / a where a > 0, else 0."""

    def codegen(context, builder, signature, args):
        kind = args[0].type
        zero = ir.Constant(kind, None)
        one = ir.Constant(kind, [1.0] * kind.count)
        return builder.select(builder.fcmp_ordered(">", args[0], zero), builder.fdiv(one, args[0]), zero)

    return a(a), codegen


def _all_true(builder, mask):
    """True if every lane of a mask is set."""
    count = mask.type.count
    bits = builder.bitcast(mask, ir.IntType(count))
    return builder.icmp_unsigned("==", bits, ir.Constant(ir.IntType(count), 2**count - 1))


@intrinsic
def all_within(typingctx, a, low, high):
    """True if low < a < high in every lane."""

    def codegen(context, builder, signature, args):
        kind = args[0].type
        parts = []
        for sign, bound in ((">", args[1]), ("<", args[2])):
            parts.append(builder.fcmp_ordered(sign, args[0], splat(builder, kind, bound)))
        return _all_true(builder, builder.and_(*parts))

    return types.boolean(a, a.dtype, a.dtype), codegen


@intrinsic
def all_at_least(typingctx, a, factor, b):
    """True if a >= factor * |b| in every lane; factor is the same for all."""

    def codegen(context, builder, signature, args):
        kind = args[0].type
        size = _call(builder, "fabs", [args[2]])
        scaled = builder.fmul(splat(builder, kind, args[1]), size)
        return _all_true(builder, builder.fcmp_ordered(">=", args[0], scaled))

    return types.boolean(a, a.dtype, a), codegen


# ---- a row of numbers, taken a vector at a time
class Wide(NamedTuple):
    """Tag of vectors as wide as the widest registers: eight double or sixteen single numbers."""

    marker: int


class _WideDouble(Wide):
    constants = (8,)


class _WideSingle(Wide):
    constants = (16,)


def wide(array):
    """Tag of the widest vectors for the elements of an array."""


@overload(wide, strict=False, jit_options=INLINE)
def _wide(array):
    tag = _WideDouble(0) if array.dtype == types.float64 else _WideSingle(0)
    return lambda array: tag


@intrinsic
def lane_numbers(typingctx, tag):
    """Number of lanes."""
    lanes = tag.instance_class.constants[-1]
    return types.intp(tag), lambda context, builder, signature, args: context.get_constant(types.intp, lanes)


@intrinsic
def same_in_all(typingctx, tag, array, value):
    """A number of the type of the array's in every lane."""
    vector = LaneVector(array.dtype, tag.instance_class.constants[-1])

    def codegen(context, builder, signature, args):
        return splat(builder, context.get_value_type(vector), args[2])

    return vector(tag, array, array.dtype), codegen


def splat(builder, kind, value):
    """`value` in every lane of a vector of LLVM's type `kind`."""
    undefined = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(
        first, undefined, ir.Constant(ir.VectorType(ir.IntType(32), kind.count), None)
    )


def _shuffled_sum(builder, a, b, left: list[int], right: list[int]):
    """Lanes `left` of (a, b) plus lanes `right`."""

    def take(places):
        return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(ir.IntType(32), len(places)), places))

    return builder.fadd(take(left), take(right))


@intrinsic
def four_sums(typingctx, a, b, c, d):
    """The sums over the lanes of four vectors, as a tuple: fewer additions than one after the other."""

    def codegen(context, builder, signature, args):
        n = a.lanes
        even = [i + off for i in range(0, n, 2) for off in (0, n)]
        odd = [i + 1 for i in even]
        ab = _shuffled_sum(builder, args[0], args[1], even, odd)
        cd = _shuffled_sum(builder, args[2], args[3], even, odd)
        while n > 4:
            n //= 2
            low, high = list(range(n)), list(range(n, 2 * n))
            ab = _shuffled_sum(builder, ab, ab, low, high)
            cd = _shuffled_sum(builder, cd, cd, low, high)
        total = _shuffled_sum(builder, ab, cd, [0, 1, 4, 5], [2, 3, 6, 7])
        items = [builder.extract_element(total, ir.Constant(ir.IntType(32), i)) for i in range(4)]
        return context.make_tuple(builder, signature.return_type, items)

    return types.UniTuple(a.dtype, 4)(a, a, a, a), codegen


@intrinsic
def sum_of_lanes(typingctx, a):
    """The sum over the lanes."""

    def codegen(context, builder, signature, args):
        total, n = args[0], a.lanes
        while n > 1:
            n //= 2
            total = _shuffled_sum(builder, total, total, list(range(n)), list(range(n, 2 * n)))
        return builder.extract_element(total, ir.Constant(ir.IntType(32), 0))

    return a.dtype(a), codegen
