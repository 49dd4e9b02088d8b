"""All baselines of a series at once, each as strong as the training series shows it can be."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .. import _check
from ..errors import ChaoskitWarning, InvalidInputError
from ..measures import spectral_distance, state_space_divergence
from ..timeseries import choose_delay, choose_dimension, embed
from .baselines import fit_linear_autoregression
from .forecasting import Forecaster
from .reservoirs import fit_echo_state_network, fit_gaussian_noise, fit_next_generation_reservoir

_RIDGES = (1e-6, 1e-8, 1e-4, 1e-2)
_LAGS = 120  # lags times columns that the order of the linear model is chosen from
_LONGEST_ORDER = 60
_LONGEST_WINDOW = 40  # rows in the quadratic map of one column
_JUDGED = 10_000  # rows of the free runs that choose among candidates
_SHORTEST = 200  # rows; with fewer there is nothing to choose by


BASELINES = (
    "echo-state network", "next-generation reservoir", "linear autoregression with noise",
    "linear autoregression", "Gaussian noise",
)  # fmt: skip


def fit_baselines(series: Any, *, seed: int = 0) -> dict[str, Forecaster]:
    """Fit every baseline: reservoirs, linear autoregression with and without noise, Gaussian noise.

    They take seconds and are strong. A trained network that is no better has not earned its training.

    Parameters
    ----------
    series : array_like, shape (T,) or (T, D)
        Training series. Ridges, and for one column the window of the quadratic map, are those whose free run
        agrees best with it.
    seed : int
        For the weights of the echo-state network.

    Returns
    -------
    dict of Forecaster
        By name. A baseline that cannot be fitted on this series is left out, and a ChaoskitWarning says why.

    Raises
    ------
    InvalidInputError
        If the series is no series: not finite, a column never changes.

    Examples
    --------
    >>> sorted(fit_baselines(np.sin(0.3 * np.arange(500))))[:2]
    ['Gaussian noise', 'echo-state network']
    """
    models, remarks = fit_all(series, seed)
    for remark in remarks:
        warnings.warn(remark, ChaoskitWarning, stacklevel=2)
    return models


def fit_all(
    series: Any, seed: int, names: Iterable[str] = BASELINES
) -> tuple[dict[str, Forecaster], tuple[str, ...]]:
    """The baselines by name, and why others are missing."""
    data = _check.series(series, minimum=4)
    _check.moderate(data)
    seed = _check.integer(seed, "seed")
    delay, dimension = _embedding(data)
    longest = max(1, min(_LONGEST_ORDER, _LAGS // data.shape[1]))

    def best(candidates: Iterable[Forecaster]) -> Forecaster:
        return _best(candidates, data, delay, dimension)

    fits: dict[str, Callable[[], Forecaster]] = {
        "echo-state network": lambda: best(
            fit_echo_state_network(data, ridge=ridge, seed=seed) for ridge in _RIDGES
        ),
        "next-generation reservoir": lambda: best(
            fit_next_generation_reservoir(data, lags=lags, spacing=spacing, ridge=ridge)
            for lags, spacing in _windows(data, delay, dimension)
            for ridge in _RIDGES
        ),
        "linear autoregression with noise": lambda: fit_linear_autoregression(
            data, max_order=longest, noise_scale=1.0
        ),
        "linear autoregression": lambda: fit_linear_autoregression(data, max_order=longest),
        "Gaussian noise": lambda: fit_gaussian_noise(data),
    }
    models, remarks = {}, []
    for name in names:
        try:
            models[name] = fits[name]()
        except (InvalidInputError, np.linalg.LinAlgError) as error:
            remarks.append(f"the {name} was left out: {error}")
    return models, tuple(remarks)


def _embedding(data: np.ndarray) -> tuple[int, int]:
    """Delay and dimension in which one column shows its states; several columns are taken as the state."""
    if data.shape[1] > 1 or len(data) < _SHORTEST:
        return 1, 1
    delay = choose_delay(data)
    return delay, max(2, choose_dimension(data, delay))


def _windows(data: np.ndarray, delay: int, dimension: int) -> list[tuple[int, int]]:
    """Lags and spacings of the quadratic map: of one column, its delay vector or all rows this spans."""
    if dimension == 1:
        return [(2, 1)]
    whole = min(dimension * delay, _LONGEST_WINDOW)
    return [(whole, 1)] if delay == 1 else [(whole, 1), (dimension, delay)]


def _best(candidates: Iterable[Forecaster], data: np.ndarray, delay: int, dimension: int) -> Forecaster:
    """The one whose free run agrees best with the training series, as for checkpoints of a network."""
    models = list(candidates)
    rows = min(len(data), _JUDGED)
    if len(models) == 1 or rows < _SHORTEST:
        return models[0]
    coordinates = delay, min(dimension, 3)  # of one column; a histogram of more would be empty
    true = embed(data[:rows], *coordinates)
    scores = []
    for model in models:
        run = model.generate(rows + rows // 4)
        if run.diverged_at is not None:
            scores.append(np.inf)
            continue
        made = run.series[-rows:]
        divergence = state_space_divergence(true, embed(made, *coordinates)).value
        scores.append(divergence + spectral_distance(data[:rows], made))
    return models[int(np.argmin(scores))]
