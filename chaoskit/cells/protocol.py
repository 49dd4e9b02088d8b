"""The normal form of a cell, as verbs that the cell's class implements.

A cell is a `typing.NamedTuple` of parameter arrays. One step is::

    feature phi(x) of the first state plane  ->  [hidden product, then phi]  ->  one product a = weights . phi
    + input_weights . u  ->  a rule `local` that sees one unit at a time

States, gates, saved values and unit parameters are *planes* of n units in flat rows: element =
plane * n + unit (an LSTM has the state planes h, c and the gate planes i, f, g, o). The verbs take
and return scalars and tuples of scalars; arrays, products, time and forcing are the kernels' work.
In every verb `cell` only selects the class; a rule reads its parameters from `p` and `f`.

A class may have `from_relus` or `from_tanh` (`cells.constructed`): which known map it can follow exactly.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .._jit import INLINE, overload, verb
from ._math import like


class Layout(NamedTuple):
    """How many planes each kind of value has."""

    state: int = 1  # x, y: the state
    gates: int = 1  # a: results of the product
    saved: int = 0  # s: what `local` keeps for the derivative
    parameters: int = 1  # p: unit parameters
    coefficients: int = 1  # c: what `slopes` returns
    features: int = 0  # f: parameters of the feature


# ---- in Python: which arrays play which part
def kernel_class(cell) -> Any:
    """The class whose rules are compiled: the cell's own, unless these depend on its sizes."""
    method = getattr(type(cell), "kernel_class", None)
    return type(cell) if method is None else method(cell)


def weights(cell) -> Any:
    """Matrix (gates * n, m) of the main product, m the number of features."""
    return kernel_class(cell).weights(cell)


def input_weights(cell) -> Any:
    """Matrix (gates * n, M) that takes the inputs."""
    return kernel_class(cell).input_weights(cell)


def unit_count(cell) -> int:
    """Number n of units."""
    return weights(cell).shape[0] // kernel_class(cell).layout.gates


def state_count(cell) -> int:
    """Number of states: the planes of all units."""
    return kernel_class(cell).layout.state * unit_count(cell)


def hidden_weights(cell) -> Any:
    """Matrix (m, n) of the hidden product, or None for a cell without one."""
    method = getattr(type(cell), "hidden_weights", None)
    return None if method is None else method(cell)


def unit_parameters(cell) -> tuple:
    """1-D arrays that concatenate to the planes p."""
    return kernel_class(cell).unit_parameters(cell)


def feature_parameters(cell) -> tuple:
    """1-D arrays that concatenate to the planes f."""
    method = getattr(kernel_class(cell), "feature_parameters", None)
    return () if method is None else method(cell)


def spectral_norm(matrix) -> float:
    """Largest singular value; 0 of an empty matrix."""
    return float(np.linalg.norm(matrix, 2)) if np.size(matrix) else 0.0


def largest(values) -> float:
    """Largest absolute value."""
    return float(np.abs(values).max(initial=0.0))


def jacobian_bound(cell) -> float | None:
    """A number that the spectral norm of the Jacobian never exceeds, from the parameters alone.

    None for a class without the rule.
    """
    method = getattr(type(cell), "jacobian_bound", None)
    return None if method is None else float(method(cell))


def immediate_bound(cell, size: float, drive: float) -> float | None:
    """Bound of the derivative of one step with respect to all trained arrays, from the state held fixed.

    In the spectral norm, for every state no longer than `size` and inputs no longer than `drive`; None for a
    class without the rule.
    """
    method = getattr(type(cell), "immediate_bound", None)
    return None if method is None else float(method(cell, size, drive))


def jacobian_lipschitz(cell, size: float) -> float | None:
    """L with ||J(x) - J(y)|| <= L |x - y| for all states no longer than `size`, under any one input.

    None for a class without the rule.
    """
    method = getattr(type(cell), "jacobian_lipschitz", None)
    return None if method is None else float(method(cell, size))


def bend_of_units(weights, units: int, hessian) -> float:
    """L of a cell whose units each see their gates W x and one state of their own.

    hessian: bounds the second derivatives H of a unit by its gates and that state. With a_j and b_j what unit
    j sees of two directions, the sum of (a_j' H b_j)^2 is at most |H|^2 max |a_j|^2 sum |b_j|^2.
    """
    reach = max(spectral_norm(weights[j::units]) for j in range(units))
    return spectral_norm(hessian) * math.hypot(reach, 1.0) * math.hypot(spectral_norm(weights), 1.0)


def row_norm(matrix) -> float:
    """Length of the longest row."""
    return float(np.linalg.norm(matrix, axis=1).max(initial=0.0))


def fixed_fields(cell) -> tuple[str, ...]:
    """Names of arrays that are not trained; their gradient is 0."""
    return getattr(type(cell), "fixed", ())


def identity_rows(cell) -> dict[str, float]:
    """Values at which arrays, row by row of the states, make a step the identity; empty if none do."""
    return getattr(type(cell), "identity_values", {})


class Kinks(NamedTuple):
    """Where a piecewise-linear step bends: normals @ x + inputs @ u + offsets = 0, row by row.

    Between these hyperplanes the step is affine. normals (R, N), offsets (R,), inputs (R, M).
    """

    normals: np.ndarray
    offsets: np.ndarray
    inputs: np.ndarray

    def heights(self, states, inputs) -> Any:
        """Values (..., R) of states (..., N) under inputs (..., M): the signs tell the sides."""
        return states @ self.normals.T + self.offsets + inputs @ self.inputs.T


def kinks(cell) -> Kinks | None:
    """The kinks of a cell whose class says that it is piecewise linear, else None.

    The rule `kinks` returns (normals, offsets), or (normals, offsets, inputs) if the inputs move them.
    """
    method = getattr(type(cell), "kinks", None)
    if method is None:
        return None
    parts = [np.asarray(part, np.float64) for part in method(cell)]
    if len(parts) == 2:
        parts.append(np.zeros((len(parts[0]), input_weights(cell).shape[1])))
    return Kinks(*parts)


# The way back: what these functions return may be views of the cell's arrays, into which gradients are then
# written as they are, or something made of them; then a method of the name with `_back` takes the gradient.
def weights_back(grad, G) -> None:
    """Take the gradient (gates * n, m) of `weights`."""
    _back("weights", grad, G)


def input_weights_back(grad, G) -> None:
    """Take the gradient (gates * n, M) of `input_weights`."""
    _back("input_weights", grad, G)


def _back(part: str, grad, G) -> None:
    cls = kernel_class(grad)
    method = getattr(cls, part + "_back", None)
    if method is None:
        getattr(cls, part)(grad)[...] = G
    else:
        method(grad, G)


def unit_parameters_back(grad, planes) -> None:
    """Take the gradient of the planes p, flat."""
    _planes_back("unit_parameters", grad, planes)


def feature_parameters_back(grad, planes) -> None:
    """Take the gradient of the planes f, flat."""
    _planes_back("feature_parameters", grad, planes)


def _planes_back(part: str, grad, planes) -> None:
    cls = kernel_class(grad)
    method = getattr(cls, part + "_back", None)
    if method is not None:
        method(grad, planes)
    elif hasattr(cls, part):
        at = 0
        for array in getattr(cls, part)(grad):
            array[...] = planes[at : at + array.size]
            at += array.size


# ---- in kernels: the rules, on scalars
@verb
def feature(cell, f, x):
    """phi(x)."""
    return x


@verb
def feature_slope(cell, f, x):
    """phi'(x)."""
    return like(x, 1.0)


@verb
def feature_gradient(cell, f, x, g):
    """Gradient of the planes f; g is the gradient of phi's value."""
    return f


@verb
def local(cell, p, x, a):
    """(y, s): the new state and the values that make the derivative cheap."""
    raise NotImplementedError


@verb
def slopes(cell, p, x, y, s):
    """Coefficients c of the linearised local rule, computed once a unit and step."""
    raise NotImplementedError


@verb
def local_jvp(cell, c, v, da):
    """dy from dx = v and da."""
    raise NotImplementedError


@verb
def local_vjp(cell, c, g):
    """(gx, ga) from the gradient g of y: the adjoint of `local_jvp`."""
    raise NotImplementedError


@verb
def parameter_gradient(cell, c, x, g, ga):
    """Gradient of the planes p."""
    raise NotImplementedError


def has_hidden(cell) -> bool:
    """True for a cell with a hidden product; a constant for the compiler, so the other branch vanishes."""
    return hasattr(type(cell), "hidden_weights")


@overload(has_hidden, target="generic", jit_options=INLINE)
def _has_hidden(cell):
    if hasattr(cell.instance_class, "hidden_weights"):
        return lambda cell: True
    return lambda cell: False


def is_coupled(cell) -> bool:
    """False for a cell whose units do not see each other (`coupled = False`); a constant for the compiler."""
    return getattr(type(cell), "coupled", True)


@overload(is_coupled, target="generic", jit_options=INLINE)
def _is_coupled(cell):
    if getattr(cell.instance_class, "coupled", True):
        return lambda cell: True
    return lambda cell: False
