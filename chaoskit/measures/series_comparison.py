"""Any two series: every measure beside its floor, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _check
from .._tables import table
from ..errors import InvalidInputError
from ..timeseries import choose_delay, choose_dimension, embed
from ..timeseries.embedding import delay_and_dimension
from ._series import pair
from .bootstrap import RESAMPLES
from .judged import Measure, floor_of
from .spectral import spectral_distance
from .state_space import outside_share, state_space_divergence
from .verdict import (
    Exponent,
    Retracing,
    agreement,
    exponents_of,
    retracing_between,
    retracing_horizon,
    verdict,
)

_SHORTEST = 400  # rows: halves long enough for a smoothed spectrum
_MOST_COPIES = 3  # of one column in the automatic embedding: a histogram of more is empty


@dataclass(frozen=True)
class SeriesComparison:
    """Two series, measured against each other; ``print(result)`` shows a table.

    Attributes
    ----------
    verdict : str
        One sentence; its first word is faithful, close, wrong, copy or undecided.
    state_space_divergence, spectral_distance : Measure
        Values with intervals and floors.
    outside : float
        Share of the second series outside the box around the first.
    exponent, other_exponent : Exponent or None
        Largest Lyapunov exponents of the first and the second series per unit time, by
        `estimate_lyapunov` from 20,000 rows at most, in the same embedding.
    retracing : Retracing or None
        Share of the second series in step with the first; None where they are too short.
    n_true, n_generated : int
        Rows.
    embedding : tuple of int or None
        Delay and dimension of the coordinates of the divergence.
    remarks : tuple of str
    """

    verdict: str
    state_space_divergence: Measure
    spectral_distance: Measure
    outside: float
    exponent: Exponent | None
    other_exponent: Exponent | None
    retracing: Retracing | None
    n_true: int
    n_generated: int
    embedding: tuple[int, int] | None
    remarks: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"SeriesComparison({self.verdict})"

    def __str__(self) -> str:
        rows = [
            measure_row("state-space divergence", self.state_space_divergence),
            ["outside the box", self.outside, None],
            measure_row("spectral distance", self.spectral_distance),
            ["largest exponent (data)", str(self.other_exponent or "-"), str(self.exponent or "-")],
        ]
        if self.retracing is not None:
            rows.append(["retracing", self.retracing.value, self.retracing.floor])
        compared = f"{self.n_generated} rows against {self.n_true} of data"
        if self.embedding is not None:
            compared += f", divergence with delay {self.embedding[0]} and dimension {self.embedding[1]}"
        return "\n".join(
            [table(["", "value [95 %]", "floor [95 %]"], rows), "", compared, *self.remarks, self.verdict]
        )


def measure_row(name: str, measure: Measure | None) -> list[Any]:
    """Name, value and floor with their intervals, for a table."""
    if measure is None:
        return [name, None, None]
    return [
        name,
        with_interval(measure.value, measure.interval),
        with_interval(measure.floor, measure.floor_interval),
    ]


def with_interval(value: float | None, interval: tuple[float, float] | None) -> str | None:
    """ "0.12 [0.1, 0.14]"; the value alone where there is no interval, None where there is no value."""
    if value is None:
        return None
    if interval is None or not np.isfinite(interval).all():
        return f"{value:.3g}"
    return f"{value:.3g} [{interval[0]:.3g}, {interval[1]:.3g}]"


def compare(
    true: Any,
    generated: Any,
    *,
    dt: float | None = None,
    n_bins: int = 30,
    embedding: Any = "auto",
    n_resamples: int = RESAMPLES,
    seed: int = 0,
) -> SeriesComparison:
    """Judge a series against another one: invariant measure, spectrum, exponent, and whether it is a copy.

    Each measure stands beside its floor, the value between the halves of the first series, and
    both have intervals. No measure decides alone: rows in random order have the right invariant
    measure, a linear process with noise has the right spectrum, and a copy has everything right.

    Parameters
    ----------
    true : array_like, shape (T,) or (T, D), float
        The data; at least 400 rows. The first of the two is the reference: the divergence is not
        symmetric.
    generated : array_like, shape (S,) or (S, D), float
        A free run of a model, or data from elsewhere, at the same time step.
    dt : float, optional
        Time between two rows; by default that of the first series' time index if it has one, else 1.
    n_bins : int
        Bins per dimension of the state-space divergence.
    embedding : (int, int), "auto" or None
        Delay and dimension of the coordinates in which the divergence is taken. "auto": none for
        several columns; for one column delay and dimension from the first series, at most three
        copies. None: the columns as they are.
    n_resamples : int
        Resamples behind the intervals; 0 for no intervals.
    seed : int
        Of the resampling.

    Returns
    -------
    SeriesComparison

    Raises
    ------
    InvalidInputError
        If a series is not finite or too short, the column counts differ, a column of the first never
        changes, or an option is out of range.

    Notes
    -----
    What the words mean: a value is at the floor up to 1.5 times the floor or where the intervals
    reach it, near up to 3 times (or below 0.1 nats, or a distance of 0.05), and far beyond.
    Exponents agree within 30 % and their intervals. The verdict is "wrong" if one of the three is
    wrong, "faithful" if all are right and "undecided" if the data have no exponent to compare.

    References
    ----------
    Hess, Monfared, Brenner, Durstewitz (2023), Generalized teacher forcing for learning chaotic
    dynamics, arXiv:2306.04406, appendix 6.2.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.measures import compare
    >>> wave = np.sin(0.1 * np.arange(2000))
    >>> compare(wave, np.random.default_rng(0).normal(size=2000)).verdict.split(":")[0]
    'wrong'
    """
    data, run = pair(true, generated, minimum=_SHORTEST)
    dt = _check.time_unit(dt, true)
    for name, series in (("true", data), ("generated", run)):
        _check.moderate(series, name)
    resamples = checked_resamples(n_resamples)
    seed = _check.integer(seed, "seed")
    delays = _delays(embedding, data)
    states, other_states = (s if delays is None else embed(s, *delays) for s in (data, run))
    divergence_floor = floor_of(state_space_divergence, states, resamples, seed, n_bins=n_bins)
    divergence = divergence_floor.beside(states, other_states, resamples, seed)
    spectrum = floor_of(spectral_distance, data, resamples, seed).beside(data, run, resamples, seed)
    _, exponent, other_exponent = exponents_of(data, run, dt)
    half = len(data) // 2
    horizon = retracing_horizon(exponent, dt, min(half, len(run)))
    copied = retracing_between((run, data), (data[half:], data[:half]), horizon)
    said = verdict(
        None if states.shape[1] == 1 else divergence, spectrum, agreement(exponent, other_exponent), copied
    )
    return SeriesComparison(
        said, divergence, spectrum, outside_share(states, other_states),
        exponent, other_exponent, copied, len(data), len(run), delays, _remarks(data, run, states),
    )  # fmt: skip


def checked_resamples(value: Any) -> int:
    """0 for no intervals, or enough of them for a standard deviation."""
    resamples = _check.integer(value, "n_resamples")
    if 0 < resamples < 20:
        raise InvalidInputError(f"n_resamples: expected 0 or at least 20, got {resamples}")
    return resamples


def _delays(embedding: Any, data: np.ndarray) -> tuple[int, int] | None:
    """Delay and dimension of the coordinates of the divergence; None for the columns as they are."""
    if embedding is None:
        return None
    if isinstance(embedding, str):
        if embedding != "auto":
            raise InvalidInputError(
                f'embedding: expected (delay, dimension), "auto" or None, got {embedding!r}'
            )
        if data.shape[1] > 1:
            return None
        delay = choose_delay(data)
        return delay, int(np.clip(choose_dimension(data, delay), 2, _MOST_COPIES))
    delay, dimension = delay_and_dimension(embedding, '(delay, dimension), "auto" or None')
    return None if dimension == 1 else (delay, dimension)


def _remarks(data: np.ndarray, run: np.ndarray, states: np.ndarray) -> tuple[str, ...]:
    remarks = []
    if states.shape[1] == 1:
        remarks.append("the divergence compares histograms of one column, which says little: give embedding")
    if not 0.5 <= len(run) / len(data) <= 2.0:
        remarks.append("the series differ in length by more than a factor of 2; measures depend on it")
    return tuple(remarks)
