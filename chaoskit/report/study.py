"""One series from the estimate of its exponent to the comparison of all models on held-out data."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..cells import ShPLRNN
from ..dynamics import lyapunov_spectrum
from ..errors import ChaoskitError, ChaoskitWarning, DivergenceError
from ..forcing import Sparse
from ..measures import floor, retracing, state_space_divergence, valid_prediction_time
from ..timeseries import DataLyapunov, embed, estimate_lyapunov
from ..training import (
    Comparison,
    Evaluation,
    FitResult,
    Forecaster,
    Generated,
    compare_with_baselines,
    evaluate,
    fit,
)
from .cases import TRAIN_SHARE, Case

VIEW = 4  # coordinates in which models are compared
VIEWS = (3, 4, 5)  # a histogram can hold no more, and fewer flatter a cloud without structure
HORIZON = 20  # steps of the forecasts
WINDOWS = 400
LONG_RUNS, LONG_STEPS = 20, 20_000
EXPONENTS, EXPONENT_STEPS = 3, 50_000


@dataclass(frozen=True)
class Prepared:
    """A case with its data and its forcing interval."""

    case: Case
    train: np.ndarray
    test: np.ndarray
    dt: float
    estimate: DataLyapunov
    tau: int
    tau_from: str


@dataclass(frozen=True)
class Trained:
    """What a training came to; no model if it diverged before there was one."""

    model: FitResult | None
    warnings: tuple[str, ...]


def prepare(case: Case) -> Prepared:
    """Load, split in time, estimate the exponent of the training part, choose the interval."""
    series, dt = case.prepare()
    rows = int(TRAIN_SHARE * len(series))
    train, test = series[:rows], series[rows:]
    estimate = estimate_lyapunov(train, dt)
    if estimate.recommended_tau is not None:
        return Prepared(case, train, test, dt, estimate, estimate.recommended_tau, "exponent of the data")
    tau = max(1, round(doubling_time(estimate.curve) / (2 * dt)))
    return Prepared(case, train, test, dt, estimate, tau, "doubling of neighbours' distance")


def doubling_time(curve: np.ndarray) -> float:
    """Time in which the typical distance of neighbours has doubled; 0 if it never does.

    The predictability time ln 2 / lambda without its assumption: noise bends the curve, so that there is no
    straight stretch to take an exponent from, but the time is still there to be read.
    """
    time, log_distance = curve.T
    reached = np.flatnonzero(log_distance >= log_distance[0] + math.log(2))
    return float(time[reached[0]]) if reached.size else 0.0


def train(prepared: Prepared, tau: int, seed: int) -> Trained:
    """Train the case's network with forcing every `tau` steps, on as many rows an update for any tau."""
    case = prepared.case
    options: dict[str, Any] = dict(case.options)
    length, batch = options["sequence_length"], options["batch_size"]
    if tau >= length:
        # A window restarts from data, so that it has to be longer than the interval.
        options["sequence_length"] = 2 * tau
        options["batch_size"] = max(1, round(batch * length / (2 * tau)))
    series, delays = training_series(prepared, seed), (case.delay, case.dimension)
    if case.start == "linear":
        width = options.pop("cell_options")["n_hidden"]
        options["cell"] = linear_start(embed(series, *delays), width, seed)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ChaoskitWarning)
        try:
            model = fit(series, embedding=delays, forcing=Sparse(tau), dt=prepared.dt, seed=seed, **options)
        except DivergenceError as error:
            return Trained(None, (str(error),))
    return Trained(model, tuple(str(w.message) for w in caught if issubclass(w.category, ChaoskitWarning)))


def training_series(prepared: Prepared, seed: int) -> np.ndarray:
    """The training series, behind its noisy copy if the case asks for one.

    The few windows that reach over the seam are the price of a single series; the clean end is the context.
    """
    case, series = prepared.case, prepared.train
    if not case.noise:
        return series
    noise = np.random.default_rng(seed).standard_normal(len(series))
    return np.concatenate([series + case.noise * series.std() * noise, series])


def linear_start(rows: np.ndarray, n_hidden: int, seed: int) -> ShPLRNN:
    """A shallow PLRNN that begins as the linear one-step prediction of the standardised rows.

    As u = relu(u) - relu(-u), two hidden units for each state carry the linear map; the others are random.
    """
    states = rows.shape[1]
    cell = ShPLRNN.init(states, n_hidden=n_hidden, rng=np.random.default_rng(seed))
    scaled = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    linear = np.linalg.lstsq(scaled[:-1], scaled[1:], rcond=None)[0].T
    pairs = slice(0, 2 * states)
    cell.A[:] = 0.0
    cell.W2[pairs] = np.concatenate([np.eye(states), -np.eye(states)])
    cell.W1[:, pairs] = np.concatenate([linear, -linear], axis=1)
    cell.h2[pairs] = 0.0
    return cell


class NoModel(Forecaster):
    """What a training leaves that diverged before there was a model: runs that are lost at once."""

    name, context_length = "network that diverged in training", 1

    def __init__(self, train: np.ndarray):
        self.mean, self.scale = np.atleast_1d(train.mean()), np.atleast_1d(train.std())

    def _continue(self, contexts: np.ndarray, steps: int, inputs: Any, seed: int) -> np.ndarray:
        return np.full((len(contexts), steps, 1), np.nan)

    def _go_on(self, steps: int, inputs: Any, seed: int) -> np.ndarray:
        return np.full((1, steps, 1), np.nan)


def scalar_model(prepared: Prepared, trained: Trained) -> Forecaster:
    """The network as a model of the scalar series."""
    return NoModel(prepared.train) if trained.model is None else trained.model


def free_run(model: Forecaster, rows: int) -> Generated:
    """A settled free run, shape (rows, 1)."""
    total = math.ceil(1.25 * rows)
    run = model.generate(total)
    return run if run.diverged_at is not None else Generated(run.series[total - rows :])


def _judging(prepared: Prepared) -> dict[str, Any]:
    """Options of `evaluate`: all models in the same delayed coordinates."""
    return {"horizon": HORIZON, "embedding": (prepared.case.view_delay, VIEW)}


def judge(prepared: Prepared, model: Forecaster) -> Evaluation:
    """A model against the held-out series."""
    return evaluate(model, prepared.test, **_judging(prepared))


def compare(prepared: Prepared, model: Forecaster, seed: int) -> Comparison:
    """A model and all baselines against the held-out series."""
    return compare_with_baselines(model, prepared.train, prepared.test, seed=seed, **_judging(prepared))


def by_dimension(prepared: Prepared, runs: dict[str, Generated]) -> dict[str, dict[str, float | None]]:
    """Divergence of each run, and its floor, in fewer and in more coordinates than the verdict uses."""
    delay = prepared.case.view_delay
    table: dict[str, dict[str, float | None]] = {}
    for count in VIEWS:
        true = embed(prepared.test, delay, count)
        row: dict[str, float | None] = {"floor": float(floor(state_space_divergence, true))}
        for name, run in runs.items():
            held = run.diverged_at is None
            row[name] = float(state_space_divergence(true, embed(run.series, delay, count))) if held else None
        table[str(count)] = row
    return table


def forecasts(prepared: Prepared, model: Forecaster) -> dict[str, Any]:
    """How long forecasts of held-out data hold, and how many are lost within the horizon."""
    test, span = prepared.test, 10 * HORIZON
    starts = np.linspace(model.context_length - 1, len(test) - span - 1, WINDOWS).astype(int)
    true = test[starts[:, None] + np.arange(1, span + 1)]
    predicted = model.predict(test[starts[:, None] + np.arange(1 - model.context_length, 1), None], span)
    scale = float(prepared.train.std())
    times = [
        valid_prediction_time(a, b, scale=scale, dt=prepared.dt) for a, b in zip(true, predicted, strict=True)
    ]
    return {
        "horizon_steps": HORIZON,
        "diverged_forecasts": int((~np.isfinite(predicted[:, :HORIZON])).any(axis=(1, 2)).sum()),
        "valid_prediction_time_median": float(np.median(times)),
    }


def closed_loop(prepared: Prepared, model: FitResult, seed: int) -> dict[str, Any]:
    """Leading exponents of the free-running network."""
    count = min(EXPONENTS, model.start_state.size)
    try:
        result = lyapunov_spectrum(model, steps=EXPONENT_STEPS, k=count, dt=prepared.dt, seed=seed)
    except ChaoskitError as error:
        return {"exponents": None, "remark": str(error)}
    return {"exponents": result.exponents, "stderr": result.stderr, "units": result.units}


def long_runs(prepared: Prepared, model: Forecaster) -> dict[str, Any]:
    """Whether free runs stay on the attractor, from many starts and for longer than the verdict looks."""
    starts = embed(prepared.test, 1, model.context_length)
    starts = starts[:: max(1, len(starts) // LONG_RUNS)][:LONG_RUNS]
    runs = model.predict(starts[..., None], LONG_STEPS)[:, :, 0]
    finite = np.isfinite(runs).all(axis=1)
    still = runs[finite, -(LONG_STEPS // 10) :].std(axis=1) < 0.01 * prepared.train.std()
    lost = {"diverged": int((~finite).sum()), "stopped": int(still.sum())}
    return {"runs": len(runs), "steps": LONG_STEPS, **lost}


def retraced(prepared: Prepared, run: Generated) -> dict[str, Any]:
    """How closely a run follows the training series, beside held-out data, which cannot."""
    if run.diverged_at is not None:
        return {"model": None, "held_out": None}
    return {
        "model": retracing(run.series, prepared.train),
        "held_out": retracing(prepared.test, prepared.train),
    }
