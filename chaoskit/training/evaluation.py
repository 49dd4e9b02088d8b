"""The result of `evaluate`: every measure with its interval beside its floor, and a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._tables import table
from ..measures import Exponent
from ..measures.series_comparison import with_interval

Interval = tuple[float, float]


@dataclass(frozen=True)
class Evaluation:
    """How faithful a reconstruction is. A measure that could not be taken is None, and `remarks` says why.

    Attributes
    ----------
    state_space_divergence, state_space_floor : float or None
        Kullback-Leibler divergence in nats, and its value between the halves of the true data; in delay
        coordinates where there is an embedding.
    outside : float or None
        Share of generated points outside the box around the data.
    spectral_distance, spectral_floor : float or None
        Hellinger distance of the power spectra, 0 to 1, and its floor.
    prediction_error, prediction_floor : float or None
        Mean squared error `horizon` steps ahead in units of the variance; the floor is the error of
        forecasting by analogue: from the row (or delay vector) of the first half closest to each start
        in the second.
    horizon : int
        Steps of the forecasts.
    exponents, exponents_stderr : ndarray or None
        Leading exponents of the closed loop per unit time, descending, and their standard errors.
    n_true, n_generated : int
        Rows compared; a divergence means little without them.
    embedding : tuple of int or None
        Delay and dimension of the coordinates of the state-space divergence.
    diverged_at : int or None
        Row at which the free run diverged.
    remarks : tuple of str
    verdict : str
        One sentence. Its first word is "faithful", "close", "wrong", "copy" (of the training series),
        "diverged" or "undecided" (the data have no exponent to compare, or too little was measured);
        divergence, spectrum and exponent decide together.
    state_space_interval, state_space_floor_interval : tuple or None
        95 % (low, high), see `bootstrap_interval`.
    spectral_interval, spectral_floor_interval : tuple or None
        95 % (low, high), see `bootstrap_interval`.
    prediction_interval, prediction_floor_interval : tuple or None
        95 % of the mean over the starts, from blocks of successive ones drawn again.
    valid_prediction_time : float or None
        Median over starts in the second half, see `valid_prediction_times`.
    valid_prediction_interval : tuple or None
        95 % of it.
    valid_prediction_held : float or None
        Share of forecasts that held to their end; with half or more the median is a lower bound.
    valid_prediction_unit : str or None
        "Lyapunov times" where the data have an exponent, else "time units".
    data_exponent, generated_exponent : Exponent or None
        Largest exponents of data and free run, estimated from the series alone in the same way.
    true_exponents : ndarray or None
        As given.
    retracing, retracing_floor : float or None
        Share of the run in step with the training series, and that of the data.
    """

    state_space_divergence: float | None
    state_space_floor: float | None
    outside: float | None
    spectral_distance: float | None
    spectral_floor: float | None
    prediction_error: float | None
    prediction_floor: float | None
    horizon: int
    exponents: np.ndarray | None
    exponents_stderr: np.ndarray | None
    n_true: int
    n_generated: int
    diverged_at: int | None
    remarks: tuple[str, ...] = ()
    embedding: tuple[int, int] | None = None
    verdict: str = ""
    state_space_interval: Interval | None = None
    state_space_floor_interval: Interval | None = None
    spectral_interval: Interval | None = None
    spectral_floor_interval: Interval | None = None
    prediction_interval: Interval | None = None
    prediction_floor_interval: Interval | None = None
    valid_prediction_time: float | None = None
    valid_prediction_interval: Interval | None = None
    valid_prediction_held: float | None = None
    valid_prediction_unit: str | None = None
    data_exponent: Exponent | None = None
    generated_exponent: Exponent | None = None
    true_exponents: np.ndarray | None = None
    retracing: float | None = None
    retracing_floor: float | None = None

    def __repr__(self) -> str:
        return f"Evaluation({self.verdict})"

    def __str__(self) -> str:
        compared = f"{self.n_generated} generated rows against {self.n_true} of data"
        header = ["", "model [95 %]", "floor [95 %]"]
        return "\n".join([table(header, self.rows()), "", compared, *self.remarks, self.verdict])

    def rows(self) -> list[list[Any]]:
        """Name, value and floor of each measure, as text for a table."""
        rows = [
            [
                "state-space divergence",
                with_interval(self.state_space_divergence, self.state_space_interval),
                with_interval(self.state_space_floor, self.state_space_floor_interval),
            ],
            ["outside the box", self.outside, None],
            [
                "spectral distance",
                with_interval(self.spectral_distance, self.spectral_interval),
                with_interval(self.spectral_floor, self.spectral_floor_interval),
            ],
            [
                f"error {self.horizon} steps ahead",
                with_interval(self.prediction_error, self.prediction_interval),
                with_interval(self.prediction_floor, self.prediction_floor_interval),
            ],
        ]
        if self.valid_prediction_time is not None:
            bound = "at least " if (self.valid_prediction_held or 0.0) >= 0.5 else ""
            time = with_interval(self.valid_prediction_time, self.valid_prediction_interval)
            rows.append([f"valid prediction ({self.valid_prediction_unit})", f"{bound}{time}", None])
        if self.generated_exponent is not None or self.data_exponent is not None:
            pair = [str(e) if e is not None else None for e in (self.generated_exponent, self.data_exponent)]
            rows.append(["largest exponent, from series (data)", *pair])
        if self.exponents is not None and self.exponents_stderr is not None:
            known = [] if self.true_exponents is None else self.true_exponents
            for i, (value, error) in enumerate(zip(self.exponents, self.exponents_stderr, strict=True)):
                true = float(known[i]) if i < len(known) else None
                name = f"exponent {i + 1}" if true is None else f"exponent {i + 1} (true)"
                rows.append([name, f"{value:.4g} ± {error:.2g}", true])
        if self.retracing is not None:
            rows.append(["retracing (unseen data)", self.retracing, self.retracing_floor])
        return rows
