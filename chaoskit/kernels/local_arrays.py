"""Arrays over memory that nobody counts: on the stack, or views of scratch as arrays of lane vectors.

An array on the stack whose size the compiler knows ends up in registers once the loops over it are unrolled.
That is what keeps the step of a small system out of memory.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils

from .._jit import EXACT_INLINE, INLINE, intrinsic, overload
from .lane_arithmetic import CONTRACT, broadcast
from .lane_vectors import LaneVector, fused


def _array(context, builder, array_type, data, n, stride):
    """An array value over memory that nobody counts."""
    array = context.make_array(array_type)(context, builder)
    size = context.get_abi_sizeof(context.get_data_type(array_type.dtype))
    context.populate_array(
        array, data=data, shape=cgutils.pack_array(builder, [n]),
        strides=cgutils.pack_array(builder, [context.get_constant(types.intp, stride)]),
        itemsize=context.get_constant(types.intp, size), meminfo=None,
    )  # fmt: skip
    return array._getvalue()


def lanes_of(tag_type) -> int:
    """Members or tangents in a vector of a sized tag."""
    return tag_type.instance_class.constants[-1]


@intrinsic
def lane_array(typingctx, tag, memory, at, n):
    """n vectors that begin at memory[at], as an array."""
    vector = LaneVector(memory.dtype, lanes_of(tag))
    result = types.Array(vector, 1, "C", aligned=False)

    def codegen(context, builder, signature, args):
        data = context.make_array(memory)(context, builder, args[1]).data
        start = builder.gep(data, [args[2]], inbounds=True)
        start = builder.bitcast(start, context.get_value_type(vector).as_pointer())
        size = context.get_abi_sizeof(context.get_value_type(vector))
        return _array(context, builder, result, start, args[3], size)

    return result(tag, memory, types.intp, types.intp), codegen


@intrinsic
def one_lane(typingctx, vectors, q):
    """Lane q of an array of vectors, as an array of numbers with a stride."""
    vector = vectors.dtype
    result = types.Array(vector.dtype, 1, "A")

    def codegen(context, builder, signature, args):
        source = context.make_array(vectors)(context, builder, args[0])
        element = context.get_value_type(vector.dtype).as_pointer()
        start = builder.gep(builder.bitcast(source.data, element), [args[1]], inbounds=True)
        size = context.get_abi_sizeof(context.get_value_type(vector))
        return _array(context, builder, result, start, builder.extract_value(source.shape, 0), size)

    return result(vectors, types.intp), codegen


def _on_stack(context, builder, element, count: int):
    return cgutils.alloca_once(builder, element, size=context.get_constant(types.intp, count))


@intrinsic
def stack_vector(typingctx, tag):
    """Memory for one state of a system whose dimension the compiler knows: in the end, registers."""
    d = tag.instance_class.known_dim
    result = types.Array(types.float64, 1, "C")

    def codegen(context, builder, signature, args):
        data = _on_stack(context, builder, ir.DoubleType(), d)
        return _array(context, builder, result, data, context.get_constant(types.intp, d), 8)

    return result(tag), codegen


@intrinsic
def stack_lanes(typingctx, tag):
    """The same for as many tangents as a vector has lanes."""
    d = tag.instance_class.known_dim
    vector = LaneVector(types.float64, lanes_of(tag))
    result = types.Array(vector, 1, "C", aligned=False)

    def codegen(context, builder, signature, args):
        data = _on_stack(context, builder, context.get_value_type(vector), d)
        return _array(context, builder, result, data, context.get_constant(types.intp, d), 8 * vector.lanes)

    return result(tag), codegen


@intrinsic
def stack_matrix(typingctx, tag):
    """The same for a Jacobian."""
    d = tag.instance_class.known_dim
    result = types.Array(types.float64, 2, "C")

    def codegen(context, builder, signature, args):
        array = context.make_array(result)(context, builder)
        count = context.get_constant(types.intp, d)
        strides = [context.get_constant(types.intp, 8 * d), context.get_constant(types.intp, 8)]
        context.populate_array(
            array, data=_on_stack(context, builder, ir.DoubleType(), d * d),
            shape=cgutils.pack_array(builder, [count, count]), strides=cgutils.pack_array(builder, strides),
            itemsize=strides[1], meminfo=None,
        )  # fmt: skip
        return array._getvalue()

    return result(tag), codegen


# ---- arithmetic on them, written out where the size is known: only constant places become registers
def _entry(context, builder, array_type, array, i: int):
    """(pointer to entry i of a contiguous array, its alignment)."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [context.get_constant(types.intp, i)], inbounds=True), 8


def _load(context, builder, array_type, array, i: int):
    pointer, align = _entry(context, builder, array_type, array, i)
    return builder.load(pointer, align=align)


def _store(context, builder, array_type, array, i: int, value) -> None:
    pointer, align = _entry(context, builder, array_type, array, i)
    builder.store(value, pointer, align=align)


def _factor(context, builder, value, element):
    """A number, or a vector of it."""
    return (
        broadcast(context, builder, types.float64, element, value)
        if isinstance(element, LaneVector)
        else value
    )


@intrinsic
def _combine(typingctx, tag, out, x, a, y):
    d = tag.instance_class.known_dim

    def codegen(context, builder, signature, args):
        factor = _factor(context, builder, args[3], out.dtype)
        for i in range(d):
            entries = _load(context, builder, y, args[4], i), _load(context, builder, x, args[2], i)
            _store(context, builder, out, args[1], i, fused(builder, factor, *entries))
        return context.get_dummy_value()

    return types.void(tag, out, x, types.float64, y), codegen


@intrinsic
def _assign(typingctx, tag, out, x):
    d = tag.instance_class.known_dim

    def codegen(context, builder, signature, args):
        for i in range(d):
            _store(context, builder, out, args[1], i, _load(context, builder, x, args[2], i))
        return context.get_dummy_value()

    return types.void(tag, out, x), codegen


@intrinsic
def _dense(typingctx, tag, J, v, out):
    d = tag.instance_class.known_dim

    def codegen(context, builder, signature, args):
        matrix = types.Array(types.float64, 1, "C")
        flat = context.make_array(matrix)(context, builder)
        flat.data = context.make_array(J)(context, builder, args[1]).data
        entries = [_load(context, builder, v, args[2], j) for j in range(d)]
        for i in range(d):
            total = None
            for j in range(d):
                factor = _load(context, builder, matrix, flat._getvalue(), i * d + j)
                product = builder.fmul(_factor(context, builder, factor, v.dtype), entries[j], flags=CONTRACT)
                total = product if total is None else builder.fadd(total, product, flags=CONTRACT)
            _store(context, builder, out, args[3], i, total)
        return context.get_dummy_value()

    return types.void(tag, J, v, out), codegen


def assign(tag, out, x):
    """out = x, for contiguous arrays of the dimension of a system."""


@overload(assign, strict=False, jit_options=EXACT_INLINE)
def _assign_of(tag, out, x):
    if tag.instance_class.known_dim is not None:
        return lambda tag, out, x: _assign(tag, out, x)

    def loop(tag, out, x):
        for i in range(x.size):
            out[i] = x[i]

    return loop


def combine(tag, out, x, a, y):
    """out = x + a y, entry by entry; out may be x."""


@overload(combine, strict=False, jit_options=EXACT_INLINE)
def _combine_of(tag, out, x, a, y):
    if tag.instance_class.known_dim is not None:
        return lambda tag, out, x, a, y: _combine(tag, out, x, a, y)

    def loop(tag, out, x, a, y):
        for i in range(out.size):
            out[i] = x[i] + a * y[i]

    return loop


def combine_both(tag, total, before, weight, trial, v, reach, slope):
    """total = before + weight slope and trial = v + reach slope: what follows a stage, in one pass."""


@overload(combine_both, strict=False, jit_options=EXACT_INLINE)
def _combine_both(tag, total, before, weight, trial, v, reach, slope):
    if tag.instance_class.known_dim is not None:

        def written_out(tag, total, before, weight, trial, v, reach, slope):
            _combine(tag, total, before, weight, slope)
            _combine(tag, trial, v, reach, slope)

        return written_out

    def loop(tag, total, before, weight, trial, v, reach, slope):
        for i in range(slope.size):
            total[i] = before[i] + weight * slope[i]
            trial[i] = v[i] + reach * slope[i]

    return loop


def dense_product(tag, J, v, out):
    """out = J v; out may not be v."""


@overload(dense_product, strict=False, jit_options=INLINE)
def _dense_product(tag, J, v, out):
    if tag.instance_class.known_dim is not None:
        return lambda tag, J, v, out: _dense(tag, J, v, out)

    def loop(tag, J, v, out):
        for i in range(v.size):
            total = J[i, 0] * v[0]
            for j in range(1, v.size):
                total += J[i, j] * v[j]
            out[i] = total

    return loop
