"""Plots: they render without a display, show what was given, and never touch global state."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from chaoskit.errors import InvalidInputError, MissingDependencyError
from chaoskit.gradients import GradientGrowth
from chaoskit.plot import (
    attractors,
    divergence_curve,
    gradient_growth,
    singular_values,
    spectra,
    time_series,
    training_curve,
)
from chaoskit.plot._style import new_figure
from chaoskit.timeseries import estimate_lyapunov

ORBIT = np.random.default_rng(0).normal(size=(3000, 3)).cumsum(axis=0)
RUN = ORBIT[::-1] * 1.1
TIME = np.linspace(0.0, 4.0, 60)
ESTIMATE = SimpleNamespace(
    curve=np.column_stack([TIME, -2.0 + np.minimum(0.9 * TIME, 2.0)]),
    fit_range=(0.0, 2.0),
    exponent=0.9,
    interval=(0.85, 0.95),
    quality="good",
)


def growth(rate=0.2, forcing=None, cut=None):
    times = np.array([1, 2, 5, 10, 50, 100])
    logs = rate * times + 1.0
    state = logs.copy()
    if cut is not None:
        state[cut:] = -np.inf
    return GradientGrowth(
        times, state, times, None, logs, rate, 0.01, np.full(5, rate), 20, rate, 0.0, forcing, "Tanh"
    )


SPECTRUM = SimpleNamespace(
    exponents=np.array([0.3, -0.1, -np.inf]),
    times=np.arange(1.0, 50.0),
    history=np.tile([0.3, -0.1, -np.inf], (49, 1)),
    units="per step",
)


def pixels(ax) -> bytes:
    """The picture as PNG bytes; rendering is part of the test."""
    stream = io.BytesIO()
    ax.figure.savefig(stream, format="png")
    return stream.getvalue()


def history(n=500):
    update = np.arange(n)
    loss = np.exp(-update / 50.0) + 0.01
    return {
        "update": update,
        "loss": loss,
        "validation_update": update[::100],
        "validation": 2 * loss[::100],
    }


@pytest.mark.parametrize(
    "draw",
    [
        lambda: attractors(ORBIT, RUN)[0],
        lambda: attractors(ORBIT[:, :2], RUN[:, :2], kind="points")[0],
        lambda: attractors(ORBIT[:, 0], RUN[:, 0], delay=7)[0],
        lambda: time_series(ORBIT, RUN, 0.01),
        lambda: spectra(ORBIT, RUN, 0.01, time_unit="s"),
        lambda: divergence_curve(ESTIMATE),
        lambda: training_curve(history()),
        lambda: gradient_growth([growth(), growth(-0.1), growth(0.2, "Sparse(tau=5)", 3)]),
        lambda: gradient_growth(growth(), quantity="loss", labels=["chaos"]),
        lambda: singular_values(SPECTRUM),
    ],
    ids=[
        "space",
        "plane",
        "delay",
        "time_series",
        "spectra",
        "divergence",
        "training",
        "growths",
        "loss",
        "singular",
    ],
)
def test_renders_without_pyplot(draw):
    before = "matplotlib.pyplot" in sys.modules
    assert pixels(draw()).startswith(b"\x89PNG")
    assert ("matplotlib.pyplot" in sys.modules) == before


def test_given_axes_are_used():
    figure = new_figure(6, 6)
    ax = figure.add_subplot(3, 2, 1)
    assert time_series(ORBIT, RUN, ax=ax) is ax
    assert spectra(ORBIT, RUN, ax=(second := figure.add_subplot(3, 2, 2))) is second
    assert divergence_curve(ESTIMATE, ax=(third := figure.add_subplot(3, 2, 3))) is third
    assert training_curve(history(), ax=(fourth := figure.add_subplot(3, 2, 4))) is fourth
    pair = tuple(figure.add_subplot(3, 2, k, projection="3d") for k in (5, 6))
    assert attractors(ORBIT, RUN, axes=pair) == pair
    assert len(figure.axes) == 6 + 1  # validation has an axis of its own over that of the loss


def test_attractors_share_the_ranges_of_the_true_one():
    left, right = attractors(ORBIT, 100.0 * ORBIT, names=("data", "model"))
    for limits in ("get_xlim", "get_ylim", "get_zlim"):
        assert getattr(left, limits)() == getattr(right, limits)()
    assert left.get_xlim()[0] < ORBIT[:, 0].min() < ORBIT[:, 0].max() < left.get_xlim()[1]
    assert (left.get_title(), right.get_title()) == ("data", "model")


def test_delay_plot_shows_the_delayed_series():
    left, _ = attractors(ORBIT[:, 0], RUN[:, 0], delay=7)
    line = left.lines[0].get_xydata()
    np.testing.assert_array_equal(line[:, 0], ORBIT[:-7, 0])
    np.testing.assert_array_equal(line[:, 1], ORBIT[7:, 0])


def test_time_axis_has_units():
    ax = time_series(ORBIT, RUN, 0.5, column=2, n_rows=100, time_unit="s")
    true, generated = ax.lines
    np.testing.assert_allclose(true.get_xdata(), 0.5 * np.arange(100))
    np.testing.assert_array_equal(true.get_ydata(), ORBIT[:100, 2])
    assert len(generated.get_xdata()) == 100
    assert ax.get_xlabel() == "Time (s)"


def test_spectrum_has_area_one_and_its_peak_at_the_frequency():
    dt = 0.01
    time = dt * np.arange(20_000)
    wave = 50.0 + 1e200 * np.sin(2 * np.pi * 3.0 * time)
    ax = spectra(wave, np.random.default_rng(0).normal(size=20_000), dt)
    for line in ax.lines:
        frequency, power = line.get_data()
        assert np.sum(power) * (frequency[1] - frequency[0]) == pytest.approx(1.0, rel=0.02)
    frequency, power = ax.lines[0].get_data()
    assert frequency[np.argmax(power)] == pytest.approx(3.0, abs=0.05)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("row", [0, 1, 700])
def test_a_diverged_run_is_named_and_cut(bad, row):
    run = RUN.copy()
    run[row:] = bad
    _, right = attractors(ORBIT, run)
    assert right.get_title() == f"generated (diverged at row {row})"
    assert len(right.lines[0].get_data_3d()[0]) == row
    for ax in (time_series(ORBIT, run), spectra(ORBIT, run)):
        assert ax.get_legend().get_texts()[1].get_text().endswith(f"(diverged at row {row})")
        assert pixels(ax)


@pytest.mark.parametrize("value", [0.0, 1e300])
def test_a_run_at_rest_or_far_away_renders(value):
    run = np.full_like(ORBIT, value)
    assert pixels(attractors(ORBIT, run)[0])
    assert pixels(time_series(ORBIT, run))
    assert pixels(spectra(ORBIT, run))


def test_the_legend_is_above_the_data():
    for ax in (time_series(ORBIT, RUN), spectra(ORBIT, RUN), divergence_curve(ESTIMATE)):
        ax.figure.draw_without_rendering()
        assert ax.get_legend().get_window_extent().y0 >= ax.get_window_extent().y1 - 1


def test_divergence_curve_draws_the_fit_and_names_the_exponent():
    ax = divergence_curve(ESTIMATE, time_unit="s")
    (x0, y0), (x1, y1) = ax.lines[1].get_xydata()
    assert (x0, x1) == (0.0, 2.0)
    assert (y1 - y0) / (x1 - x0) == pytest.approx(0.9)
    assert y0 == pytest.approx(-2.0)
    assert "0.9 [0.85, 0.95] / s, quality: good" in ax.get_title(loc="left")


@pytest.mark.parametrize(
    "change",
    [
        {"fit_range": None, "interval": None},
        {"exponent": np.nan, "interval": (np.nan, np.nan), "fit_range": (np.nan, np.nan)},
    ],
)
def test_divergence_curve_without_a_fit(change):
    ax = divergence_curve(SimpleNamespace(**(vars(ESTIMATE) | change | {"quality": 0.25})))
    assert len(ax.lines) == 1
    assert ax.get_title(loc="left").endswith(", quality: 0.25")
    assert ("no exponent" in ax.get_title(loc="left")) == ("exponent" in change)
    assert pixels(ax)


def test_divergence_curve_of_an_estimate_from_data():
    angle = np.sin(0.21 * np.arange(3000))
    ax = divergence_curve(estimate_lyapunov(angle))
    assert ax.get_title(loc="left").startswith("no exponent\nquality: periodic")
    assert pixels(ax)


def test_training_curve_scales_and_smooths():
    long = training_curve(history())
    assert long.get_yscale() == "log"
    assert [t.get_text() for t in long.get_legend().get_texts()] == ["loss (median)", "validation"]
    (right,) = (ax for ax in long.figure.axes if ax is not long)  # validation has units of its own
    assert right.get_ylabel() == "Validation"
    assert right.lines[0].get_ydata().tolist() == list(history()["validation"])
    short = training_curve({"update": np.arange(3), "loss": [1.0, 0.9, np.nan]})
    assert short.get_yscale() == "linear"
    assert pixels(short)
    noisy = np.where(np.arange(1000) % 10 == 0, 100.0, 1.0)
    median = training_curve({"update": np.arange(1000), "loss": noisy}).lines[1]
    assert set(median.get_ydata()) == {1.0}


def test_missing_matplotlib_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "chaoskit\[plot\]"'):
        time_series(ORBIT, RUN)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: attractors(ORBIT, RUN[:, :2]), "same number of columns"),
        (lambda: attractors(ORBIT, "text"), "generated: expected"),
        (lambda: attractors(ORBIT, ORBIT[None]), "generated: expected shape"),
        (lambda: attractors(ORBIT, RUN, kind="dots"), "kind"),
        (lambda: attractors(ORBIT[:9, 0], RUN[:9, 0], delay=9), "delay"),
        (lambda: attractors(ORBIT, RUN, axes=[new_figure(1, 1).add_subplot()] * 2), "3d"),
        (lambda: time_series(ORBIT, RUN, 0.0), "dt"),
        (lambda: time_series(ORBIT, RUN, column=3), "column"),
        (lambda: spectra(ORBIT[:20], RUN), "at least 64 rows"),
        (lambda: divergence_curve(SimpleNamespace(curve=np.zeros(4))), "estimate.curve"),
        (lambda: training_curve({"update": [1]}), "loss"),
        (lambda: training_curve({"update": [1], "loss": [1, 2]}), "one length"),
    ],
)
def test_bad_input_is_named(draw, message):
    with pytest.raises(InvalidInputError, match=message):
        draw()


def test_gradient_growth_shows_the_curve_its_slope_and_where_it_ends():
    ax = gradient_growth([growth(), growth(0.2, "Sparse(tau=5)", cut=3)], labels=["free", "forced"])
    free, forced, cross, slope = ax.lines[:4]
    np.testing.assert_array_equal(free.get_ydata(), growth().log_state)
    assert np.isnan(forced.get_ydata()[3:]).all()
    assert cross.get_xdata()[0] == 5
    x, y = slope.get_data()
    assert (y[1] - y[0]) / (x[1] - x[0]) == pytest.approx(0.2)
    for arguments in ({"quantity": "gradient"}, {"quantity": "parameters"}, {"labels": ["a", "b"]}):
        with pytest.raises(InvalidInputError):
            gradient_growth(growth(), **arguments)


def test_singular_values_begin_at_zero_and_leave_out_what_is_wiped_out():
    ax = singular_values(SPECTRUM)
    drawn = [line for line in ax.lines if len(line.get_xdata()) == 50]
    assert len(drawn) == 2
    assert all(line.get_ydata()[0] == 0.0 for line in drawn)
    assert drawn[0].get_ydata()[-1] == pytest.approx(0.3 * 49)
    with pytest.raises(InvalidInputError):
        singular_values(SimpleNamespace(exponents=np.zeros((2, 3))))
