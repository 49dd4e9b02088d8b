"""Tests for a cell of your own: are its rules, its derivatives and its gradients those of its step?"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .cells import protocol
from .cells._validate import checked_cell, is_cell
from .dynamics import jacobian, simulate
from .errors import ChaoskitError, InvalidInputError
from .forcing import Sparse
from .kernels import packing
from .training import loss_and_gradient

__all__ = [
    "CellCheckError", "CellErrors", "check_cell",
]  # fmt: skip

_DRAWS = 20  # attempts to find a point that is not at a kink
_STEP = 1e-5


class CellCheckError(ChaoskitError, AssertionError):
    """A cell's rules contradict each other; the message names the rule and the numbers."""


class CellErrors(NamedTuple):
    """Largest errors met by `check_cell`, each relative to the largest entry of what was compared.

    rules, jacobian, gradient : float
        Against central differences.
    adjoint : float
        Of the identity <g, jvp(v, da)> = <vjp(g), (v, da)>.
    batch : float
        Of a batch against its rows one by one.
    float32 : float
        Of orbit and gradients in float32 against float64; NaN if it was not asked for.
    kinks : float
        Of the affine map between the kinks of a piecewise-linear cell; NaN for a cell without that rule.
    """

    rules: float
    adjoint: float
    jacobian: float
    gradient: float
    batch: float
    float32: float
    kinks: float = math.nan


def check_cell(
    cell_class: Any,
    *,
    n: int = 5,
    n_inputs: int = 2,
    rng: Any = 0,
    tolerance: float = 1e-6,
    single_precision: bool = True,
    **options: Any,
) -> CellErrors:
    """Test the rules of a cell against finite differences of its own step, and the kernels made from them.

    Run in plain Python first, where a mistake has a readable trace, then compiled.

    Parameters
    ----------
    cell_class : class or instance
        A class is built by ``cell_class.init(n, n_inputs, rng=rng, **options)``; an instance is taken
        as it is.
    n, n_inputs : int
        Units and inputs of the cell that is built. A cell that takes none is tested with n_inputs=0.
    rng : seed or numpy.random.Generator
        Draws parameters, states and data.
    tolerance : float
        Largest relative error of a derivative against central differences in float64.
    single_precision : bool
        Compile the kernels for float32 as well and compare with float64; this takes as long as all the rest.
    **options
        Further arguments of `init`.

    Returns
    -------
    CellErrors
        The largest errors.

    Raises
    ------
    CellCheckError
        If a rule is wrong. It is an AssertionError as well, so test runners show it as a failed test.
    InvalidInputError
        If this is no cell, or its arrays do not fit together.

    Examples
    --------
    >>> from chaoskit.cells import Tanh
    >>> check_cell(Tanh, n=3).gradient < 1e-6
    True
    """
    rng = np.random.default_rng(rng)
    cell = _build(cell_class, n, n_inputs, rng, options)
    rules, adjoint = _check_rules(cell, rng, tolerance)
    return CellErrors(
        rules=rules,
        adjoint=adjoint,
        jacobian=_check_jacobian(cell, rng, tolerance),
        gradient=_check_gradient(cell, rng, tolerance),
        batch=_check_batch(cell, rng),
        float32=_check_float32(cell, rng) if single_precision else math.nan,
        kinks=_check_kinks(cell, rng),
    )


def _build(cell_class: Any, n: int, n_inputs: int, rng, options) -> Any:
    """The cell to test, with biases that are not zero, so that their gradients are seen."""
    if is_cell(cell_class):
        return checked_cell(type(cell_class)(*(np.array(a, np.float64) for a in cell_class)))
    if not isinstance(getattr(cell_class, "layout", None), protocol.Layout):
        raise InvalidInputError(
            "cell_class: expected a NamedTuple class with a `layout` and the rules of "
            f"chaoskit.cells.protocol, or an instance of one, got {cell_class!r}"
        )
    cell = checked_cell(cell_class.init(n, n_inputs, rng=rng, **options))
    fixed = protocol.fixed_fields(cell)
    moved = {k: a + 0.1 * rng.standard_normal(a.shape) for k, a in cell._asdict().items() if k not in fixed}
    return cell._replace(**moved)


def _require(error: float, allowed: float, what: str) -> float:
    if not error <= allowed:
        raise CellCheckError(f"{what}: expected an error of at most {allowed:.1e}, got {error:.1e}")
    return float(error)


def _relative(a: Any, b: Any) -> float:
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    size = max(np.abs(b).max(initial=0.0), np.abs(a).max(initial=0.0), 1e-300)
    return float(np.abs(a - b).max(initial=0.0) / size)


def _difference(f: Callable[[float], Any], scale: float = 1.0) -> np.ndarray | None:
    """Derivative of f at 0 by central differences; None if two step sizes disagree (a kink is near)."""

    def central(h):
        return (np.asarray(f(h), np.float64) - np.asarray(f(-h), np.float64)) / (2 * h)

    once, twice = central(_STEP), central(2 * _STEP)
    agree = np.abs(once - twice).max(initial=0.0) <= 1e-8 * max(np.abs(once).max(initial=0.0), scale)
    return once if agree else None


# ---- the unit rules, in plain Python
def _tuple_of(values: Any, count: int, name: str, cell) -> np.ndarray:
    if not isinstance(values, tuple) or len(values) != count:
        raise CellCheckError(
            f"{type(cell).__name__}.{name}: expected a tuple of {count} values as in `layout`, got {values!r}"
        )
    return np.array(values, np.float64)


def _check_rules(cell, rng, tolerance: float) -> tuple[float, float]:
    worst, adjoint, tested = 0.0, 0.0, 0
    for _ in range(_DRAWS):
        errors = _unit_errors(cell, rng)
        if errors is None:
            continue
        tested += 1
        for rule, error in errors.items():
            limit = 1e-12 if rule == "local_vjp" else tolerance
            _require(error, limit, f"{type(cell).__name__}.{rule}")
        adjoint = max(adjoint, errors.pop("local_vjp"))
        worst = max(worst, *errors.values())
    if tested == 0:
        raise CellCheckError(f"{type(cell).__name__}: the step has a kink at every point that was tried")
    return float(worst), float(adjoint)


def _unit_errors(cell, rng) -> dict[str, float] | None:
    """Errors of each rule at one random point of one unit; None at a kink."""
    layout = protocol.kernel_class(cell).layout
    cell = packing.tag(cell)

    def draw(count):
        return tuple(rng.standard_normal(count))

    def outputs(p, x, a):
        y, s = protocol.local(cell, p, x, a)
        _tuple_of(s, layout.saved, "local (saved values)", cell)
        return _tuple_of(y, layout.state, "local", cell)

    def moved(values, direction, h):
        return tuple(v + h * d for v, d in zip(values, direction, strict=True))

    p, x, a = draw(layout.parameters), draw(layout.state), draw(layout.gates)
    y, s = protocol.local(cell, p, x, a)
    outputs(p, x, a)
    c = protocol.slopes(cell, p, x, y, s)
    _tuple_of(c, layout.coefficients, "slopes", cell)
    v, da, g, dp = draw(layout.state), draw(layout.gates), draw(layout.state), draw(layout.parameters)
    by_rule = _tuple_of(protocol.local_jvp(cell, c, v, da), layout.state, "local_jvp", cell)
    gx, ga = protocol.local_vjp(cell, c, g)
    back = (
        _tuple_of(gx, layout.state, "local_vjp", cell) @ v
        + _tuple_of(ga, layout.gates, "local_vjp", cell) @ da
    )
    gp = _tuple_of(
        protocol.parameter_gradient(cell, c, x, g, ga), layout.parameters, "parameter_gradient", cell
    )
    by_difference = _difference(lambda h: outputs(p, moved(x, v, h), moved(a, da, h)))
    by_parameter = _difference(lambda h: outputs(moved(p, dp, h), x, a) @ g)
    feature = _feature_errors(cell, rng)
    if by_difference is None or by_parameter is None or feature is None:
        return None
    scale = 1.0 + np.abs(by_difference).max()
    return {
        "local_jvp": float(np.abs(by_rule - by_difference).max() / scale),
        "local_vjp": float(abs(back - by_rule @ g) / (1.0 + abs(back))),
        "parameter_gradient": float(abs(gp @ dp - float(by_parameter)) / (1.0 + abs(float(by_parameter)))),
        **feature,
    }


def _feature_errors(cell, rng) -> dict[str, float] | None:
    """Errors of the slope and of the parameter gradient of the feature."""
    count = type(cell).layout.features  # of the tag
    f, df, x = tuple(rng.standard_normal(count)), rng.standard_normal(count), rng.standard_normal()
    slope = protocol.feature_slope(cell, f, x)
    by_difference = _difference(lambda h: protocol.feature(cell, f, x + h))
    if by_difference is None:
        return None
    errors = {"feature_slope": abs(slope - float(by_difference)) / (1.0 + abs(slope))}
    if count:
        by_parameter = _difference(lambda h: protocol.feature(cell, tuple(np.add(f, h * df)), x))
        if by_parameter is None:
            return None
        gradient = _tuple_of(protocol.feature_gradient(cell, f, x, 1.0), count, "feature_gradient", cell)
        errors["feature_gradient"] = abs(gradient @ df - float(by_parameter)) / (
            1.0 + abs(float(by_parameter))
        )
    return errors


# ---- the kernels made from them
def _sizes(cell) -> tuple[int, int, int]:
    """Units, states, inputs."""
    sizes = packing.sizes_of(cell)
    return sizes.n, sizes.nx, sizes.inputs


def _drive(rng, *shape: int) -> np.ndarray | None:
    return rng.standard_normal(shape) if shape[-1] else None


def _check_jacobian(cell, rng, tolerance: float) -> float:
    _, N, M = _sizes(cell)
    for _ in range(_DRAWS):
        x, u = rng.standard_normal(N), _drive(rng, 1, M)

        def moved(h, e, x=x, u=u):
            return simulate(cell, x + h * e, 1, inputs=u)[1]

        columns = [_difference(lambda h, e=e, moved=moved: moved(h, e)) for e in np.eye(N)]
        if any(column is None for column in columns):
            continue
        by_rule = jacobian(cell, x, None if u is None else u[0])
        return _require(
            _relative(by_rule, np.array(columns).T), tolerance, f"{type(cell).__name__}: Jacobian"
        )
    raise CellCheckError(f"{type(cell).__name__}: the step has a kink at every state that was tried")


class _Task(NamedTuple):
    """A small forced training problem."""

    decoder: np.ndarray
    series: np.ndarray
    inputs: np.ndarray | None

    @classmethod
    def draw(cls, cell, rng):
        n, _, M = _sizes(cell)
        D = max(1, n - 2)
        decoder = np.linalg.qr(rng.standard_normal((n, D)))[0].T + 0.1 * rng.standard_normal((D, n))
        return cls(decoder, rng.standard_normal((2, 8, D)), _drive(rng, 2, 7, M))

    def __call__(self, cell, decoder=None):
        decoder = self.decoder if decoder is None else decoder
        return loss_and_gradient(cell, decoder, self.series, forcing=Sparse(3), inputs=self.inputs)


def _check_gradient(cell, rng, tolerance: float) -> float:
    for _ in range(_DRAWS):
        task = _Task.draw(cell, rng)
        _, gradient, decoder_gradient = task(cell)
        parts = [*(np.array(g) for g in gradient), decoder_gradient.copy()]
        scale = max(np.abs(part).max(initial=0.0) for part in parts)
        differences = _loss_differences(task, cell, scale)
        if differences is None:
            continue
        worst = 0.0
        for name, part, other in zip([*cell._fields, "decoder"], parts, differences, strict=True):
            if name in protocol.fixed_fields(cell):
                _require(np.abs(part).max(initial=0.0), 0.0, f"{type(cell).__name__}: gradient of {name}")
                continue
            error = np.abs(part - other).max(initial=0.0) / scale
            worst = max(worst, _require(error, tolerance, f"{type(cell).__name__}: gradient of {name}"))
        return worst
    raise CellCheckError(f"{type(cell).__name__}: the loss has a kink at every point that was tried")


def _loss_differences(task: _Task, cell, scale: float) -> list[np.ndarray] | None:
    """Central differences of the loss for every entry of the cell and of the decoder; None near a kink."""
    values = [*(np.array(a) for a in cell), task.decoder.copy()]
    results = [np.zeros_like(a) for a in values]
    for array, result in zip(values, results, strict=True):
        for at in np.ndindex(array.shape):
            kept = array[at]

            def loss(h, array=array, at=at, kept=kept):
                array[at] = kept + h
                return task(type(cell)(*values[:-1]), values[-1])[0]

            slope = _difference(loss, scale)
            array[at] = kept
            if slope is None:
                return None
            result[at] = slope
    return results


def _check_batch(cell, rng) -> float:
    _, N, M = _sizes(cell)
    x, u = rng.standard_normal((3, N)), _drive(rng, 3, 6, M)
    batch = simulate(cell, x, 6, inputs=u)
    rows = [simulate(cell, x[i], 6, inputs=None if u is None else u[i]) for i in range(3)]
    return _require(_relative(batch, rows), 1e-10, f"{type(cell).__name__}: batch against single orbits")


def _check_kinks(cell, rng) -> float:
    """The step is affine on lines that meet no kink: the middle goes to the middle, the Jacobian stays."""
    found = protocol.kinks(cell)
    if found is None:
        return math.nan
    _, N, M = _sizes(cell)
    name, worst = f"{type(cell).__name__}.kinks", 0.0
    if found.normals.shape != (len(found.offsets), N) or found.inputs.shape != (len(found.offsets), M):
        raise CellCheckError(f"{name}: expected shapes (R, {N}), (R,) and (R, {M}), got " + ", ".join(
            str(part.shape) for part in found))  # fmt: skip
    for _ in range(_DRAWS):
        x, d, u = rng.standard_normal(N), rng.standard_normal(N), _drive(rng, M)
        values = found.heights(x, np.zeros(M) if u is None else u)
        with np.errstate(divide="ignore"):
            meets = -values / (found.normals @ d)
        length = min(10.0, 0.99 * meets[meets > 0].min(initial=np.inf))
        line = x + length * np.array([[0.005], [0.5], [0.995]]) * d
        images = simulate(cell, line, 1, inputs=None if u is None else np.tile(u, (3, 1, 1)))[:, 1]
        worst = max(worst, _require(_relative(images[0] + images[2], 2 * images[1]), 1e-12, name))
        slopes = jacobian(cell, line, None if u is None else np.tile(u, (3, 1)))
        worst = max(worst, _require(_relative(slopes[0], slopes[2]), 1e-12, name))
    return worst


def _check_float32(cell, rng) -> float:
    _, N, M = _sizes(cell)
    single = type(cell)(*(a.astype(np.float32) for a in cell))
    x, u = rng.standard_normal(N), _drive(rng, 4, M)
    orbits = [simulate(one, x, 4, inputs=u) for one in (single, cell)]
    if orbits[0].dtype != np.float32:
        raise CellCheckError(f"{type(cell).__name__}: a float32 cell gave an orbit of {orbits[0].dtype}")
    task = _Task.draw(cell, rng)
    low, high = ([np.array(g) for g in task(one)[1]] for one in (single, cell))
    pairs = [orbits, *zip(low, high, strict=True)]
    error = max(_relative(a, b) for a, b in pairs)
    return _require(error, 1e-3, f"{type(cell).__name__}: float32 against float64")
