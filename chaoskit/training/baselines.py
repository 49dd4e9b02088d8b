"""The linear baseline: a vector autoregressive model, fitted in one step and run freely."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .. import _check
from ..errors import InvalidInputError
from .forecasting import Forecaster
from .generated import Generated

CRITERIA = ("bic", "aic")
CHUNK_ENTRIES = 4_000_000  # of one block of the regression: 32 MB
ROWS_PER_COEFFICIENT = 5  # at least, for orders chosen automatically
SMALLEST_VARIANCE = 1e-12  # of a column's variance: keeps log det finite on noise-free linear data


@dataclass(frozen=True, eq=False)
class LinearAutoregression(Forecaster):
    """Linear model ``x[t] = intercept + sum_k coefficients[k] @ x[t - 1 - k] + noise``.

    A trained network that is no better than this has learned nothing that is not linear.

    Attributes
    ----------
    coefficients : np.ndarray, shape (order, D, D), float64
        Matrices of lags 1 to `order`.
    intercept : np.ndarray, shape (D,), float64
    residual_covariance : np.ndarray, shape (D, D), float64
        Covariance of the one-step errors on the training series, in its units.
    history : np.ndarray, shape (order, D), float64
        Last rows of the training series, from which a free run goes on.
    mean, scale : np.ndarray, shape (D,), float64
        Mean and standard deviation of the training series.
    noise_scale : float
        Factor on the noise fed in at each step of free runs and forecasts: 0 for none, 1 for Gaussian
        noise with the covariance of the residuals.
    """

    coefficients: np.ndarray
    intercept: np.ndarray
    residual_covariance: np.ndarray
    history: np.ndarray = field(repr=False)
    mean: np.ndarray = field(repr=False)
    scale: np.ndarray = field(repr=False)
    noise_scale: float = 0.0

    _remedy = "fit it with fewer lags or a larger ridge"

    @property
    def name(self) -> str:
        """With a word on the noise, since the two behave differently."""
        return "linear autoregression with noise" if self.noise_scale else "linear autoregression"

    @property
    def order(self) -> int:
        """Number of lags."""
        return len(self.coefficients)

    @property
    def context_length(self) -> int:
        """The number of lags."""
        return self.order

    def generate(
        self, steps: int, *, inputs: Any = None, noise_scale: float | None = None, seed: int = 0
    ) -> Generated:
        """Free run that goes on where the training series ended. Never raises on divergence.

        Parameters
        ----------
        steps : int
            Rows to generate.
        inputs : None
        noise_scale : float, optional
            In place of the model's own `noise_scale`.
        seed : int
            Seed of the noise.

        Returns
        -------
        Generated
            The run, shape (steps, D), or its finite part and the row at which it diverged.

        Raises
        ------
        InvalidInputError
            If an option is out of range or inputs are given.
        """
        model = self
        if noise_scale is not None:
            model = replace(self, noise_scale=_check.not_negative(noise_scale, "noise_scale"))
        return model._generate(steps, inputs, _check.integer(seed, "seed"))

    def _continue(self, contexts: np.ndarray, steps: int, inputs: Any, seed: int) -> np.ndarray:
        order, (batch, _, columns) = self.order, contexts.shape
        runs = np.empty((batch, order + steps, columns))
        runs[:, :order] = contexts[:, -order:]
        runs[:, order:] = self.intercept
        if self.noise_scale:
            normal = np.random.default_rng(seed).standard_normal((batch, steps, columns))
            runs[:, order:] += self.noise_scale * normal @ square_root(self.residual_covariance)
        # One matrix on the last rows laid end to end, the oldest first.
        matrix = np.concatenate(self.coefficients[::-1], axis=1).T
        flat = runs.reshape(batch, -1)
        for t in range(order, order + steps):
            runs[:, t] += flat[:, (t - order) * columns : t * columns] @ matrix
        return runs[:, order:]

    def _go_on(self, steps: int, inputs: Any, seed: int) -> np.ndarray:
        return self._continue(self.history[None], steps, inputs, seed)


def fit_linear_autoregression(
    series: Any,
    *,
    order: int | str = "auto",
    max_order: int = 20,
    criterion: str = "bic",
    ridge: float = 1e-6,
    noise_scale: float = 0.0,
) -> LinearAutoregression:
    """Fit a vector autoregressive model by ridge least squares.

    Parameters
    ----------
    series : array_like, shape (T,) or (T, D), float
        Training series.
    order : int or "auto"
        Number of lags. ``"auto"`` takes the one with the lowest information criterion, all
        compared on the same rows.
    max_order : int
        Largest order tried by ``"auto"``; less where the series is too short for it.
    criterion : {"bic", "aic"}
        Schwarz's or Akaike's criterion. Schwarz's takes fewer lags.
    ridge : float
        Penalty on the squared coefficients beside the mean squared error, with each column in
        units of its standard deviation; 0 for none.
    noise_scale : float
        Noise of free runs and forecasts: 0 for none, 1 for as much as the one-step errors have.

    Returns
    -------
    LinearAutoregression

    Raises
    ------
    InvalidInputError
        If the series is not finite, a column never changes, an option is out of range, or there
        are fewer rows than coefficients for one column.

    Notes
    -----
    One QR decomposition of the lagged rows serves all orders. The noise-free free run of a stable
    model falls to the mean; with noise it has the linear correlations of the data, so it scores
    well on the spectral distance and badly on the state-space divergence of a nonlinear system.

    References
    ----------
    Lütkepohl (2005), New Introduction to Multiple Time Series Analysis, sections 3.2 and 4.3.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.training.baselines import fit_linear_autoregression
    >>> wave = np.sin(0.3 * np.arange(500))
    >>> model = fit_linear_autoregression(wave, order=2, ridge=0.0)
    >>> run = model.generate(100)
    >>> bool(np.allclose(run.series[:, 0], np.sin(0.3 * np.arange(500, 600))))
    True
    """
    data = _check.series(series, minimum=4)
    _check.moderate(data)
    ridge, noise_scale = _check.not_negative(ridge, "ridge"), _check.not_negative(noise_scale, "noise_scale")
    mean, deviation = data.mean(axis=0), data.std(axis=0)
    scaled = (data - mean) / deviation
    if isinstance(order, str) and order == "auto":
        order = _best_order(scaled, max_order, criterion, ridge)
    order = _check.integer(order, "order", 1)
    if order > _largest_order(scaled):
        raise InvalidInputError(
            f"order: {order} lags of {data.shape[1]} columns need more than {len(data)} rows; "
            "take fewer lags or a longer series"
        )
    weights, covariance = _solve(_factor(scaled, order), order, order, data.shape[1], ridge)
    # Back from standard deviations to the units of the data.
    unit = deviation[:, None] / deviation[None, :]
    coefficients = weights[1:].T.reshape(-1, order, data.shape[1]).transpose(1, 0, 2) * unit
    intercept = deviation * weights[0] + mean - coefficients.sum(axis=0) @ mean
    covariance = covariance * np.outer(deviation, deviation)
    history = data[-order:].copy()
    return LinearAutoregression(coefficients, intercept, covariance, history, mean, deviation, noise_scale)


def _largest_order(scaled: np.ndarray) -> int:
    """Largest order with more rows than coefficients for one column."""
    rows, dimension = scaled.shape
    return (rows - 2) // (dimension + 1)


def _best_order(scaled: np.ndarray, max_order: int, criterion: str, ridge: float) -> int:
    max_order = _check.integer(max_order, "max_order", 1)
    _check.choice(criterion, "criterion", CRITERIA)
    dimension = scaled.shape[1]
    # The criteria hold for long series: with few rows a coefficient the largest order always wins.
    max_order = max(1, min(max_order, len(scaled) // (ROWS_PER_COEFFICIENT * dimension)))
    if max_order > _largest_order(scaled):
        return max_order  # too short even for one lag: the caller says so
    rows = len(scaled) - max_order
    penalty = 2.0 if criterion == "aic" else np.log(rows)
    factor = _factor(scaled, max_order)
    scores = []
    for order in range(1, max_order + 1):
        _, covariance = _solve(factor, order, max_order, dimension, ridge)
        covariance += SMALLEST_VARIANCE * np.eye(dimension)
        scores.append(np.linalg.slogdet(covariance)[1] + penalty * order * dimension**2 / rows)
    return int(np.argmin(scores)) + 1


def _factor(scaled: np.ndarray, order: int) -> np.ndarray:
    """R of the QR decomposition of the rows [1, x[t-1], ..., x[t-order], x[t]], over sqrt(rows).

    It is built block by block, since all lags of a long series at once may not fit into memory.
    """
    dimension = scaled.shape[1]
    width = 1 + (order + 1) * dimension
    size = max(width, CHUNK_ENTRIES // width)
    factor = np.zeros((0, width))
    for start in range(order, len(scaled), size):
        now = np.arange(start, min(start + size, len(scaled)))
        lagged = [scaled[now - lag] for lag in range(1, order + 1)]
        block = np.concatenate([np.ones((len(now), 1)), *lagged, scaled[now]], axis=1)
        factor = np.linalg.qr(np.concatenate([factor, block]), mode="r")
    return factor / np.sqrt(len(scaled) - order)


def _solve(
    factor: np.ndarray, order: int, factor_order: int, dimension: int, ridge: float
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (1 + order D, D) and residual covariance (D, D) from the factor of more lags."""
    columns = 1 + order * dimension
    target = factor[:, 1 + factor_order * dimension :]
    penalty = np.sqrt(ridge) * np.eye(columns)[1:]  # the intercept is free
    left = np.concatenate([factor[:columns, :columns], penalty])
    right = np.concatenate([target[:columns], np.zeros((columns - 1, dimension))])
    weights = np.linalg.lstsq(left, right, rcond=None)[0]
    residual = target.copy()
    residual[:columns] -= factor[:columns, :columns] @ weights
    return weights, residual.T @ residual


def square_root(covariance: np.ndarray) -> np.ndarray:
    """Symmetric square root; unlike Cholesky's it exists for singular covariances too."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T
