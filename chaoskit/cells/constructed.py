"""Networks of a wanted regime: contracting, cyclic, quasi-periodic, chaotic; exact where that is possible.

Two maps serve all classes: z' = W relu(z) + h, which the piecewise-linear ones follow exactly, and
x' = tanh(W x), which Tanh, GRU and LSTM follow. A class says so by an optional rule, `from_relus` or
`from_tanh`, which returns a network and its states.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import _check
from ..errors import InvalidInputError
from . import protocol
from ._init import prepare, scaled_normal

_GOLDEN = 2.0 * math.pi * (math.sqrt(5.0) - 1.0) / 2.0  # the turn that cycles approximate worst


class Constructed(NamedTuple):
    """A network of a known regime.

    Attributes
    ----------
    cell : cell
        The network, float64.
    x0 : ndarray, shape (N,)
        A state from which it shows the regime; of a cycle, its first point.
    exponent : float or None
        Its largest Lyapunov exponent in nats per step, where it is known exactly.
    points : ndarray, shape (k, N), or None
        The points of a cycle, in order.
    """

    cell: Any
    x0: np.ndarray
    exponent: float | None = None
    points: np.ndarray | None = None


def contracting(cell_class: Any, n: int, *, bound: float = 0.8, rng: Any = None) -> Constructed:
    """Random network whose states all run into one fixed point.

    Parameters
    ----------
    cell_class : class of cells
        With a `jacobian_bound` that can be below 1 (every Jacobian then has at most this spectral norm), or
        Tanh, GRU or LSTM in general, as a contracting tanh network.
    n : int
        Number of units.
    bound : float
        Between 0 and 1: what one step leaves of a distance, at most. The units of an LSTM contract so in h;
        their c goes to a constant.
    rng : int or Generator, optional
        Seed of the weights and of x0.

    Returns
    -------
    Constructed

    Raises
    ------
    InvalidInputError
        If no network of the class contracts everywhere, such as `Antisymmetric`, or arguments do not fit.

    Examples
    --------
    >>> from chaoskit.cells import PLRNN
    >>> round(contracting(PLRNN, 5, rng=0).cell.jacobian_bound(), 6)
    0.8
    """
    bound = _between(bound, "bound", 0.0, 1.0)
    rng = prepare(rng, np.float64, n=n)
    scaled = _scaled_draw(_checked_class(cell_class), n, rng)
    if scaled is not None and scaled(0.0).jacobian_bound() < bound:
        cell = scaled(_crossing(lambda factor: scaled(factor).jacobian_bound() < bound, 1.0))
        return Constructed(cell, rng.standard_normal(n))
    if not hasattr(cell_class, "from_tanh"):
        raise InvalidInputError(
            f"cell_class: no {cell_class.__name__} is known to contract everywhere, even with weights of 0; "
            "choose another class"
        )
    W = rng.standard_normal((n, n))
    return Constructed(*cell_class.from_tanh(bound / protocol.spectral_norm(W) * W, rng.uniform(-1, 1, n)))


def cyclic(cell_class: Any, k: int, *, multiplier: float = 0.5) -> Constructed:
    """Network with a cycle of k states, known exactly; k = 1 is a fixed point.

    A piecewise-linear network counts: x' = x + 1 up to k, and from there back to 1 with a slope that is the
    multiplier. Tanh, GRU and LSTM of k units are rings in which one sign differs from the others and moves on
    by one unit a step; all their k multipliers are the same.

    Parameters
    ----------
    cell_class : class of cells
        One that follows relus or tanh; not `Antisymmetric` (a step near the identity) or `Linear` (its cycles
        are never isolated).
    k : int
        Period.
    multiplier : float
        From 0.05 to 1: largest eigenvalue of the Jacobian of k steps. That of a piecewise-linear network may
        be above 1: the cycle is then unstable, and an orbit stays on it while its numbers are not rounded.

    Returns
    -------
    Constructed

    Raises
    ------
    InvalidInputError
        If arguments do not fit, or the class has no such construction.

    Examples
    --------
    >>> from chaoskit import simulate
    >>> from chaoskit.cells import ShPLRNN
    >>> network = cyclic(ShPLRNN, 3)
    >>> simulate(network.cell, network.x0, 4)[:, 0].tolist()
    [1.0, 2.0, 3.0, 1.0, 2.0]
    """
    k = _check.integer(k, "k", 1)
    smooth = hasattr(_checked_class(cell_class), "from_tanh")
    multiplier = _between(multiplier, "multiplier", 0.05, 1.0 if smooth else math.inf)
    if smooth:
        level, weight = _saturation(multiplier ** (1.0 / k))
        pattern = np.where(np.eye(k) > 0, level, -level)
        cell, points = cell_class.from_tanh(weight * np.roll(np.eye(k), 1, axis=0), pattern)
    else:
        last = k - 0.25  # from here on the slope is the multiplier, from k - 0.75 on it falls
        fall = (1.0 - 0.25 * multiplier - (k + 0.25)) / 0.5
        kinks, jumps = np.array([0.0, last - 0.5, last]), np.array([1.0, fall - 1.0, multiplier - fall])
        cell, points = _interval_map(cell_class, kinks, jumps, 1.0, np.arange(1.0, k + 1.0), k + 1.0)
    return Constructed(cell, points[0], math.log(multiplier) / k, points)


def quasi_periodic(cell_class: Any, *, angle: float = _GOLDEN, gain: float = 1.05) -> Constructed:
    """Network of two units whose orbit turns around a circle and never closes.

    Piecewise-linear networks turn inside one linear region, by a rotation in skewed coordinates: the product
    of their Jacobians stays bounded and has both exponents 0. Tanh, GRU and LSTM are just past a
    Neimark-Sacker bifurcation: a rotation times `gain`, held by the tanh.

    Parameters
    ----------
    cell_class : class of cells
    angle : float
        Turn of a step, in radians. The golden one by default; a rational part of 2 pi closes the orbit.
    gain : float
        Above 1; of smooth networks only.

    Returns
    -------
    Constructed
        Its exponent is 0. That of a smooth network is 0 unless its angle locks to a rational one.

    Raises
    ------
    InvalidInputError
        If arguments do not fit, or the class has no such construction.

    Examples
    --------
    >>> from chaoskit import jacobian_product
    >>> from chaoskit.cells import ReLU
    >>> network = quasi_periodic(ReLU)
    >>> bool(abs(jacobian_product(network.cell, network.x0, 10_000).log_scale) < 1.0)
    True
    """
    angle, gain = _check.number(angle, "angle"), _check.number(gain, "gain")
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    if hasattr(_checked_class(cell_class), "from_tanh"):
        if not gain > 1.0:
            raise InvalidInputError(
                f"gain: expected a number above 1, got {gain!r}; below, the orbit comes to rest"
            )
        cell, x0 = cell_class.from_tanh(gain * turn, np.array([0.3, 0.1]))
        return Constructed(cell, x0, 0.0)
    skew = np.array([[1.0, 0.8], [0.0, 0.6]])
    W, centre = skew @ turn @ np.linalg.inv(skew), np.array([5.0, 5.0])
    cell, x0 = _rule(cell_class, "from_relus")(W, centre - W @ centre, centre + [1.0, 0.5], 10.0)
    return Constructed(cell, x0, 0.0)


def tent(cell_class: Any, *, peak: float = 0.5, height: float = 0.99995) -> Constructed:
    """Piecewise-linear network that follows the tent map.

    x' = height x / peak up to the peak, height (1 - x) / (1 - peak) beyond. Its chaos is exact: with
    peak 1/2 every step stretches by 2 height, and with height 1 the orbit fills the interval evenly. Both at
    once do not last: each step would lose a binary digit, until none is left.

    Parameters
    ----------
    cell_class : class of cells
        A piecewise-linear one.
    peak : float
        Where the map is largest, between 0 and 1.
    height : float
        Its largest value, up to 1.

    Returns
    -------
    Constructed
        With exponent ln(2 height) for peak 1/2, -peak ln peak - (1 - peak) ln(1 - peak) for height 1,
        otherwise None. Of the two states the first is x (a `ClippedShPLRNN`: x - 2), the second x - peak (a
        `ReLU`: its positive part).

    Raises
    ------
    InvalidInputError
        If arguments do not fit, or the class has no such construction.

    Examples
    --------
    >>> from chaoskit.cells import ReLU
    >>> tent(ReLU, peak=0.3, height=1.0).exponent.__round__(4)
    0.6109
    """
    peak = _between(peak, "peak", 0.0, 1.0)
    height = _check.positive(height, "height")
    if height > 1.0 or (peak == 0.5 and height == 1.0):
        raise InvalidInputError(
            f"height: expected at most 1, and less with peak 1/2, where the orbit ends at 0; got {height!r}"
        )
    rise, fall = height / peak, -height / (1.0 - peak)
    kinks, jumps = np.array([0.0, peak]), np.array([rise, fall - rise])
    cell, states = _interval_map(cell_class, kinks, jumps, 0.0, np.array([0.3141 * height]), 2.0)
    exponent = None
    if peak == 0.5:
        exponent = math.log(2.0 * height)
    elif height == 1.0:
        exponent = -peak * math.log(peak) - (1.0 - peak) * math.log(1.0 - peak)
    return Constructed(cell, states[0], exponent)


def chaotic(cell_class: Any, n: int = 100, *, gain: float = 2.0, rng: Any = None) -> Constructed:
    """Random network of n tanh units, chaotic for large n: Gaussian weights of variance gain^2 / n.

    For piecewise-linear classes see `tent`. Small networks are often periodic: count a draw as chaotic only
    once an independent run finds its exponent above five standard errors.

    Parameters
    ----------
    cell_class : class of cells
        Tanh, GRU or LSTM; the latter two imitate the tanh network.
    n : int
        Number of units.
    gain : float
        Above 1. In the limit of many units the largest exponent is 0.065 at 1.5, 0.155 at 2, 0.532 at 5.
    rng : int or Generator, optional
        Seed of weights and x0.

    Returns
    -------
    Constructed

    Raises
    ------
    InvalidInputError
        If arguments do not fit, or the class has no such construction.

    References
    ----------
    Sompolinsky, Crisanti and Sommers 1988, doi:10.1103/PhysRevLett.61.259.

    Examples
    --------
    >>> from chaoskit.cells import GRU
    >>> chaotic(GRU, 50, rng=0).x0.shape
    (50,)
    """
    rng = prepare(rng, np.float64, n=n)
    gain = _check.positive(gain, "gain")
    if gain > 1e100:
        raise InvalidInputError(
            f"gain: expected at most 1e100, beyond which weights overflow, got {gain:.1e}"
        )
    W = scaled_normal(rng, (n, n), n, np.float64, gain)
    return Constructed(*_rule(cell_class, "from_tanh")(W, rng.uniform(-0.5, 0.5, n)))


def _interval_map(cell_class: Any, kinks, jumps, offset: float, x, bound: float) -> tuple[Any, np.ndarray]:
    """(network, states) that follow x' = offset + sum of jumps relu(x - kinks); its units are x - kinks."""
    W, z = np.tile(jumps, (len(kinks), 1)), x[:, None] - kinks
    return _rule(cell_class, "from_relus")(W, offset - kinks, z, bound)


def _scaled_draw(cell_class: Any, n: int, rng) -> Callable[[float], Any] | None:
    """A random network as a function of a factor on all that is trained; None for a class without bound."""
    if not hasattr(cell_class, "jacobian_bound"):
        return None
    cell = cell_class.init(n, rng=rng)
    trained = {k: a for k, a in cell._asdict().items() if k not in protocol.fixed_fields(cell)}
    drawn = {k: a + 0.3 * rng.standard_normal(a.shape) for k, a in trained.items()}
    return lambda factor: cell._replace(**{k: factor * a for k, a in drawn.items()})


def _crossing(holds: Callable[[float], bool], high: float) -> float:
    """Largest number up to which a condition holds, by bisection."""
    while holds(high):
        high *= 2.0
    low = 0.0
    for _ in range(80):
        middle = (low + high) / 2.0
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _saturation(slope: float) -> tuple[float, float]:
    """Level x and weight w with x = tanh(w x) at which a unit passes on `slope` = w (1 - x^2), below 1."""
    x = _crossing(lambda x: x < 1.0 and (x == 0.0 or math.atanh(x) / x * (1.0 - x * x) > slope), 1.0)
    return x, math.atanh(x) / x


def _checked_class(cell_class: Any) -> Any:
    if not (
        isinstance(cell_class, type) and isinstance(getattr(cell_class, "layout", None), protocol.Layout)
    ):
        raise InvalidInputError(
            f"cell_class: expected a class such as chaoskit.cells.Tanh, got {cell_class!r}"
        )
    return cell_class


def _rule(cell_class: Any, name: str) -> Any:
    """An optional rule of a class that this construction needs."""
    rule = getattr(_checked_class(cell_class), name, None)
    if rule is None:
        raise InvalidInputError(
            f"cell_class: {cell_class.__name__} has no such construction (no rule `{name}`); choose a "
            + ("piecewise-linear class" if name == "from_relus" else "class that follows tanh, such as Tanh")
        )
    return rule


def _between(value: Any, name: str, low: float, high: float) -> float:
    number = _check.positive(value, name)
    if not low <= number < high or number == 0.0:
        raise InvalidInputError(f"{name}: expected a number from {low:g} to below {high:g}, got {value!r}")
    return number
