"""The 0-1 test for chaos: does a walk driven by the series diffuse, or stay bounded?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chaoskit import _check
from chaoskit.errors import InvalidInputError
from chaoskit.kernels.correlation import displacements

from .embedding import choose_delay
from .reconstruction import option

MINIMUM_ROWS = 200
LAG_SHARE = 10  # displacements up to a tenth of the rows
MOST_ROWS = 5_000  # of the walk: more sharpen nothing but cost quadratically
CHAOTIC, REGULAR = 0.8, 0.2


@dataclass(frozen=True)
class ZeroOneTest:
    """Outcome of the 0-1 test.

    Attributes
    ----------
    k : float
        Median over the frequencies: near 1 for chaos and for noise, near 0 for regular motion.
    frequencies, values : ndarray, shape (n_frequencies,), float64
        Frequencies c in radians, and K of each.
    step : int
        Rows of the series between two that were used, because it is sampled finely.
    verdict : str
        "chaotic or noisy", "regular" or "undecided".
    """

    k: float
    frequencies: np.ndarray
    values: np.ndarray
    step: int
    verdict: str

    def __repr__(self) -> str:
        return f"ZeroOneTest(K = {self.k:.3f}: {self.verdict}; every {self.step} rows)"


def zero_one_test(
    series: np.ndarray,
    *,
    step: int | str = "auto",
    n_frequencies: int = 100,
    damping: float = 0.0,
    seed: int = 0,
) -> ZeroOneTest:
    """0-1 test for chaos of Gottwald and Melbourne [1]_, in its regularised form [2]_.

    The series x, its mean taken off, drives a walk in the plane, p(n) = sum x(j) cos(c j) and q(n) =
    sum x(j) sin(c j) for j up to n. Its mean square displacement M(n) grows linearly for chaos and is
    bounded for regular motion; K is the correlation of M(n) with n, the median over random frequencies
    c in (pi / 5, 4 pi / 5), which keeps resonances out. (A mean would add (Ex)^2 (1 - cos c n) / (1 -
    cos c), which the regularised form takes off again.)

    White noise has K = 1 as well: the test tells chaos from regular motion, not from noise.

    Parameters
    ----------
    series : array_like, shape (T,) or (T, 1)
        At least 200 rows.
    step : int or "auto"
        Rows between two that are used: a finely sampled series looks regular whatever it is [2]_
        (sec. 4). "auto": its delay (`choose_delay`).
    n_frequencies : int
        Frequencies c.
    damping : float
        Against weak noise, which lets regular motion diffuse slowly: damping * sin(sqrt(2) n), in
        variances of x, is added to M(n) before the correlation; 0 for none, 2.5 is usual [2]_.
    seed : int
        For the frequencies.

    Returns
    -------
    ZeroOneTest

    Raises
    ------
    InvalidInputError
        If the series is shorter than 200 rows after taking every `step`-th, has more than one column,
        is constant, or holds NaN; or an option is out of range.

    References
    ----------
    .. [1] Gottwald, G. A., Melbourne, I. (2004). A new test for chaos in deterministic systems.
       Proceedings of the Royal Society A 460, 603-611.
    .. [2] Gottwald, G. A., Melbourne, I. (2009). On the implementation of the 0-1 test for chaos. SIAM
       Journal on Applied Dynamical Systems 8, 129-145.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.timeseries import zero_one_test
    >>> x = [0.3]
    >>> for _ in range(2000):
    ...     x.append(4 * x[-1] * (1 - x[-1]))
    >>> zero_one_test(x).verdict
    'chaotic or noisy'
    >>> zero_one_test(np.sin(1.3 * np.arange(2000))).verdict
    'regular'
    """
    data = _check.series(series, minimum=MINIMUM_ROWS)
    _check.moderate(data)
    if data.shape[1] > 1:
        raise InvalidInputError(f"series: expected one column, got {data.shape[1]}; test them one by one")
    n_frequencies = _check.integer(n_frequencies, "n_frequencies", 5)
    damping = _check.not_negative(damping, "damping")
    rng = np.random.default_rng(_check.integer(seed, "seed"))
    every = option(step, "step", 1) or min(choose_delay(data), len(data) // MINIMUM_ROWS)
    data = _check.series(data[::every], minimum=MINIMUM_ROWS)[:MOST_ROWS, 0]
    data = (data - data.mean()) / data.std()
    frequencies = rng.uniform(np.pi / 5, 4 * np.pi / 5, n_frequencies)
    phases = frequencies[:, None] * np.arange(1, len(data) + 1)
    walks = (np.cumsum(data * wave, axis=1) for wave in (np.cos(phases), np.sin(phases)))
    lags = len(data) // LAG_SHARE
    grown = np.empty((n_frequencies, lags))
    displacements(*walks, len(data) - lags, grown)
    n = np.arange(1, lags + 1)
    grown += damping * np.sin(np.sqrt(2) * n)
    values = np.array([np.corrcoef(n, row)[0, 1] if np.ptp(row) > 0 else 0.0 for row in grown])
    k = float(np.median(values))
    verdict = "chaotic or noisy" if k > CHAOTIC else "regular" if k < REGULAR else "undecided"
    return ZeroOneTest(k, frequencies, values, every, verdict)


def is_regular(data: np.ndarray) -> bool:
    """True if the test says regular of every column of (T, D); False of a series too short for it."""
    return len(data) >= MINIMUM_ROWS and all(zero_one_test(c).verdict == "regular" for c in data.T)
