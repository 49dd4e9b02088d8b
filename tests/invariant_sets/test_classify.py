"""Classes of orbits: systems whose class is known, and verdicts that must never come."""

from __future__ import annotations

import math

import numpy as np
import pytest

from chaoskit import classify_orbit, lyapunov_spectrum
from chaoskit.cells import Linear, ReLU, Tanh
from chaoskit.errors import InvalidInputError
from chaoskit.invariant_sets.recurrence import returns
from chaoskit.systems import Duffing, Henon, Logistic, Lorenz63, Map, Roessler


def tanh(W, b=0.0, U=None):
    W = np.atleast_2d(np.asarray(W, float))
    return Tanh(W, np.zeros((len(W), 0)) if U is None else U, np.zeros(len(W)) + b)


def linear(W, h=0.0):
    W = np.atleast_2d(np.asarray(W, float))
    return Linear(W, np.zeros((len(W), 0)), np.zeros(len(W)) + h)


def turn(angle, gain=1.0):
    return gain * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def circle(x, p, out):
    out[0] = (x[0] + p[0] + p[1] / (2.0 * math.pi) * math.sin(2.0 * math.pi * x[0])) % 1.0


# ---- maps
@pytest.mark.parametrize(
    ("r", "label"),
    [
        (2.8, "fixed point"),
        (3.2, "cycle of period 2"),
        (3.5, "cycle of period 4"),
        (3.5699, "cycle of period 128"),
        (3.83, "cycle of period 3"),
        (4.0, "chaotic"),
    ],
)
def test_the_logistic_map(r, label):
    found = classify_orbit(Logistic(r))
    assert found.label == label
    if found.points is not None:
        x = found.points[:, 0]
        np.testing.assert_allclose(np.roll(x, -1), r * x * (1 - x), atol=1e-12)
        slope = np.prod(r * (1 - 2 * x))
        assert found.multipliers[0].real == pytest.approx(slope, rel=1e-8)
        assert found.exponents[0] == pytest.approx(math.log(abs(slope)) / len(x), rel=1e-8)
        assert found.stable
    else:
        assert found.exponents[0] == pytest.approx(math.log(2), abs=1e-3)


def test_the_border_of_chaos_is_neither_chaotic_nor_a_torus():
    found = classify_orbit(Logistic(3.569945672))
    assert found.kind == "undecided"
    assert "take more steps" in found.reason


def test_henon():
    assert classify_orbit(Henon()).kind == "chaotic"
    found = classify_orbit(Henon(), [10.0, 10.0])
    assert (found.kind, found.state) == ("diverging", None)
    assert 1 < found.diverged_at < 20
    assert np.isnan(found.exponents).all()


def test_circle_maps():
    assert classify_orbit(Map(circle, dim=1, parameters=(0.6180339887, 0.5))).kind == "quasi-periodic"
    assert classify_orbit(Map(circle, dim=1, parameters=(0.5, 0.9)), [0.3]).label == "cycle of period 2"


# ---- networks
@pytest.mark.parametrize(
    ("cell", "label"),
    [
        (linear(turn(1.0)), "quasi-periodic"),
        (linear(turn(2 * math.pi / 5)), "cycle of period 5"),
        (linear(turn(1.0, 0.9999)), "fixed point"),
        (linear(turn(1.0, 1.0 - 1e-6)), "undecided"),
        (linear(turn(1.0, 1.0 + 1e-6)), "undecided"),
        (linear(1.0001), "diverging"),
        (linear(1.0, h=1.0), "diverging"),
        (tanh(turn(1.0, 0.95)), "fixed point"),
        (tanh(turn(1.0, 0.9999)), "fixed point"),
        (tanh(turn(1.0, 1.0)), "undecided"),
        (tanh(turn(1.0, 1.001)), "quasi-periodic"),
        (tanh(turn(1.0, 1.3)), "quasi-periodic"),
        (tanh(np.roll(2.0 * np.eye(7), 1, axis=0)), "cycle of period 7"),
    ],
)
def test_networks_with_a_known_class(cell, label):
    """Slow spirals are followed to their end or left undecided; they are no tori."""
    assert classify_orbit(cell, seed=3).label == label


def test_random_networks_below_and_above_the_onset_of_chaos():
    W = np.random.default_rng(0).standard_normal((50, 50)) / math.sqrt(50)
    assert classify_orbit(tanh(0.5 * W)).kind == "fixed point"
    found = classify_orbit(tanh(3.0 * W), steps=3_000)
    assert found.kind == "chaotic"
    assert found.exponents[0] > 5 * found.stderr[0] > 0


def test_the_tent_network():
    s = 1.9999
    cell = ReLU(np.array([[s, -2 * s], [s, -2 * s]]), np.zeros((2, 0)), np.array([0.0, -0.5]))
    found = classify_orbit(cell, [0.3, 0.0])
    assert found.kind == "chaotic"
    np.testing.assert_allclose(found.exponents, [math.log(s), -np.inf], rtol=1e-3)


def test_no_chaos_where_there_is_none(measured):
    """Small tanh networks are mostly periodic or quasi-periodic; a long run is the judge."""
    rng, kinds = np.random.default_rng(1), []
    for i in range(100):
        n, gain = int(rng.integers(2, 9)), rng.uniform(0.5, 3.0)
        cell = tanh(gain * rng.standard_normal((n, n)) / math.sqrt(n), 0.3 * rng.standard_normal(n) * (i % 2))
        found = classify_orbit(cell, steps=2_000, transient=2_000, seed=i)
        kinds.append(found.kind)
        assert found.kind != "diverging"
        if found.kind in ("chaotic", "quasi-periodic"):
            judge = lyapunov_spectrum(cell, found.state, 50_000, k=1, transient=20_000)
            chaotic = judge.exponents[0] > max(5 * judge.stderr[0], 1e-3)
            assert chaotic == (found.kind == "chaotic"), (i, found, judge)
    measured("classes", {kind: kinds.count(kind) for kind in sorted(set(kinds))})
    assert kinds.count("undecided") <= 3
    assert kinds.count("quasi-periodic") >= 10
    assert kinds.count("chaotic") >= 2


def test_an_orbit_on_a_saddle_is_said_to_stand_by_chance():
    found = classify_orbit(tanh(2.0), [0.0])
    assert (found.kind, found.stable) == ("fixed point", False)
    assert found.multipliers[0] == pytest.approx(2.0)
    assert "unstable" in found.reason


def test_float32_networks():
    cell = Tanh(*(a.astype(np.float32) for a in tanh(np.roll(2.0 * np.eye(7), 1, axis=0))))
    assert classify_orbit(cell, seed=3).label == "cycle of period 7"


# ---- driven networks
def test_the_response_to_an_input():
    cell = tanh(0.5, U=np.ones((1, 1)))
    assert classify_orbit(cell, inputs=[0.3]).kind == "fixed point"
    rows = np.array([[0.1], [0.5], [-0.4]])
    found = classify_orbit(cell, inputs=rows)
    assert found.label == "cycle of period 3"
    for row, here, after in zip(rows, found.points, np.roll(found.points, -1, axis=0), strict=True):
        np.testing.assert_allclose(np.tanh(0.5 * here + row), after, atol=1e-14)
    noise = np.random.default_rng(0).standard_normal((40_000, 1))
    random = classify_orbit(cell, inputs=noise)
    assert random.kind == "undecided"
    assert random.exponents[0] < 0
    assert "does not repeat" in random.reason


# ---- flows
@pytest.mark.parametrize(
    ("flow", "options", "label", "period"),
    [
        (Lorenz63(rho=10.0), {}, "fixed point", None),
        (Lorenz63(rho=22.0), {"transient": 2_000}, "fixed point", None),
        (Lorenz63(), {}, "chaotic", None),
        (Lorenz63(rho=350.0), {"dt": 0.001, "steps": 30_000}, "cycle", 0.38849),
        (Roessler(c=2.5), {}, "cycle", 5.749),
        (Roessler(c=3.5), {}, "cycle", 11.545),
        (Roessler(), {}, "chaotic", None),
        (Duffing(A=0.2), {}, "cycle", 2 * math.pi),
    ],
    ids=["rest", "slow focus", "chaos", "cycle", "one loop", "two loops", "band", "driven"],
)
def test_flows(flow, options, label, period):
    found = classify_orbit(flow, **options)
    assert found.kind == label
    assert found.units == "per unit time"
    if period is not None:
        assert found.period == pytest.approx(period, rel=1e-4)


def test_rest_of_a_flow_on_its_way_is_its_exact_place():
    """At rho = 22 the foci attract slowly; the verdict names the point that the orbit winds around."""
    found = classify_orbit(Lorenz63(rho=22.0), transient=2_000)
    place = math.sqrt(8 / 3 * 21)
    np.testing.assert_allclose(np.abs(found.points[0]), [place, place, 21.0], atol=1e-9)


def test_a_torus_of_a_flow():
    """Two oscillators that do not know of each other, each on its limit cycle."""
    from chaoskit.systems import Flow

    def two_circles(t, x, p, out):
        for i in range(2):
            a, b = x[2 * i], x[2 * i + 1]
            s = 1.0 - a * a - b * b
            out[2 * i] = s * a - p[i] * b
            out[2 * i + 1] = s * b + p[i] * a

    flow = Flow(two_circles, dim=4, parameters=(1.0, math.sqrt(2.0)), default_dt=0.05)
    assert classify_orbit(flow, [1.0, 0.2, 0.3, 0.8]).kind == "quasi-periodic"
    locked = Flow(two_circles, dim=4, parameters=(1.0, 2.0), default_dt=0.05)
    assert classify_orbit(locked, [1.0, 0.2, 0.3, 0.8]).kind == "undecided"  # neutral: no limit cycle


# ---- parts and arguments
def test_returns_of_made_up_states():
    t = np.arange(2_000)
    three = np.column_stack([t % 3, (t % 3) ** 2]).astype(float)
    assert returns(three, 10).period == 3
    assert returns(three, 10, multiple_of=2).period == 6
    noisy = three + 1e-6 * np.random.default_rng(0).standard_normal(three.shape)
    assert returns(noisy, 10).period == 0
    shrinking = np.exp(-1e-3 * t)[:, None] * (-1.0) ** t[:, None]
    found = returns(shrinking, 10)
    assert (found.period, found.drifting) == (0, 1)
    assert found.rate == pytest.approx(-1e-3, rel=1e-6)
    assert returns(np.random.default_rng(0).standard_normal((2_000, 1)), 10).drifting == 0


def test_the_verdict_in_one_line():
    text = repr(classify_orbit(Logistic(3.2)))
    assert text.startswith("OrbitClass(cycle of period 2: the states repeat to")
    assert "\n" not in text


def test_bad_arguments():
    with pytest.raises(InvalidInputError, match="max_period: expected at most"):
        classify_orbit(Logistic(), max_period=10**12)
    with pytest.raises(InvalidInputError, match="steps"):
        classify_orbit(Logistic(), steps=10)
    with pytest.raises(InvalidInputError, match="max_period"):
        classify_orbit(Logistic(), max_period=0)
    with pytest.raises(InvalidInputError, match="k: expected at most 1"):
        classify_orbit(Logistic(), k=2)
    with pytest.raises(InvalidInputError, match="inputs"):
        classify_orbit(tanh(0.5, U=np.ones((1, 1))))
    with pytest.raises(InvalidInputError, match="model"):
        classify_orbit("net")
    with pytest.raises(InvalidInputError, match="batch"):
        classify_orbit(Logistic(np.array([3.0, 4.0])))


def test_two_steps_back_is_not_a_cycle():
    """At a multiplier near -1 the orbit returns after two steps long before it does after one."""
    for r in (2.99, 2.994, 2.998):
        found = classify_orbit(Logistic(r), transient=500, steps=2_000)
        assert found.kind == "fixed point"
        assert found.multipliers[0].real == pytest.approx(2 - r, abs=1e-6)


@pytest.mark.parametrize(("gain", "label"), [(1.1, "fixed point"), (-1.1, "cycle of period 2")])
def test_an_orbit_that_leaves_a_repeller_is_neither_chaotic_nor_diverging(gain, label):
    """Ever so near to 0 it grows for thousands of steps, as exactly as any orbit can."""
    found = classify_orbit(tanh(gain), [1e-200], steps=1_000, transient=500)
    assert found.label == label
    assert classify_orbit(tanh(turn(1.0, 1.1)), [1e-150, 0.0], steps=1_000).kind == "quasi-periodic"
