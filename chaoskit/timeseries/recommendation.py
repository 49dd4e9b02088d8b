"""What a series asks of a training: forcing, window, sampling, embedding, number of states."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from chaoskit import _check
from chaoskit.errors import InvalidInputError

from ..forcing import Forcing, Generalized, Sparse
from .correlation import CorrelationDimension, correlation_dimension
from .embedding import mean_period
from .exponent import estimate_lyapunov
from .reconstruction import FINE_SAMPLING
from .result import DataLyapunov

WEAKEST = 0.1  # alpha of generalized forcing that noise asks for, unless growth a step asks for more
NOISY = 0.03  # standard deviations; below it, as in a series of eight bits, sparse forcing serves better
SHORTEST_WINDOW = 200  # steps
INTERVALS = 4  # forcing intervals in a window
FEWEST_SAMPLES, MOST_SAMPLES, WANTED_SAMPLES = 12, 200, 60  # rows in a mean period


def recommended_forcing(estimate: DataLyapunov) -> Forcing | None:
    """The forcing for a series with this exponent and noise; None if it is not shown to be chaotic.

    Sparse forcing at half the predictability time for clean series. Sparse forcing sets the state to
    the data, noise included, and what follows is driven by that noise; generalized forcing averages
    over many rows. It has to be stronger than the growth of errors: ln(1 - alpha) + lambda dt < 0.
    """
    if not isinstance(estimate, DataLyapunov):
        raise InvalidInputError(f"estimate: expected that of estimate_lyapunov, got {estimate!r:.60}")
    if estimate.recommended_tau is None:
        return None
    if not estimate.noise_level >= NOISY:  # NaN is no noise seen
        return Sparse(estimate.recommended_tau)
    growth = 1 - math.exp(-estimate.exponent * estimate.dt)
    return Generalized(max(WEAKEST, math.ceil(100 * growth) / 100))


def window_length(tau: int | None) -> int:
    """Steps of a training window: four forcing intervals, at least 200."""
    steps = 0 if tau is None else _check.integer(tau, "tau")
    return max(INTERVALS * steps, SHORTEST_WINDOW)


@dataclass(frozen=True)
class Recommendation:
    """What a series asks of a training, each with its reason; ``print`` shows a table.

    Attributes
    ----------
    forcing : Forcing or None
        None if the series is not shown to be chaotic.
    sequence_length : int
        Steps of a training window.
    sampling : str
        "good", "too fine" or "too coarse".
    subsample : int
        Take every so manieth row before training; 1 for all.
    delay, dimension : int
        Delay embedding; dimension 1 for none.
    n_states : int or None
        Latent states from which on an attractor of this dimension fits in general (more than twice the
        dimension); None without a dimension.
    least_states : int or None
        Fewer cannot hold it: the dimension's lower bound, rounded up, and three for a chaotic flow.
    reasons : dict of str to str
        One sentence for each.
    lyapunov : DataLyapunov
    attractor : CorrelationDimension
    """

    forcing: Forcing | None
    sequence_length: int
    sampling: str
    subsample: int
    delay: int
    dimension: int
    n_states: int | None
    least_states: int | None
    reasons: dict[str, str]
    lyapunov: DataLyapunov
    attractor: CorrelationDimension

    def rows(self) -> list[tuple[str, str, str]]:
        """What is recommended, its value, and why."""
        every = "all rows" if self.subsample == 1 else f"every {self.subsample} rows"
        copies = "none" if self.dimension == 1 else f"delay {self.delay}, {self.dimension} copies"
        least = "unknown" if self.n_states is None else f"{self.n_states} (at least {self.least_states})"
        values = {
            "forcing": "none" if self.forcing is None else repr(self.forcing),
            "sequence length": f"{self.sequence_length} steps", "sampling": every, "embedding": copies,
            "latent states": least,
        }  # fmt: skip
        return [(name, value, self.reasons[name]) for name, value in values.items()]

    def __str__(self) -> str:
        widths = [max(len(row[i]) for row in self.rows()) for i in (0, 1)]
        lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {reason}" for a, b, reason in self.rows()]
        return "\n".join(lines)

    def __repr__(self) -> str:
        said = f"forcing={self.forcing}, sequence_length={self.sequence_length}"
        return f"Recommendation({said}: {self.lyapunov.quality})"


def recommend(series: np.ndarray, dt: float | None = None, *, seed: int = 0) -> Recommendation:
    """Forcing, window length, sampling, embedding and number of states for training on a series.

    Parameters
    ----------
    series : array_like, shape (T,) or (T, D)
        At least 100 rows.
    dt : float, optional
        Time between two rows; by default that of the series' time index, or 1.
    seed : int
        For the estimates.

    Returns
    -------
    Recommendation

    Raises
    ------
    InvalidInputError
        If the series is shorter than 100 rows, has a column that never changes or holds NaN, or `dt`
        is not above 0.

    References
    ----------
    Mikhaeil, Monfared, Durstewitz 2022, arXiv 2110.07238, section 4 (forcing interval); Hess et al. 2023,
    arXiv 2306.04406, eq. 8 (generalized forcing); Sauer, Yorke, Casdagli 1991, Journal of Statistical
    Physics 65, 579-616 (an attractor of dimension D fits into more than 2 D coordinates).

    Examples
    --------
    >>> from chaoskit import recommend
    >>> x = [0.3]
    >>> for _ in range(2000):
    ...     x.append(4 * x[-1] * (1 - x[-1]))
    >>> found = recommend(x)
    >>> found.forcing, found.n_states
    (Sparse(tau=1), 2)
    """
    estimate = estimate_lyapunov(series, dt, seed=seed)
    attractor = correlation_dimension(series, seed=seed)
    return from_estimates(_check.series(series), estimate, attractor)


def from_estimates(
    data: np.ndarray, estimate: DataLyapunov, attractor: CorrelationDimension
) -> Recommendation:
    """The recommendation for a (T, D) series whose estimates are known."""
    period = mean_period(data)
    forcing, why_forcing = _forcing(estimate)
    length, why_length = _length(estimate)
    sampling, subsample, why_sampling = _sampling(estimate, period)
    needed = data.shape[1] < 3
    delay, copies = (estimate.delay, estimate.dimension) if needed else (1, 1)
    if needed:
        why_embedding = (
            f"{data.shape[1]} measured column{'s' if data.shape[1] > 1 else ''} may be less than the state; "
            "with so many copies few neighbours are false"
        )
    else:
        why_embedding = f"{data.shape[1]} columns are taken as the state"
    D = attractor.dimension
    known = math.isfinite(D)
    n_states = math.floor(2 * D) + 1 if known else None
    least = math.ceil(attractor.interval[0]) if known else None
    if least is not None and forcing is not None and period >= FINE_SAMPLING:
        least = max(3, least)  # no flow in a plane is chaotic
    if known:
        why_states = f"the attractor has dimension {D:.2f}, and more than 2 D coordinates hold any such set"
    else:
        why_states = f"the attractor's dimension is not known ({attractor.quality})"
    reasons = {
        "forcing": why_forcing, "sequence length": why_length, "sampling": why_sampling,
        "embedding": why_embedding, "latent states": why_states,
    }  # fmt: skip
    return Recommendation(
        forcing, length, sampling, subsample, delay, copies, n_states, least, reasons, estimate, attractor
    )


def _forcing(estimate: DataLyapunov) -> tuple[Forcing | None, str]:
    forcing = recommended_forcing(estimate)
    if forcing is None:
        return None, f"no predictability time was found ({estimate.quality})"
    if isinstance(forcing, Sparse):
        return forcing, f"errors double in {estimate.predictability_time / estimate.dt:.3g} steps; half of it"
    return forcing, (
        f"{100 * estimate.noise_level:.1f} % of the series is measurement noise, which sparse forcing would "
        "put into the state"
    )


def _length(estimate: DataLyapunov) -> tuple[int, str]:
    length = window_length(estimate.recommended_tau)
    if estimate.recommended_tau is None:
        return length, "the default; no predictability time was found"
    times = length * estimate.dt * estimate.exponent
    intervals = length / estimate.recommended_tau
    return length, f"{times:.2g} Lyapunov times, {intervals:.3g} forcing intervals"


def _sampling(estimate: DataLyapunov, period: float) -> tuple[str, int, str]:
    rows = f"{period:.3g} rows in a mean period"
    if period > MOST_SAMPLES:
        step = round(period / WANTED_SAMPLES)
        return "too fine", step, f"{rows}: a step changes little, and windows cover little of the motion"
    doubled = estimate.predictability_time / estimate.dt
    if period < FEWEST_SAMPLES and doubled < 2:
        why = f"{rows}, errors double in {doubled:.2g} steps: right for a map, too few for a flow"
        return "too coarse", 1, why
    return "good", 1, rows
