"""Baselines that are fitted by one linear regression: reservoirs, and noise.

They cost seconds and are strong. A trained network that is no better has not earned its training.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import _check
from ..errors import InvalidInputError
from .baselines import square_root
from .forecasting import Forecaster
from .generated import Generated

_CHUNK = 4_000_000  # numbers of features held at once
_MOST_FEATURES = 4_000  # of a quadratic map: their products by pairs fill 128 MB


@dataclass(frozen=True, eq=False)
class EchoStateNetwork(Forecaster):
    """Random network with a fitted readout: r' = (1 - leak) r + leak tanh(A r + C x + b), x = V [1, r, r^2].

    Attributes
    ----------
    recurrent : ndarray, shape (K, K)
    input_weights : ndarray, shape (K, D)
    bias : ndarray, shape (K,)
    readout : ndarray, shape (D, 1 + 2 K)
        Next observation, z-scored, from the units and their squares.
    leak : float
    mean, scale : ndarray, shape (D,)
        z-score of the training series.
    state : ndarray, shape (K,)
        Units at the end of the training series.
    last : ndarray, shape (D,)
        Last row of the training series.
    washout : int
        First rows of the training series that only drove.
    """

    recurrent: np.ndarray
    input_weights: np.ndarray
    bias: np.ndarray
    readout: np.ndarray
    leak: float
    mean: np.ndarray
    scale: np.ndarray
    state: np.ndarray = field(repr=False)
    last: np.ndarray = field(repr=False)

    washout: int = 0

    name = "echo-state network"

    @property
    def context_length(self) -> int:
        """As many rows as the fit left out: they bring the units from rest to where the data drive them."""
        return max(1, self.washout)

    def _continue(self, contexts: np.ndarray, steps: int, inputs: Any, seed: int) -> np.ndarray:
        rows = (contexts - self.mean) / self.scale
        r = np.zeros((len(rows), len(self.bias)))
        for t in range(rows.shape[1] - 1):
            r = self._next(r, rows[:, t])
        return self._run(r, rows[:, -1], steps)

    def _go_on(self, steps: int, inputs: Any, seed: int) -> np.ndarray:
        return self._run(self.state[None], ((self.last - self.mean) / self.scale)[None], steps)

    def _run(self, r: np.ndarray, x: np.ndarray, steps: int) -> np.ndarray:
        """Free runs (batch, steps, D) from units (batch, K) and the rows (batch, D) seen last."""
        out = np.empty((len(x), steps, x.shape[1]))
        for t in range(steps):
            r = self._next(r, x)
            x = np.concatenate([np.ones((len(r), 1)), r, r * r], axis=1) @ self.readout.T
            out[:, t] = x
        return out * self.scale + self.mean

    def _next(self, r: np.ndarray, x: np.ndarray) -> np.ndarray:
        drive = r @ self.recurrent.T + x @ self.input_weights.T + self.bias
        return (1.0 - self.leak) * r + self.leak * np.tanh(drive)


def fit_echo_state_network(
    series: Any,
    *,
    n_units: int = 300,
    spectral_radius: float = 0.9,
    input_scale: float = 0.5,
    leak: float = 1.0,
    degree: float = 6.0,
    ridge: float = 1e-7,
    washout: int = 200,
    seed: int = 0,
) -> EchoStateNetwork:
    """Drive a random network by a series and fit its readout by ridge regression.

    Parameters
    ----------
    series : array_like, shape (T,) or (T, D)
    n_units : int
        Number of units K.
    spectral_radius : float
        Largest absolute eigenvalue of the recurrent weights.
    input_scale : float
        Input weights are uniform on +-input_scale, for z-scored data.
    leak : float
        0 to 1; less than 1 slows the units down.
    degree : float
        Mean number of recurrent weights a unit.
    ridge : float
        Penalty on the squared weights beside the mean squared error.
    washout : int
        First rows that only drive.
    seed : int

    Returns
    -------
    EchoStateNetwork

    Raises
    ------
    InvalidInputError
        If the series is too short or an option out of range.

    References
    ----------
    Jaeger and Haas 2004, doi:10.1126/science.1091277; readout of squares after Pathak et al. 2018,
    doi:10.1103/PhysRevLett.120.024102.

    Examples
    --------
    >>> wave = np.sin(0.3 * np.arange(2000))
    >>> fit_echo_state_network(wave, n_units=50).generate(10).series.shape
    (10, 1)
    """
    washout = _check.integer(washout, "washout")
    data = _check.series(series, minimum=washout + 20)
    _check.moderate(data)
    n_units = _check.integer(n_units, "n_units", 1)
    leak, ridge = _check.share(leak, "leak"), _check.positive(ridge, "ridge")
    rng = np.random.default_rng(_check.integer(seed, "seed"))
    mean, scale = data.mean(axis=0), data.std(axis=0)
    scored = (data - mean) / scale
    share = min(1.0, _check.positive(degree, "degree") / n_units)
    A = rng.standard_normal((n_units, n_units)) * (rng.random((n_units, n_units)) < share)
    radius = float(np.abs(np.linalg.eigvals(A)).max())
    A *= _check.positive(spectral_radius, "spectral_radius") / radius if radius > 0 else 0.0
    input_scale = _check.positive(input_scale, "input_scale")
    network = EchoStateNetwork(
        recurrent=A,
        input_weights=rng.uniform(-1, 1, (n_units, data.shape[1])) * input_scale,
        bias=rng.uniform(-1, 1, n_units) * input_scale,
        readout=np.zeros((data.shape[1], 1 + 2 * n_units)),
        leak=leak, mean=mean, scale=scale, state=np.zeros(n_units), last=data[-1].copy(),
        washout=washout,
    )  # fmt: skip
    r, chunk = network.state, max(1, _CHUNK // (2 * n_units + 1))
    regression = _Ridge(2 * n_units + 1, data.shape[1])
    for first in range(0, len(scored) - 1, chunk):
        rows = range(first, min(first + chunk, len(scored) - 1))
        features = np.empty((len(rows), 2 * n_units + 1))
        for k, t in enumerate(rows):
            r = network._next(r, scored[t])
            features[k, 0], features[k, 1 : n_units + 1], features[k, n_units + 1 :] = 1.0, r, r * r
        skip = max(0, washout - first)
        regression.add(features[skip:], scored[first + 1 : first + 1 + len(rows)][skip:])
    network.readout[...] = regression.solve(ridge).T
    network.state[...] = r
    return network


@dataclass(frozen=True, eq=False)
class NextGenerationReservoir(Forecaster):
    """Quadratic map of delayed observations: x_{t+1} = x_t + V [1, o, pairs of o], o = (x_t, x_{t-s}, ...).

    Attributes
    ----------
    readout : ndarray, shape (D, features)
    lags, spacing : int
        Delayed rows and steps between them.
    mean, scale : ndarray, shape (D,)
        z-score of the training series.
    history : ndarray, shape ((lags - 1) * spacing + 1, D)
        Last rows of the training series.
    """

    readout: np.ndarray
    lags: int
    spacing: int
    mean: np.ndarray
    scale: np.ndarray
    history: np.ndarray = field(repr=False)

    name = "next-generation reservoir"
    _remedy = "fit it with a larger ridge"

    @property
    def context_length(self) -> int:
        """Rows that the delays reach back over."""
        return (self.lags - 1) * self.spacing + 1

    def _continue(self, contexts: np.ndarray, steps: int, inputs: Any, seed: int) -> np.ndarray:
        past, (batch, _, columns) = self.context_length, contexts.shape
        out = np.empty((batch, past + steps, columns))
        out[:, :past] = (contexts[:, -past:] - self.mean) / self.scale
        for t in range(past, past + steps):
            delayed = out[:, t - past : t][:, :: -self.spacing].reshape(batch, -1)
            out[:, t] = out[:, t - 1] + _quadratic(delayed) @ self.readout.T
        return out[:, past:] * self.scale + self.mean

    def _go_on(self, steps: int, inputs: Any, seed: int) -> np.ndarray:
        return self._continue(self.history[None], steps, inputs, seed)


def fit_next_generation_reservoir(
    series: Any, *, lags: int = 2, spacing: int = 1, ridge: float = 1e-6
) -> NextGenerationReservoir:
    """Fit a quadratic map of delayed observations by ridge regression.

    Parameters
    ----------
    series : array_like, shape (T,) or (T, D)
    lags : int
        Rows the next one is made of.
    spacing : int
        Steps between them.
    ridge : float
        Penalty on the squared weights beside the mean squared error.

    Returns
    -------
    NextGenerationReservoir

    Raises
    ------
    InvalidInputError
        If the series is too short or an option out of range.

    References
    ----------
    Gauthier et al. 2021, doi:10.1038/s41467-021-25801-2.

    Examples
    --------
    >>> wave = np.sin(0.3 * np.arange(500))
    >>> fit_next_generation_reservoir(wave).generate(10).series.shape
    (10, 1)
    """
    lags, spacing = _check.integer(lags, "lags", 1), _check.integer(spacing, "spacing", 1)
    ridge = _check.positive(ridge, "ridge")
    past = (lags - 1) * spacing + 1
    data = _check.series(series, minimum=past + 20)
    _check.moderate(data)
    mean, scale = data.mean(axis=0), data.std(axis=0)
    scored = (data - mean) / scale
    delayed = lags * data.shape[1]
    width = (delayed + 1) * (delayed + 2) // 2
    if width > _MOST_FEATURES:
        raise InvalidInputError(
            f"lags: expected at most {_MOST_FEATURES} quadratic features, got {width} of {lags} lags of "
            f"{data.shape[1]} columns; take fewer lags or columns"
        )
    regression, chunk = _Ridge(width, data.shape[1]), max(1, _CHUNK // width)
    for first in range(past - 1, len(scored) - 1, chunk):
        last = min(first + chunk, len(scored) - 1)
        features = _quadratic(_delayed(scored[first - past + 1 : last], lags, spacing))
        regression.add(features, scored[first + 1 : last + 1] - scored[first:last])
    return NextGenerationReservoir(
        regression.solve(ridge).T.copy(), lags, spacing, mean, scale, data[-past:].copy()
    )


@dataclass(frozen=True, eq=False)
class GaussianNoise(Forecaster):
    """Independent rows with the mean and covariance of a series: what knows of no dynamics at all.

    Attributes
    ----------
    mean : ndarray, shape (D,)
    covariance : ndarray, shape (D, D)
    """

    mean: np.ndarray
    covariance: np.ndarray

    name = "Gaussian noise"

    @property
    def scale(self) -> np.ndarray:
        """Standard deviation (D,) of the training series."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def context_length(self) -> int:
        """1, and that row makes no difference."""
        return 1

    def generate(self, steps: int, *, inputs: Any = None, seed: int = 0) -> Generated:
        """`steps` independent rows.

        Parameters
        ----------
        steps : int
        inputs : None
        seed : int
            Another one, other rows.

        Returns
        -------
        Generated

        Raises
        ------
        InvalidInputError
            If inputs are given or a number is out of range.
        """
        return self._generate(steps, inputs, _check.integer(seed, "seed"))

    def _continue(self, contexts: np.ndarray, steps: int, inputs: Any, seed: int) -> np.ndarray:
        normal = np.random.default_rng(seed).standard_normal((len(contexts), steps, len(self.mean)))
        return normal @ square_root(self.covariance) + self.mean

    def _go_on(self, steps: int, inputs: Any, seed: int) -> np.ndarray:
        return self._continue(self.mean[None, None], steps, inputs, seed)


def fit_gaussian_noise(series: Any) -> GaussianNoise:
    """Mean and covariance of a series.

    Parameters
    ----------
    series : array_like, shape (T,) or (T, D)
        Training series.

    Returns
    -------
    GaussianNoise

    Raises
    ------
    InvalidInputError
        If it is no series: not finite, a column never changes.

    Examples
    --------
    >>> fit_gaussian_noise(np.sin(np.arange(100.0))).generate(5).series.shape
    (5, 1)
    """
    data = _check.series(series)
    _check.moderate(data)
    return GaussianNoise(data.mean(axis=0), np.atleast_2d(np.cov(data.T)))


class _Ridge:
    """Ridge regression in blocks of rows; the first feature, a constant, is not penalised."""

    def __init__(self, features: int, outputs: int):
        self.gram, self.cross = np.zeros((features, features)), np.zeros((features, outputs))
        self.rows = 0

    def add(self, X: np.ndarray, Y: np.ndarray) -> None:
        self.gram += X.T @ X
        self.cross += X.T @ Y
        self.rows += len(X)

    def solve(self, ridge: float) -> np.ndarray:
        """Weights (features, outputs)."""
        penalty = np.full(len(self.gram), ridge * self.rows)
        penalty[0] = 1e-12 * self.rows
        return np.linalg.solve(self.gram + np.diag(penalty), self.cross)


def _delayed(rows: np.ndarray, lags: int, spacing: int) -> np.ndarray:
    """(n, lags * D): each row from the last possible start on, beside the rows before it."""
    past = (lags - 1) * spacing
    return np.concatenate([rows[past - k * spacing : len(rows) - k * spacing] for k in range(lags)], axis=1)


def _quadratic(rows: np.ndarray) -> np.ndarray:
    """1, the entries, and all their products by pairs."""
    i, j = np.triu_indices(rows.shape[1])
    return np.concatenate([np.ones((len(rows), 1)), rows, rows[:, i] * rows[:, j]], axis=1)
