"""What a training sees of a measured series: standardised rows, delay vectors, inputs, a held-out end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from .. import _check
from .._labelled import unpack
from ..errors import InvalidInputError
from ..timeseries import choose_delay, choose_dimension
from ..timeseries.embedding import delay_and_dimension

_FEWEST = 20  # rows


class Embedding(NamedTuple):
    """Delay vectors: `dimension` copies of every column, `delay` steps apart, the newest last."""

    delay: int
    dimension: int

    @property
    def span(self) -> int:
        """Steps from the oldest to the newest row of a vector."""
        return self.delay * (self.dimension - 1)

    def vectors(self, rows: np.ndarray) -> np.ndarray:
        """Delay vectors (..., L - span, D * dimension) of rows (..., L, D); as `embed`, of many series."""
        count = rows.shape[-2] - self.span
        parts = [rows[..., k * self.delay : k * self.delay + count, :] for k in range(self.dimension)]
        return np.concatenate(parts, axis=-1)


NO_EMBEDDING = Embedding(1, 1)


class Scaling(NamedTuple):
    """z-score of columns; what is too far away for a number is infinite."""

    mean: np.ndarray
    scale: np.ndarray

    def apply(self, values: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            return (values - self.mean) / self.scale

    def undo(self, values: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            return values * self.scale + self.mean


def scaling_of(values: np.ndarray) -> Scaling:
    """z-score of the columns of (T, D); a column that never changes is only centred."""
    scale = values.std(axis=0)
    return Scaling(values.mean(axis=0), np.where(scale > 0, scale, 1.0))


@dataclass(frozen=True)
class TrainingData:
    """A series prepared for training.

    Attributes
    ----------
    series : ndarray, shape (T, D), float64
        As measured.
    inputs : ndarray, shape (T, M), float64
        Row t drives the step from t to t + 1; M may be 0.
    embedding : Embedding
    scaling, input_scaling : Scaling
    rows : ndarray, shape (T', D * dimension)
        Standardised delay vectors of the part that is trained on, in the dtype of the training.
    driving : ndarray, shape (T', M)
        Standardised inputs, row by row beside `rows`.
    judged_from, judged_to : int
        Rows of `series` that checkpoints are judged by: the held-out end, or else the longest segment.
    stretches : tuple of (int, int)
        First row and row after the last of each part of `rows` without a gap; windows lie within one.
    names : tuple of str
        Of the columns of `series`; empty if they have none.
    """

    series: np.ndarray
    inputs: np.ndarray
    embedding: Embedding
    scaling: Scaling
    input_scaling: Scaling
    rows: np.ndarray
    driving: np.ndarray
    judged_from: int
    judged_to: int
    stretches: tuple[tuple[int, int], ...]
    names: tuple[str, ...] = ()

    @property
    def judged(self) -> np.ndarray:
        """Rows (T'', D) that checkpoints are judged by."""
        return self.series[self.judged_from : self.judged_to]

    @property
    def judged_inputs(self) -> np.ndarray:
        """Inputs (T'', M) beside them."""
        return self.inputs[self.judged_from : self.judged_to]

    @property
    def longest(self) -> int:
        """Rows of the longest stretch."""
        return max(stop - start for start, stop in self.stretches)

    def window_starts(self, length: int) -> np.ndarray:
        """Rows at which windows of so many steps may begin."""
        return np.concatenate([np.arange(start, max(start, stop - length)) for start, stop in self.stretches])


def prepare_data(
    series: Any, inputs: Any, embedding: Any, validation_share: float, dtype: np.dtype
) -> TrainingData:
    """Check a series and its inputs, embed and standardise them, and hold out the end."""
    labelled = unpack(series, "series")
    segments = () if labelled is None else labelled.segments
    whole = series if labelled is None else replace(labelled, segments=())
    data = _check.series(whole, minimum=_FEWEST).copy()
    _check.moderate(data)
    driving = _inputs(inputs, len(data)).copy()
    for array in (data, driving):  # a measure of the user's own gets them, and nobody may write into them
        array.flags.writeable = False
    share = _check.share(validation_share, "validation_share")
    bounds, judged = _cut(segments, len(data), share)
    trained = bounds[-1][1]
    _check_split(trained, len(data), _FEWEST)
    longest = slice(*max(bounds, key=_length))
    delays = _embedding(embedding, data[longest])
    shortest, given = delays.span + _FEWEST, len(data) if share else len(data[longest])
    if given < shortest:
        raise InvalidInputError(
            f"embedding: expected at least {shortest} rows for delay {delays.delay} and dimension "
            f"{delays.dimension}, got {given}; give a longer series or a smaller window"
        )
    _check_split(trained, len(data), shortest)
    scaling, input_scaling = scaling_of(data[:trained]), scaling_of(driving[:trained])
    if (np.ptp(data[:trained], axis=0) == 0).any():
        raise InvalidInputError("series: a column never changes before the held-out end; remove it")
    scaled, driven = scaling.apply(data), input_scaling.apply(driving)
    kept = [(start, stop) for start, stop in bounds if stop - start > delays.span]
    ends = np.cumsum([stop - start - delays.span for start, stop in kept]).tolist()
    rows = np.concatenate([delays.vectors(scaled[start:stop]) for start, stop in kept])
    beside = np.concatenate([driven[start + delays.span : stop] for start, stop in kept])
    return TrainingData(
        series=data, inputs=driving, embedding=delays, scaling=scaling, input_scaling=input_scaling,
        rows=np.ascontiguousarray(rows, dtype), driving=np.ascontiguousarray(beside, dtype),
        judged_from=judged[0], judged_to=judged[1],
        stretches=tuple(zip([0, *ends[:-1]], ends, strict=True)),
        names=() if labelled is None else labelled.names,
    )  # fmt: skip


def _length(bounds: tuple[int, int]) -> int:
    return bounds[1] - bounds[0]


def _cut(
    segments: tuple[tuple[int, int], ...], rows: int, share: float
) -> tuple[tuple[tuple[int, int], ...], tuple[int, int]]:
    """Stretches of rows that are trained on, and the one that judges: the held-out end, or the longest."""
    if len(segments) > 1:
        if share > 0.0:
            raise InvalidInputError(
                f"validation_share: expected 0 for a series in {len(segments)} segments, of which the "
                f"longest judges, got {share}"
            )
        return segments, max(segments, key=_length)
    trained = rows if share == 0.0 else round((1.0 - share) * rows)
    return ((0, trained),), (0, rows) if share == 0.0 else (trained, rows)


def _check_split(trained: int, rows: int, shortest: int) -> None:
    if trained < shortest or 0 < rows - trained < shortest or trained == 0:
        raise InvalidInputError(
            f"validation_share: expected at least {shortest} rows before and after the split, got {trained} "
            f"and {rows - trained}"
        )


def _inputs(inputs: Any, rows: int) -> np.ndarray:
    if inputs is None:
        return np.zeros((rows, 0))
    values = _check.array(inputs, "inputs", np.float64)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or len(values) != rows or values.shape[1] == 0:
        raise InvalidInputError(
            f"inputs: expected one row for each of the {rows} rows of the series, shape ({rows},) or "
            f"({rows}, M), got {np.shape(inputs)}; row t drives the step from t to t + 1"
        )
    if values.size:
        _check.moderate(values, "inputs")
    return values


def _embedding(value: Any, data: np.ndarray) -> Embedding:
    if value is None:
        return NO_EMBEDDING
    if isinstance(value, str):
        if value != "auto":
            raise InvalidInputError(f'embedding: expected (delay, dimension), "auto" or None, got {value!r}')
        delay = choose_delay(data)
        return Embedding(delay, max(2, choose_dimension(data, delay)))
    return Embedding(*delay_and_dimension(value, '(delay, dimension), "auto" or None'))
