"""State-space divergence: how far the invariant measure of a free run is from that of the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _check
from ..errors import InvalidInputError
from ._series import pair

HISTOGRAM, MIXTURE = "histogram", "gaussian mixture"
LARGEST_HISTOGRAM_DIMENSION = 5
BOX_MARGIN = 0.1  # of a standard deviation, on either side of the true data's range
FAR_AWAY = 1e100  # standard deviations; squares of it still fit into a float64
CHUNK = 100  # Monte Carlo samples at a time: 100 x 10,000 distances are 8 MB
SMALLEST = 1e-300  # density where no center that counts is near


@dataclass(frozen=True)
class StateSpaceDivergence:
    """Result of `state_space_divergence`; ``float(result)`` is its value.

    Attributes
    ----------
    value : float
        Kullback-Leibler divergence of the generated from the true measure, in nats.
    outside : float
        Share of the generated points outside the box around the true data, 0 to 1.
    method : str
        ``"histogram"`` or ``"gaussian mixture"``.
    n_true, n_generated : int
        Numbers of points compared. A divergence means little without them.
    """

    value: float
    outside: float
    method: str
    n_true: int
    n_generated: int

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        lost = f", {self.outside:.0%} of the run outside the box" if self.outside else ""
        return (
            f"StateSpaceDivergence({self.value:.3g} nats by {self.method}, {self.n_true} against "
            f"{self.n_generated} points{lost})"
        )


def state_space_divergence(
    true: Any,
    generated: Any,
    *,
    n_bins: int = 30,
    pseudocount: float = 1e-5,
    method: str = "auto",
    variance: float = 1.0,
    max_centers: int = 10_000,
    n_samples: int = 1000,
    seed: int = 0,
) -> StateSpaceDivergence:
    """Kullback-Leibler divergence between the true and the generated points in state space.

    Both series are taken as clouds of points, so their order in time does not count. Up to 5
    dimensions the clouds are compared in a histogram on the box
    ``[min - 0.1 sd, max + 0.1 sd]`` of the true data. Generated points outside the box share one
    further cell: they are not dropped, since that would flatter a model that runs away. From
    6 dimensions on, each cloud becomes a mixture with one Gaussian on each point.

    Parameters
    ----------
    true : array_like, shape (T,) or (T, D), float
        Measured or simulated series.
    generated : array_like, shape (S,) or (S, D), float
        Free run of the model, without its transient.
    n_bins : int
        Cells along each dimension. Histogram only.
    pseudocount : float
        Added to the count of each of the ``n_bins**D`` cells. Histogram only.
    method : {"auto", "histogram", "gaussian mixture"}
        ``"auto"`` takes the histogram up to 5 dimensions and the mixture above.
    variance : float
        Variance of each Gaussian, in squared standard deviations of the true data. Mixture only.
    max_centers : int
        A longer series is subsampled to this many points. Mixture only.
    n_samples : int
        Monte Carlo samples from the true mixture. Mixture only.
    seed : int
        Seed of subsampling and Monte Carlo. Mixture only.

    Returns
    -------
    StateSpaceDivergence
        The divergence in nats, at least 0. In the mixture version it is a Monte Carlo estimate
        and may fall below 0 by its sampling error.

    Raises
    ------
    InvalidInputError
        If the run diverged (not all rows are finite), the column counts differ, or a column of
        the true data never changes.

    Notes
    -----
    The value depends on the number of points: two halves of one Lorenz-63 series (time step 0.01)
    differ by about 3 with 5,000 points each and by 0.07 with 100,000. Compare it with the
    `floor` of the data, and give the number of points beside it. Rows in random order score 0:
    a verdict needs `spectral_distance` and the largest exponent too.

    References
    ----------
    Hess, Monfared, Brenner, Durstewitz (2023), Generalized teacher forcing for learning chaotic
    dynamics, arXiv:2306.04406. Monfared, Mikhaeil, Durstewitz (2022), How to train RNNs on chaotic
    data?, arXiv:2110.07238.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.measures import state_space_divergence
    >>> points = np.random.default_rng(0).normal(size=(1000, 2))
    >>> float(state_space_divergence(points, points))
    0.0
    >>> state_space_divergence(points, points + 100.0).outside
    1.0
    """
    true, generated = pair(true, generated)
    _check.moderate(true, "true")
    options = {
        "n_bins": n_bins, "pseudocount": pseudocount, "method": method, "variance": variance,
        "max_centers": max_centers, "n_samples": n_samples, "seed": seed,
    }  # fmt: skip
    rows, other_rows = np.arange(len(true)), np.arange(len(generated))
    value = divergence_of_rows(true, generated, **options)(rows, other_rows)
    return StateSpaceDivergence(
        value, outside_share(true, generated), _method(method, true.shape[1]), len(true), len(generated)
    )


def divergence_of_rows(
    true: np.ndarray,
    generated: np.ndarray,
    *,
    n_bins: int = 30,
    pseudocount: float = 1e-5,
    method: str = "auto",
    variance: float = 1.0,
    max_centers: int = 10_000,
    n_samples: int = 1000,
    seed: int = 0,
) -> Callable[[np.ndarray, np.ndarray], float]:
    """The divergence as a function of the row numbers that count, for resampling.

    Box and scale stay those of all true rows. Arguments as for `state_space_divergence`, the series checked.
    """
    if _method(method, true.shape[1]) == HISTOGRAM:
        n_bins = _check.integer(n_bins, "n_bins", 2)
        return _histogram_divergence(true, generated, n_bins, _check.positive(pseudocount, "pseudocount"))
    return _mixture_divergence(
        true,
        generated,
        _check.positive(variance, "variance"),
        _check.integer(max_centers, "max_centers", 2),
        _check.integer(n_samples, "n_samples", 1),
        _check.integer(seed, "seed"),
    )


def _method(method: str, dimension: int) -> str:
    if _check.choice(method, "method", ("auto", HISTOGRAM, MIXTURE)) == "auto":
        return HISTOGRAM if dimension <= LARGEST_HISTOGRAM_DIMENSION else MIXTURE
    return method


def outside_share(true: np.ndarray, generated: np.ndarray) -> float:
    """Share of the generated points (S, D) outside the box around the true ones (T, D)."""
    return float(np.mean(~_inside(generated, *_box(true))))


def _box(true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper corner of the cells; every true point lies between them."""
    margin = BOX_MARGIN * true.std(axis=0)
    return true.min(axis=0) - margin, true.max(axis=0) + margin


def _histogram_divergence(
    true: np.ndarray, generated: np.ndarray, n_bins: int, pseudocount: float
) -> Callable[[np.ndarray, np.ndarray], float]:
    """The divergence as a function of the numbers of the rows that count; only cells with points are held.

    With a = pseudocount, p = (c + a) / P, q = (d + a) / Q and sum p = 1,
    sum p log(p / q) = sum p log((c + a) / (d + a)) + log(Q / P), where cells that are empty in
    both histograms add nothing to the sum. Points outside the box count in Q; the cell
    that they fill has p = 0, for the box holds all true points.
    """
    n_cells = n_bins ** true.shape[1]
    if n_cells > np.iinfo(np.int64).max:
        raise InvalidInputError(
            f"n_bins: {n_bins} bins in {true.shape[1]} dimensions are more cells than can be "
            f'numbered; take fewer bins or method="{MIXTURE}"'
        )
    numbers = np.concatenate([_cell_numbers(points, *_box(true), n_bins) for points in (true, generated)])
    _, compact = np.unique(numbers, return_inverse=True)  # outside, being -1, comes first if it is there
    cells, other_cells = compact[: len(true)], compact[len(true) :]
    first = int(numbers.min() < 0)

    def divergence(rows: np.ndarray, other_rows: np.ndarray) -> float:
        size = int(compact.max()) + 1
        count = np.bincount(cells[rows], minlength=size)[first:] + pseudocount
        other = np.bincount(other_cells[other_rows], minlength=size)[first:] + pseudocount
        total, other_total = len(rows) + pseudocount * n_cells, len(other_rows) + pseudocount * n_cells
        value = np.sum(count * (np.log(count) - np.log(other))) / total + np.log(other_total / total)
        return max(float(value), 0.0)  # below 0 by rounding only

    return divergence


def _cell_numbers(points: np.ndarray, low: np.ndarray, high: np.ndarray, n_bins: int) -> np.ndarray:
    """One int64 for each point: the cell of the box that it lies in, -1 for none."""
    inside = _inside(points, low, high)
    with np.errstate(over="ignore"):
        index = ((np.clip(points, low, high) - low) / (high - low) * n_bins).astype(np.int64)
    index = np.clip(index, 0, n_bins - 1)  # the upper edge belongs to the last cell
    numbers = np.asarray(np.ravel_multi_index(tuple(index.T), (n_bins,) * points.shape[1]))
    return np.where(inside, numbers, -1)


def _inside(points: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return np.all((points >= low) & (points <= high), axis=1)


def _mixture_divergence(
    true: np.ndarray,
    generated: np.ndarray,
    variance: float,
    max_centers: int,
    n_samples: int,
    seed: int,
) -> Callable[[np.ndarray, np.ndarray], float]:
    """Monte Carlo estimate of KL between two mixtures of equal Gaussians, in true units.

    A function of the numbers of the rows that count, as for the histogram; rows beside the subsample
    count for nothing.
    """
    mean, deviation = true.mean(axis=0), true.std(axis=0)
    kept, other_kept = _subsample(len(true), max_centers, seed), _subsample(len(generated), max_centers, seed)
    centers = ((true - mean) / deviation)[kept]
    with np.errstate(over="ignore"):
        other_centers = np.clip((generated - mean) / deviation, -FAR_AWAY, FAR_AWAY)[other_kept]
    random = np.random.default_rng([seed, 1])
    parents = random.integers(len(centers), size=n_samples)
    samples = centers[parents]
    samples = samples + np.sqrt(variance) * random.standard_normal(samples.shape)

    density, other_density = (_Kernel(samples, points, variance) for points in (centers, other_centers))

    def divergence(rows: np.ndarray, other_rows: np.ndarray) -> float:
        weights = np.bincount(rows, minlength=len(true))[kept]
        other_weights = np.bincount(other_rows, minlength=len(generated))[other_kept]
        log_ratio = density.logarithm(weights) - other_density.logarithm(other_weights)
        return float(np.average(log_ratio, weights=weights[parents]))

    return divergence


def _subsample(count: int, size: int, seed: int) -> np.ndarray:
    """At most `size` of so many rows; the same ones of equally long series, so that D(x, x) = 0."""
    if count <= size:
        return np.arange(count)
    return np.random.default_rng(seed).choice(count, size, replace=False)


class _Kernel:
    """Gaussians on centers seen from samples: the log density for any weights of the centers."""

    def __init__(self, samples: np.ndarray, centers: np.ndarray, variance: float):
        from scipy.spatial.distance import cdist  # not at the top: half a second of every import

        self.values = np.empty((len(samples), len(centers)))
        self.largest = np.empty(len(samples))
        for start in range(0, len(samples), CHUNK):
            part = slice(start, start + CHUNK)
            exponents = cdist(samples[part], centers, "sqeuclidean") / (-2.0 * variance)
            self.largest[part] = exponents.max(axis=1)
            np.exp(exponents - self.largest[part, None], out=self.values[part])

    def logarithm(self, weights: np.ndarray) -> np.ndarray:
        """Without the constant that all mixtures share."""
        density = self.values @ (weights / weights.sum())
        return np.log(np.maximum(density, SMALLEST)) + self.largest
