"""Functions of series: measures, time series, training, what a trained model does, and pictures."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import numpy as np
from edges import Edge, finite, no_nan
from edges_of_models import CELL, DRIVE, FORCINGS, INVARIANT_SETS, ROWS

import chaoskit as ck
from chaoskit import forcing, measures, plot, timeseries, training


def henon(rows):
    """Orbit of the Henon map."""
    x, out = np.array([0.1, 0.1]), np.empty((rows, 2))
    for t in range(rows):
        out[t] = x = np.array([1.0 - 1.4 * x[0] ** 2 + x[1], 0.3 * x[0]])
    return out


SERIES, OTHER = henon(440)[:220], henon(440)[220:]
LONG = henon(420)
WINDOWS = np.stack([SERIES[i : i + 20] for i in range(0, 80, 20)])
OF_SERIES = {
    "series": (SERIES[:, 0],),
    "true": (SERIES[:, 0],),
    "generated": (OTHER[:, 0], SERIES),
    "dt": (0.1,),
    "delay": (1, 3),
    "dimension": (2,),
    "theiler": (5,),
    "horizon": (8,),
    "embedding": ((1, 2), None),
    "method": ("kantz", "histogram", "mixture"),
    "measure": (measures.state_space_divergence, lambda a, b: "x"),
    "block": (7,),
    "scale": (np.ones(2),),
    "exponent": (0.4,),
    "gap": (3,),
    "order": (2,),
    "tau": (None,),
    "criterion": ("aic",),
    "n_exponents": (1,),
    "training": (SERIES,),
    "true_exponents": ([0.4, -1.6],),
    "inputs": (DRIVE, np.sin(np.arange(220.0))[:, None]),
    "generated_series": (OTHER,),
    "column": (1,),
}


def edge(function, check=lambda answer: True, dear=False, more=(), **good):
    """An edge whose arguments are those of series."""
    return Edge(function, good, OF_SERIES | dict(more), check, dear)


MEASURES = (
    edge(measures.compare, lambda x: bool(x.verdict), True, true=LONG, generated=LONG[::-1], n_resamples=0),
    edge(
        measures.bootstrap_interval,
        finite(),
        measure=measures.spectral_distance,
        true=SERIES,
        generated=OTHER,
        n_resamples=20,
    ),
    edge(measures.correlation_time, finite(), series=SERIES),
    edge(measures.floor, lambda x: x is not None, measure=measures.spectral_distance, series=LONG),
    edge(measures.prediction_error, no_nan(), true_windows=WINDOWS, predicted_windows=WINDOWS[::-1]),
    edge(measures.retracing, finite(), generated=OTHER, training=SERIES, window=10, n_windows=20),
    edge(measures.spectral_distance, finite(), true=SERIES, generated=OTHER),
    edge(
        measures.state_space_divergence,
        finite("value", "outside"),
        true=SERIES,
        generated=OTHER,
        n_samples=50,
    ),
    edge(measures.valid_prediction_time, no_nan(), true=SERIES[:20], predicted=OTHER[:20], scale=1.0),
    edge(
        measures.valid_prediction_times,
        no_nan("median"),
        true_windows=WINDOWS,
        predicted_windows=WINDOWS[::-1],
        scale=1.0,
    ),
)
TIME_SERIES = (
    edge(timeseries.amplitude_adjusted, finite(), series=SERIES, iterations=3),
    edge(timeseries.phase_randomised, finite(), series=SERIES),
    edge(timeseries.choose_delay, finite(), series=SERIES),
    edge(timeseries.choose_dimension, finite(), series=SERIES, delay=1),
    edge(timeseries.correlation_dimension, lambda x: bool(x.quality), series=SERIES, n_reference=50),
    edge(timeseries.embed, finite(), series=SERIES, delay=1, dimension=3),
    edge(timeseries.estimate_lyapunov, lambda x: bool(x.quality), True, series=SERIES, n_reference=50),
    edge(
        timeseries.false_neighbours,
        lambda x: x.shape[0] > 0,
        series=SERIES,
        delay=1,
        max_dimension=3,
        n_reference=50,
    ),
    edge(timeseries.forcing_interval, exponent=0.4, interval=(0.3, 0.5), dt=1.0),
    edge(timeseries.mean_period, finite(), series=SERIES),
    edge(timeseries.mutual_information, finite(), column=SERIES[:, 0], lags=5),
    edge(timeseries.recommend, lambda x: x.sequence_length > 1, True, series=SERIES),
    Edge(timeseries.recommended_forcing, lambda: {"estimate": estimate()}),
    edge(timeseries.surrogate_test, lambda x: bool(x.verdict), True, series=SERIES, count=3),
    edge(timeseries.window_length, tau=4),
    edge(timeseries.zero_one_test, finite("k"), series=SERIES[:, 0], n_frequencies=5),
)
FIT = {
    "cell": "plrnn",
    "n_states": 3,
    "forcing": forcing.Sparse(3),
    "sequence_length": 10,
    "batch_size": 2,
    "epochs": 1,
    "batches_per_epoch": 2,
    "dt": 1.0,
}
DRIVING = np.cos(0.3 * np.arange(len(SERIES)))[:, None]
CHOICES = {
    "cell": (CELL._replace(A=CELL.A.astype(np.float32)), "PLRNN", type(CELL)),
    "forcing": (*FORCINGS, "auto"),
    "cell_options": ({}, {"n_hidden": 3}, {"x": 1}),
    "sequence_length": ("auto", 50),
    "optimizer": ("radam", "adamw"),
    "learning_rate_decay": ("cosine", "constant"),
    "weight_decay": (0.1,),
    "inputs": (DRIVING, DRIVING[:, 0]),
    "embedding": ((1, 2), "auto"),
    "latent_state": ("observed",),
    "patience": (1,),
    "threads": (1, 2),
    "regularization": (
        training.LatentRegularization(0.1),
        (training.ManifoldAttractorRegularization(0.1),),
        training.DecoderConditionPenalty(0.1),
    ),
    "validation_share": (0.3,),
    "validation_measure": ("prediction", lambda *given: 1.0, lambda *given: "x"),
    "on_epoch": (lambda state: None, lambda state: True),
    "dtype": ("float32",),
    "checkpoint": ("run.npz",),
    "checkpoint_every": (4,),
}


@functools.cache
def model(driven=False):
    """A trained network."""
    return ck.fit(SERIES, **FIT, inputs=DRIVING if driven else None, validation_measure="prediction_error")


@functools.cache
def saved_model():
    """Path of a file that stays where it is."""
    path = Path(tempfile.mkdtemp(prefix="chaoskit-fuzz-")) / "saved.npz"
    model().save(path)
    return str(path)


@functools.cache
def estimate():
    """An estimate of the exponent."""
    return timeseries.estimate_lyapunov(SERIES, n_reference=50)


def watched():
    """What a watch saw in two epochs."""
    watch = training.BifurcationWatch(starts=4, steps=200, transient=20)
    ck.fit(SERIES, **FIT | {"epochs": 2}, on_epoch=watch)
    return watch.result()


class OfModel:
    """A method of a trained model, looked up when it is called: no training while tests are collected."""

    def __init__(self, name, of=model):
        self.name, self.of = name, of
        self.__signature__ = _signature(name)

    def __call__(self, **given):
        return getattr(self.of(), self.name)(**given)


def _signature(name):
    import inspect

    whole = inspect.signature(getattr(training.FitResult, name))
    return whole.replace(parameters=list(whole.parameters.values())[1:])


TRAINING = (
    Edge(training.fit, {"series": SERIES, **FIT}, OF_SERIES | CHOICES, finite("decoder"), True),
    edge(training.split_in_time, lambda parts: min(map(len, parts)) > 0, series=SERIES),
    edge(
        training.evaluate,
        lambda x: bool(x.verdict),
        True,
        reconstruction=OTHER,
        series=LONG,
        n_resamples=0,
        horizon=5,
    ),
    edge(training.fit_linear_autoregression, finite("coefficients"), series=SERIES),
    edge(training.fit_echo_state_network, finite("readout"), True, series=SERIES, n_units=12, washout=20),
    edge(training.fit_next_generation_reservoir, finite("readout"), series=SERIES),
    edge(training.fit_gaussian_noise, finite("mean", "covariance"), series=SERIES),
    edge(training.fit_baselines, lambda found: len(found) > 2, True, series=SERIES),
    edge(training.BifurcationWatch),
    edge(training.LatentRegularization, strength=0.1),
    edge(training.ManifoldAttractorRegularization, strength=0.1),
    edge(training.DecoderConditionPenalty, strength=0.1),
    Edge(
        training.load,
        lambda: {"path": saved_model()},
        {"path": ("none.npz",)},
    ),
    edge(OfModel("generate"), finite("series"), steps=10),
    edge(OfModel("predict"), contexts=SERIES[:4], steps=5),
    edge(OfModel("forecast"), finite(), context=SERIES[:4], steps=5),
    edge(OfModel("forecast_ensemble"), lambda x: x.diverged >= 0, context=SERIES[:4], steps=5, members=3),
    edge(OfModel("encode"), lambda states: states.ndim == 2, contexts=SERIES[:4]),
    edge(OfModel("decode"), states=np.ones((4, 3))),
    edge(OfModel("observations"), series=SERIES),
    edge(OfModel("save"), path="saved.npz"),
    edge(OfModel("generate", lambda: model(True)), finite("series"), steps=10, inputs=DRIVING[:10]),
    edge(OfModel("forecast", lambda: model(True)), finite(), context=SERIES[:4], steps=5, inputs=DRIVING[:8]),
    edge(OfModel("scale_inputs", lambda: model(True)), inputs=DRIVING),
)


@functools.cache
def figure():
    """Three axes, drawn into again and again."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    return Figure().subplots(1, 3)


def drawn(function, count=1, good=None, **given):
    """A picture in axes that are there already."""

    @functools.wraps(function)
    def draw(**given):
        for ax in figure():
            ax.clear()
        where = {"ax": figure()[0]} if count == 1 else {"axes": tuple(figure()[:count])}
        return function(**(where | given))

    return Edge(draw, good or given, OF_SERIES, dear=True)


SCAN = INVARIANT_SETS[-1]
PICTURES = (
    drawn(plot.attractors, 2, true=SERIES, generated=OTHER),
    drawn(plot.time_series, true=SERIES, generated=OTHER),
    drawn(plot.spectra, true=SERIES, generated=OTHER),
    drawn(plot.invariant_sets, orbit=ROWS),
    drawn(plot.training_curve, history={"update": np.arange(5), "loss": np.ones(5)}),
    drawn(plot.divergence_curve, good=lambda: {"estimate": estimate()}),
    drawn(plot.singular_values, good=lambda: {"spectrum": ck.lyapunov_spectrum(CELL, [0.1, 0.2], 20)}),
    drawn(plot.gradient_growth, good=lambda: {"growths": ck.gradient_growth(CELL, [0.1, 0.2], 20)}),
    drawn(plot.bifurcation_diagram, 2, good=lambda: {"scan": ck.bifurcation_scan(**SCAN.made)}),
    drawn(plot.bifurcation_watch, 3, good=lambda: {"result": watched()}),
)
EDGES = MEASURES + TIME_SERIES + TRAINING + PICTURES
