"""Lyapunov spectra: known values, exact exponents of constructed cells, identities, errors."""

from __future__ import annotations

import math
import warnings

import naive
import numpy as np
import pytest

from chaoskit import lyapunov_spectrum, simulate
from chaoskit.cells import LSTM, PLRNN, ReLU, ShPLRNN, Tanh
from chaoskit.errors import ChaoskitWarning, DivergenceError, InvalidInputError
from chaoskit.systems import Henon, Logistic, Lorenz63, Lorenz96, Roessler


def agrees(result, published, rounding):
    """The rule of the reference values: 4 standard errors, the rounding, and 1 % or 2e-3."""
    for value, error, true in zip(result.exponents, result.stderr, published, strict=False):
        allowed = max(4 * error, rounding, 1e-10)
        near = 0.01 * abs(true) if abs(true) > 0.02 else 2e-3
        assert abs(value - true) <= max(allowed, near), f"{value} +- {error} against {true}"
        assert error < 0.02 * max(abs(true), 0.5), "the standard error says nothing"


def residual(result):
    """Sum of the exponents against the mean log-determinant of the step map, relative."""
    return result.checks["sum_residual"] / max(1.0, abs(result.checks["mean_log_det"]))


# ---- published values
@pytest.mark.parametrize(
    ("system", "steps", "rounding", "kaplan_yorke"),
    [
        (Lorenz63(), 150_000, 1e-4, 2.06215),
        (Roessler(), 250_000, 1e-4, 2.0132),
        (Henon(), 60_000, 1e-5, 1.25827),
        (Logistic(), 60_000, 1e-10, 1.0),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "dim") else "",
)
def test_published_exponents(system, steps, rounding, kaplan_yorke, measured):
    result = lyapunov_spectrum(system, steps=steps, transient=5000)
    measured("exponents", f"{result.exponents} +- {result.stderr}")
    measured("residual", f"{residual(result):.1e}")
    agrees(result, system.reference_exponents, rounding)
    assert residual(result) <= 1e-10
    if system.dim > 1:
        allowed = max(4 * result.kaplan_yorke_stderr, 1e-4)
        assert abs(result.kaplan_yorke - kaplan_yorke) <= allowed + 0.005
    assert result.entropy == pytest.approx(result.exponents[result.exponents > 0].sum())
    assert result.units == ("per unit time" if system.is_flow else "per step")
    assert result.jacobian == "analytic"


def test_sums_that_are_known_exactly():
    lorenz = lyapunov_spectrum(Lorenz63(), steps=5000)
    assert lorenz.exponents.sum() == pytest.approx(-(10 + 1 + 8 / 3), abs=3e-4)  # to O(dt^4)
    henon = lyapunov_spectrum(Henon(), steps=5000)
    assert henon.exponents.sum() == pytest.approx(math.log(0.3), abs=1e-10)


def test_lorenz_96(measured):
    result = lyapunov_spectrum(Lorenz96(40, 8.0), steps=60_000, transient=2000, dt=0.02)
    measured("exponents", f"{result.exponents[0]:.4f} +- {result.stderr[0]:.4f}")
    measured("kaplan_yorke", f"{result.kaplan_yorke:.3f} +- {result.kaplan_yorke_stderr:.3f}")
    measured("residual", f"{residual(result):.1e}")
    assert result.exponents.sum() == pytest.approx(-40, abs=5e-3)
    assert residual(result) <= 1e-10
    assert abs(result.exponents[0] - 1.69) <= max(4 * result.stderr[0], 0.017)
    assert abs(result.kaplan_yorke - 27.1) <= max(4 * result.kaplan_yorke_stderr, 0.1)
    assert 12 <= (result.exponents > 4 * result.stderr).sum() <= 14


# ---- exact exponents of constructed cells
def linear(W, dtype=np.float64):
    """A PLRNN that is linear in the region of positive states: x' = W x."""
    W = np.asarray(W, dtype)
    n = len(W)
    return PLRNN(np.zeros(n, dtype), W, np.zeros((n, 0), dtype), np.zeros(n, dtype))


def rotation(n, rng):
    return np.linalg.qr(rng.standard_normal((n, n)))[0]


def test_a_stable_fixed_point_has_the_eigenvalues_of_its_jacobian():
    rng = np.random.default_rng(0)
    for cell in (PLRNN.init(5, rng=rng), ShPLRNN.init(5, n_hidden=7, rng=rng)):
        bias = "h" if hasattr(cell, "h") else "h1"
        cell = cell._replace(
            **{bias: rng.standard_normal(5)}
        )  # or else the fixed point lies on the kinks at 0
        cell = cell._replace(
            A=np.linspace(0.3, 0.8, 5), **{k: 0.2 * getattr(cell, k) for k in ("W", "W1") if hasattr(cell, k)}
        )
        fixed = simulate(cell, rng.standard_normal(5), 0, transient=3000)[0]
        true = np.sort(np.log(np.abs(np.linalg.eigvals(naive.jacobian(cell, fixed)))))[::-1]
        result = lyapunov_spectrum(cell, fixed, 4000, tangent_transient=3000)
        np.testing.assert_allclose(result.exponents, true, atol=1e-3)
        assert residual(result) <= 1e-10
        assert result.kaplan_yorke == 0
        assert result.entropy == 0


def test_a_fixed_point_of_scaled_rotation_has_equal_exponents():
    """In its linear region the map is x' = g R x: all exponents are ln g, in one step as in a thousand."""
    rng = np.random.default_rng(1)
    for n in (4, 9, 60):
        R = 0.97 * rotation(n, rng)
        fixed = np.full(n, 5.0)
        cell = linear(R)._replace(h=fixed - R @ fixed)  # the region of positive states around a fixed point
        result = lyapunov_spectrum(cell, fixed + 0.01, 200, tangent_transient=0, transient=0)
        np.testing.assert_allclose(result.exponents, math.log(0.97), atol=1e-11)
        assert residual(result) <= 1e-10


def test_a_cycle_has_the_multipliers_of_its_product():
    """A 2-cycle between two linear regions of a PLRNN: (1/2) ln |eig(J2 J1)|."""
    cell = PLRNN(
        np.array([0.2, 0.3]), np.array([[-1.8, 0.0], [0.2, 0.1]]), np.zeros((2, 0)), np.array([0.5, -0.2])
    )
    orbit = simulate(cell, [0.3, -0.1], 400)
    assert not np.allclose(orbit[-1], orbit[-2])
    np.testing.assert_allclose(orbit[-1], orbit[-3], atol=1e-12)
    M = naive.jacobian(cell, orbit[-2]) @ naive.jacobian(cell, orbit[-1])
    true = np.sort(np.log(np.abs(np.linalg.eigvals(M))) / 2)[::-1]
    result = lyapunov_spectrum(cell, orbit[-1], 2000, tangent_transient=500)
    np.testing.assert_allclose(result.exponents, true, atol=1e-9)
    assert residual(result) <= 1e-10


def test_the_tent_map_as_two_relu_units(measured):
    """Rank 1: ln s and minus infinity. At s = 2 floating point collapses, so s = 1.9999."""
    s = 1.9999
    cell = ReLU(np.array([[s, -2 * s], [s, -2 * s]]), np.zeros((2, 0)), np.array([0.0, -0.5]))
    result = lyapunov_spectrum(cell, [0.3, 0.0], 20_000, transient=100)
    measured("tent", str(result.exponents))
    # the tangent is (1, 0) or (1, 1): its length at the two ends is all that differs
    assert result.exponents[0] == pytest.approx(math.log(s), abs=math.log(2) / 2 / 20_000 + 1e-10)
    assert result.exponents[1] == -math.inf
    assert result.checks["mean_log_det"] == -math.inf
    assert 1 <= result.kaplan_yorke < 1.05
    assert result.entropy == result.exponents[0]


def test_an_lstm_without_recurrence(measured):
    """Constant gates: the cells decay as ln f, the hidden states follow them: n times minus infinity."""
    n, f = 3, np.array([0.9, 0.7, 0.4])
    b = np.concatenate([np.full(n, -0.3), np.log(f / (1 - f)), np.full(n, 0.5), np.full(n, 0.2)])
    cell = LSTM(np.zeros((4 * n, n)), np.zeros((4 * n, 0)), b)
    result = lyapunov_spectrum(cell, np.zeros(2 * n), 2000, tangent_transient=1000)
    measured("lstm", str(result.exponents))
    np.testing.assert_allclose(result.exponents[:n], np.log(f), atol=1e-10)
    assert (result.exponents[n:] == -math.inf).all()


def test_dead_units_do_not_poison_the_others():
    """Units that never fire have zero rows in every Jacobian: -inf each, and the rest stay right."""
    rng = np.random.default_rng(2)
    R = 0.9 * rotation(4, rng)
    W, b = np.zeros((6, 6)), np.full(6, -1.0)
    W[:4, :4] = R
    b[:4] = 3.0 * np.ones(4) - R @ (3.0 * np.ones(4))
    for panel_rows in (None, 2):
        result = lyapunov_spectrum(ReLU(W, np.zeros((6, 0)), b), np.full(6, 3.0), 300, k=panel_rows)
        alive = min(4, panel_rows or 6)
        np.testing.assert_allclose(result.exponents[:alive], math.log(0.9), atol=1e-10)
    whole = lyapunov_spectrum(ReLU(W, np.zeros((6, 0)), b), np.full(6, 3.0), 300)
    assert (whole.exponents[4:] == -math.inf).all()
    assert not np.isnan(whole.exponents).any()
    assert not np.isnan(whole.history).any()
    assert whole.checks["mean_log_det"] == -math.inf


# ---- against the oracle
@pytest.mark.parametrize("seed", [0, 1])
def test_random_tanh_net_against_numpy_qr(seed):
    rng = np.random.default_rng(seed)
    cell = Tanh.init(7, rng=rng)._replace(W=2.0 * rng.standard_normal((7, 7)) / math.sqrt(7))
    x0 = simulate(cell, rng.standard_normal(7), 0, transient=500)[0]
    ours = lyapunov_spectrum(cell, x0, 3000, transient=0, tangent_transient=500)
    true = naive.qr_spectrum(cell, x0, 3000, transient=500)
    np.testing.assert_allclose(ours.exponents, true, rtol=1e-6, atol=1e-3)
    analytic = np.log(1 - np.square(simulate(cell, x0, 3500)[501:])).sum(axis=1).mean()
    analytic += np.log(abs(np.linalg.det(cell.W)))
    assert ours.exponents.sum() == pytest.approx(analytic, rel=1e-7)
    assert residual(ours) <= 1e-10


def test_conditional_exponents_of_a_driven_net():
    rng = np.random.default_rng(3)
    cell, inputs = Tanh.init(7, 2, rng=rng), rng.standard_normal((1600, 2))
    ours = lyapunov_spectrum(cell, np.zeros(7), 1000, inputs=inputs, transient=100, tangent_transient=500)
    x = simulate(cell, np.zeros(7), 100, inputs=inputs)[-1]
    true = naive.qr_spectrum(cell, x, 1000, transient=500, inputs=inputs[100:])
    np.testing.assert_allclose(
        ours.exponents, true, rtol=1e-9
    )  # contracting: the same orbit, the same tangents
    with pytest.raises(InvalidInputError, match="at least 1600 rows"):
        lyapunov_spectrum(cell, np.zeros(7), 1000, inputs=inputs[:-1], transient=100, tangent_transient=500)


@pytest.mark.parametrize("k", [1, 3])
def test_fewer_exponents_are_the_leading_ones(k):
    cell = Tanh.init(7, rng=1)._replace(
        W=2.0 * np.random.default_rng(1).standard_normal((7, 7)) / math.sqrt(7)
    )
    x0 = np.full(7, 0.3)
    few = lyapunov_spectrum(cell, x0, 3000, k=k, qr_every=2, tangent_transient=2000)
    full = lyapunov_spectrum(cell, x0, 3000, qr_every=2, tangent_transient=2000)
    np.testing.assert_allclose(few.exponents, full.exponents[:k], atol=2e-3)
    assert few.history.shape[1] == k
    assert "sum" not in few.checks
    assert math.isnan(few.kaplan_yorke) or few.exponents[0] < 0 or k > 1


def test_float32():
    rng = np.random.default_rng(0)
    R = (0.97 * rotation(9, rng)).astype(np.float32)
    fixed = np.full(9, 5.0, np.float32)
    result = lyapunov_spectrum(linear(R, np.float32)._replace(h=fixed - R @ fixed), fixed, 2000)
    np.testing.assert_allclose(result.exponents, math.log(0.97), atol=2e-5)
    assert result.exponents.dtype == np.float64


# ---- units, intervals, errors
def test_dt_changes_the_units_and_nothing_else():
    R = 0.9 * rotation(4, np.random.default_rng(0))
    cell, x = linear(R)._replace(h=np.full(4, 3.0) - R @ np.full(4, 3.0)), np.full(4, 3.0)
    step, time = (lyapunov_spectrum(cell, x, 500, dt=dt) for dt in (None, 0.25))
    assert (step.units, time.units) == ("per step", "per unit time")
    np.testing.assert_allclose(time.exponents, 4 * step.exponents, rtol=1e-12)
    np.testing.assert_allclose(time.times, step.times / 4)
    np.testing.assert_allclose(time.checks["mean_log_det"], 4 * step.checks["mean_log_det"])
    half, whole = (
        lyapunov_spectrum(Lorenz63(), steps=n, dt=dt) for n, dt in ((80_000, 0.005), (40_000, 0.01))
    )
    np.testing.assert_allclose(half.exponents[[0, 2]], whole.exponents[[0, 2]], rtol=0.03)
    np.testing.assert_allclose(half.times[-1], whole.times[-1])


def test_an_interval_by_hand():
    """Any interval that keeps the condition gives the same exponents; one too wide warns."""
    few = [lyapunov_spectrum(Lorenz63(), steps=6000, qr_every=q, tangent_transient=2000) for q in (1, 10)]
    np.testing.assert_allclose(few[0].exponents, few[1].exponents, atol=1e-8)
    assert [r.qr_every for r in few] == [1, 10]
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        wide = lyapunov_spectrum(Lorenz63(), steps=6000, qr_every=180, tangent_transient=600)
    texts = [str(w.message) for w in record]
    assert len(texts) == 2
    assert "qr_every=180: compared with an orthonormalisation at each step" in texts[0]
    assert "the smallest exponents are not to be trusted" in texts[1]
    assert all(w.category is ChaoskitWarning and w.filename == __file__ for w in record)
    assert 1e-7 < wide.checks["loss"] < 1e-1
    with pytest.raises(InvalidInputError, match="qr_every=300"):
        lyapunov_spectrum(Lorenz63(), steps=6000, qr_every=300, tangent_transient=600)
    with pytest.raises(InvalidInputError, match="overflow"):
        lyapunov_spectrum(Lorenz63(), steps=400_000, k=1, qr_every=120_000)


def test_automatic_intervals_keep_the_condition():
    result = lyapunov_spectrum(Lorenz63(), steps=20_000)
    assert 1 < result.qr_every <= 50
    assert result.checks["loss"] < 1e-8


def test_history_and_times():
    result = lyapunov_spectrum(Henon(), steps=10_050, qr_every=4)
    assert result.history.shape == (len(result.times), 2)
    np.testing.assert_array_equal(result.history[-1], result.exponents)
    assert result.times[-1] == 10_050
    assert (np.diff(result.times) > 0).all()
    tiny = lyapunov_spectrum(Henon(), steps=3, transient=0, tangent_transient=0)
    assert np.isnan(tiny.stderr).all()
    assert tiny.times[-1] == 3


def test_standard_errors_cover_the_truth(measured):
    """Forty short runs of Hénon's map: two standard errors hold the known exponent about 95 times in 100."""
    rng = np.random.default_rng(0)
    starts = simulate(Henon(), [0.1, 0.1], 40 * 50, transient=1000)[::50][:40]
    runs = [
        lyapunov_spectrum(Henon(), x + 1e-6 * rng.standard_normal(2), 2000, transient=500) for x in starts
    ]
    z = np.array([(r.exponents[0] - 0.41922) / r.stderr[0] for r in runs])
    measured("coverage", f"{np.mean(np.abs(z) < 2):.2f}, rms z {np.sqrt(np.mean(z**2)):.2f}")
    assert np.mean(np.abs(z) < 2) >= 0.85
    assert 0.5 < np.sqrt(np.mean(z**2)) < 1.5
    assert runs[0].n_effective[0] > 100


def test_a_run_until_the_error_is_small_enough():
    result = lyapunov_spectrum(Henon(), steps=1000, tolerance=2e-3)
    assert result.stderr.max() <= 2e-3
    assert 1000 < result.times[-1] < 100_000
    np.testing.assert_allclose(np.diff(result.times), result.times[0])  # neighbours have been merged
    assert len(result.times) <= 4000
    with pytest.warns(ChaoskitWarning, match="max_steps=3000"):
        short = lyapunov_spectrum(Henon(), steps=1000, tolerance=1e-6, max_steps=3000)
    assert short.times[-1] <= 3000


def test_what_has_no_standard_error_says_so():
    """Logistic map at 4, the zero exponent of a flow: deterministic, within a bound; Hénon is not."""
    logistic = lyapunov_spectrum(Logistic(), steps=20_000)
    assert logistic.deterministic[0]
    assert abs(logistic.exponents[0] - math.log(2)) <= logistic.stderr[0] < 2e-3
    assert "deterministic" in repr(logistic)
    lorenz = lyapunov_spectrum(Lorenz63(), steps=200_000)
    np.testing.assert_array_equal(lorenz.deterministic, [False, True, False])
    assert lorenz.zero_exponent == 1
    assert lorenz.checks["zero_exponent"] == pytest.approx(lorenz.checks["along_the_flow"], abs=5e-3)
    assert not lyapunov_spectrum(Henon(), steps=20_000).deterministic.any()
    assert lyapunov_spectrum(Lorenz63(rho=0.5), steps=20_000).zero_exponent is None  # at rest


def test_confidence_intervals():
    result = lyapunov_spectrum(Henon(), steps=20_000)
    low, high = result.confidence_interval.T
    np.testing.assert_allclose((low + high) / 2, result.exponents)
    assert ((high - low) / 2 / result.stderr > 2.0).all()
    assert ((high - low) / 2 / result.stderr < 2.15).all()


def test_seeds():
    cell = Tanh.init(5, rng=0)._replace(W=2.0 * np.random.default_rng(0).standard_normal((5, 5)))
    a, b, c = (lyapunov_spectrum(cell, steps=500, seed=s).exponents for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"x0": [0.1]}, "x0"),
        ({"x0": [[0.1, 0.1], [0.1]]}, "x0"),
        ({"x0": np.zeros((2, 2, 2))}, "x0"),
        ({"tolerance": -1.0}, "tolerance"),
        ({"max_steps": 10}, "max_steps"),
        ({"tolerance": 0.1, "max_steps": 10}, "max_steps"),
        ({"steps": 0}, "steps"),
        ({"steps": 1.5}, "steps"),
        ({"k": 3}, "k: expected at most 2"),
        ({"k": 0}, "k"),
        ({"transient": -1}, "transient"),
        ({"tangent_transient": "long"}, "tangent_transient"),
        ({"tangent_transient": -1}, "tangent_transient"),
        ({"qr_every": 0}, "qr_every"),
        ({"qr_every": "often"}, "qr_every"),
        ({"dt": -1.0}, "dt"),
        ({"inputs": np.zeros((5, 1))}, "inputs"),
    ],
)
def test_bad_arguments(arguments, text):
    with pytest.raises(InvalidInputError, match=text):
        lyapunov_spectrum(Henon(), **arguments)


@pytest.mark.parametrize(("transient", "tangent"), [(100, 0), (0, 100), (0, 0)])
def test_an_orbit_that_diverges_says_when(transient, tangent):
    with pytest.raises(DivergenceError, match="stays finite") as caught:
        lyapunov_spectrum(Henon(), [10.0, 10.0], 100, transient=transient, tangent_transient=tangent)
    assert 5 < caught.value.step < 20


def test_the_result_shows_itself():
    assert "per step" in repr(lyapunov_spectrum(Henon(), steps=1000))
