"""Lane vectors as numbers: what lets a tangent function written for one tangent serve several at once.

A tangent function is linear in the tangent, so it adds and subtracts its entries and multiplies them by
numbers. Given arrays of lane vectors instead of arrays of floats, the same function pushes as many tangents
as a vector has lanes.
"""

from __future__ import annotations

import operator

from numba import types
from numba.core.typeconv.castgraph import Conversion
from numba.extending import lower_cast

from .._jit import INLINE, intrinsic, overload
from .lane_vectors import LaneVector, splat

CONTRACT = ("contract",)


def _convertible(self, typingctx, other):
    """A number becomes a vector of itself, as in ``total = 0.0`` before a sum of vectors."""
    return Conversion.safe if isinstance(other, (types.Float, types.Integer)) else None


def _unify(self, typingctx, other):
    return self if isinstance(other, (types.Float, types.Integer)) else None


LaneVector.can_convert_from = _convertible
LaneVector.unify = _unify


def broadcast(context, builder, fromty, toty, value):
    """A number in every lane."""
    return splat(builder, context.get_value_type(toty), context.cast(builder, value, fromty, toty.dtype))


lower_cast(types.Float, LaneVector)(broadcast)
lower_cast(types.Integer, LaneVector)(broadcast)


def _operands(context, builder, signature, args):
    """Both operands as vectors."""
    vector = signature.return_type
    return [
        arg if isinstance(kind, LaneVector) else broadcast(context, builder, kind, vector, arg)
        for arg, kind in zip(args, signature.args, strict=True)
    ]


def _binary(symbol, instruction: str) -> None:
    """Let `symbol` take vectors, or a vector and a number."""

    @intrinsic
    def apply(typingctx, a, b):
        vector = a if isinstance(a, LaneVector) else b

        def codegen(context, builder, signature, args):
            left, right = _operands(context, builder, signature, args)
            return getattr(builder, instruction)(left, right, flags=CONTRACT)

        return vector(a, b), codegen

    @overload(symbol, jit_options=INLINE)
    def resolve(a, b):
        first, second = isinstance(a, LaneVector), isinstance(b, LaneVector)
        numbers = (types.Float, types.Integer)
        if (first and isinstance(b, numbers)) or (second and isinstance(a, numbers)):
            return lambda a, b: apply(a, b)
        if first and a == b:
            return lambda a, b: apply(a, b)
        return None


for _symbol, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
    (operator.iadd, "fadd"),
    (operator.isub, "fsub"),
    (operator.imul, "fmul"),
    (operator.itruediv, "fdiv"),
):
    _binary(_symbol, _instruction)


@intrinsic
def _negated(typingctx, a):
    return a(a), lambda context, builder, signature, args: builder.fneg(args[0])


@overload(operator.neg, jit_options=INLINE)
def _neg(a):
    return (lambda a: _negated(a)) if isinstance(a, LaneVector) else None


@overload(operator.pos, jit_options=INLINE)
def _pos(a):
    return (lambda a: a) if isinstance(a, LaneVector) else None
