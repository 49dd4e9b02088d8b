"""Fixed points and cycles of any model."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _check
from ..cells._validate import whole_cell
from ..cells.protocol import Kinks, kinks
from ..dynamics.model import device_for
from ..errors import InvalidInputError
from .cycle_set import Continuum, CycleSet
from .distinct import MARGINAL, distinct, linearised, of_least_period, turned
from .exact import kinks_met, search_exactly, sides
from .newton import Solved, least_squares, solve
from .problem import Ring, prepared_model, ring_of
from .starts import starting_rings

_STARTS = 400
_MOST_STATES = 1 << 16  # numbers of a ring
_LEAST_SQUARES = 3e7  # operations of a step for all starts that Newton's method leaves: below it, cheap


def fixed_points(
    model: Any,
    *,
    starts: Any = None,
    inputs: Any = None,
    dt: float | None = None,
    most_regions: int = 100_000,
    seed: int = 0,
    device: str = "cpu",
) -> CycleSet:
    """Fixed points of a network or map, equilibria of a flow: stable ones, saddles and repellers.

    Parameters
    ----------
    model, starts, inputs, dt, most_regions, seed, device
        As in `cycles`; inputs (M,) stay the same.

    Returns
    -------
    CycleSet
        With period 1.

    Raises
    ------
    InvalidInputError
        If arguments do not fit together, the flow depends on time, or a map or flow is to run on a GPU.
    DeviceError
        If there is no GPU for device="cuda", or too little memory on it.

    References
    ----------
    Sussillo and Barak 2013, doi:10.1162/NECO_a_00409; for piecewise-linear networks Eisenmann et al. 2023,
    arXiv 2310.17561.

    Examples
    --------
    >>> from chaoskit.systems import Lorenz63
    >>> found = fixed_points(Lorenz63())
    >>> found.points[:, 0].round(3).tolist()
    [[0.0, 0.0, 0.0], [-8.485, -8.485, 27.0], [8.485, 8.485, 27.0]]
    >>> found.unstable_dimension.tolist()
    [1, 2, 2]
    """
    return cycles(
        model, 1, starts=starts, inputs=inputs, dt=dt, most_regions=most_regions, seed=seed, device=device
    )


def cycles(
    model: Any,
    period: int,
    *,
    starts: Any = None,
    inputs: Any = None,
    dt: float | None = None,
    most_regions: int = 100_000,
    seed: int = 0,
    device: str = "cpu",
) -> CycleSet:
    """Cycles of a network or map that return after `period` steps and no sooner, stable or not.

    Of a piecewise-linear cell with few regions all of them are found: each sequence of regions in which a
    cycle may run gives one system of linear equations. Otherwise Newton's method is run from many stretches
    of orbits, on all states of the cycle at once, which goes well in chaos too, where the equation for one
    state of a long cycle is hopeless.

    Parameters
    ----------
    model : cell, Stack, System or FitResult
    period : int
        Number of steps; 1 for fixed points, and for a flow, whose equilibria are found.
    starts : int or array_like, shape (n, N), optional
        How many starts, or states to start from. Default: 400, from orbits that nearly return and from
        states around them, or none where the search is exhaustive; if given, it is from these starts.
    inputs : array_like, shape (M,) or (T, M), optional
        Of a driven cell: constant, or repeated after T steps; `period` is then a multiple of T.
    dt : float, optional
        Time of a step, for `rates`; of a flow the system's own by default.
    most_regions : int
        Largest number of regions, and of itineraries through them, for which a piecewise-linear cell is
        searched exhaustively.
    seed : int
        For the starts.
    device : {"cpu", "cuda"}
        Where Newton's method runs. "cuda": of cells, steps from all starts at once, for many starts or large
        networks; what comes before and after (starts, regions, least squares, eigenvalues) stays on the CPU.

    Returns
    -------
    CycleSet
        One ring of states for each cycle; `completeness` says what was searched.

    Raises
    ------
    InvalidInputError
        If arguments do not fit together, a flow is asked for cycles, `period` does not fit the inputs, or a
        map or flow is to run on a GPU.
    DeviceError
        If there is no GPU for device="cuda", or too little memory on it.

    Notes
    -----
    Newton's steps are shortened until the gaps F(z_i) - z_{i+1} decrease, and where none does, Levenberg and
    Marquardt's method takes over in small networks. Cells in float32 are searched in float64. States that
    differ by less than 1e-6 of their size are one.

    References
    ----------
    Eisenmann et al. 2023, arXiv 2310.17561: cycles of piecewise-linear networks by the regions they visit.

    Examples
    --------
    >>> from chaoskit.systems import Logistic
    >>> pair = cycles(Logistic(r=3.2), 2)
    >>> pair.points.ravel().round(4).tolist(), bool(pair.stable[0])
    ([0.513, 0.7995], True)
    """
    period = _check.integer(period, "period", 1)
    most_regions = _check.integer(most_regions, "most_regions")
    rng = np.random.default_rng(_check.integer(seed, "seed"))
    prepared = prepared_model(model, dt)
    if period * prepared.dim > _MOST_STATES:
        raise InvalidInputError(
            f"period: expected at most {max(1, _MOST_STATES // prepared.dim)} for {prepared.dim} states, all "
            f"of which are solved for together, got {period}"
        )
    ring = ring_of(model, prepared, period, inputs, device_for(device, model))
    bends = _kinks(model)
    if bends is not None and starts is None and ring.input_period == 1:
        exact = search_exactly(ring, bends, most_regions)
        if exact is not None:
            rings, norms, _ = _sorted_out(ring, exact.rings, exact.norms, exact.size)
            text = f"exhaustive over {exact.searched}"
            return _result(ring, rings, norms, bends, exact.size, exact.continua, text, True)
    begun = starting_rings(ring, starts, _STARTS, rng)
    size = typical_size(begun)
    solved = _solved(ring, begun, size, bends is not None)
    found = solved.converged
    rings, norms, counts = _sorted_out(ring, solved.rings[found], solved.norms[found], size)
    text = f"from {len(begun)} starts, of which {int(found.sum())} converged"
    once = int((counts == 1).sum())
    if once:
        text += f"; {once} found once only, so that there may be more"
    return _result(ring, rings, norms, bends, size, (), text, False)


def _kinks(model: Any) -> Kinks | None:
    cell = whole_cell(model)
    return None if cell is None else kinks(cell)


def typical_size(rings: np.ndarray) -> float:
    """Typical size of the states; 1 if all are zero."""
    size = float(np.median(np.linalg.norm(rings, axis=(1, 2))))
    return size if size > 0 else 1.0


def _solved(ring: Ring, begun: np.ndarray, size: float, bent: bool) -> Solved:
    """Newton's method; what it leaves goes to damped steps (piecewise-linear maps) and to least squares."""
    solved = solve(ring, begun, size, damped=not bent, most=20 if bent else 60)
    if bent:
        solved = _again(solved, begun, lambda rings: solve(ring, rings, size))
    left = int((~solved.converged).sum())
    if left * (ring.period * ring.dim) ** 3 <= _LEAST_SQUARES:
        solved = _again(solved, solved.rings, lambda rings: _zeros(ring, rings, size))
    return solved


def _again(solved: Solved, begun: np.ndarray, method) -> Solved:
    """Another method for the rings that have not converged."""
    left = ~solved.converged
    if not left.any():
        return solved
    more = method(begun[left])
    for array, new in zip(solved, more, strict=True):
        array[left] = new
    return solved


def _zeros(ring: Ring, rings: np.ndarray, size: float) -> Solved:
    """Least squares, of which only minima that are zero count."""
    return solve(ring, least_squares(ring, rings, size).rings, size, most=3)


def _sorted_out(ring: Ring, rings: np.ndarray, norms: np.ndarray, size: float) -> tuple:
    """Rings of least period, one of each kind, with their norms and how often they were found."""
    least = of_least_period(rings, ring.input_period, size)
    rings, norms = rings[least], norms[least]
    which, counts = distinct(rings, norms, ring.input_period, size)
    return turned(rings[which], ring.input_period, size), norms[which], counts


def _result(
    ring: Ring, rings, norms, bends: Kinks | None, size: float, continua: tuple[Continuum, ...], text: str,
    exhaustive: bool,
) -> CycleSet:  # fmt: skip
    met = kinks_met(rings, bends, ring.inputs, size)
    bent = np.sum(met, axis=(1, 2)) > 0
    beside = iter(met)
    found = linearised(ring, rings, lambda one: sides(one, bends, next(beside), size))
    moduli = np.abs(found.eigenvalues)
    unstable = np.sum(moduli > 1 + MARGINAL, axis=1)
    flat = (rings / size).round(6).reshape(len(rings), ring.period * ring.dim)
    order = np.lexsort((*flat.T[::-1], unstable))
    stable: np.ndarray = moduli.max(axis=1, initial=0.0) < 1 - MARGINAL
    degenerate = int((np.abs(found.eigenvalues - 1) < 1e-6).any(axis=1).sum())
    if degenerate:
        text += f"; {degenerate} with an eigenvalue of 1, which need not be isolated"
    if bent.any():
        text += f"; {int(bent.sum())} on a kink, with the eigenvalues of the least stable side"
    if continua:
        text += f"; not isolated in {len(continua)} places"
    return CycleSet(
        points=rings[order], residuals=norms[order], eigenvalues=found.eigenvalues[order],
        rates=found.rates[order], stable=stable[order],
        unstable_dimension=unstable[order], unstable_directions=tuple(found.directions[i] for i in order),
        on_kink=bent[order], continua=continua, exhaustive=exhaustive, completeness=text,
        name=ring.model.name, units="per unit time" if ring.model.dt else "per step",
    )  # fmt: skip
