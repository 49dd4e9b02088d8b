"""Maps and flows: built-in ones against finite differences, one's own from plain functions."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest

from chaoskit import jacobian, jacobian_product, lyapunov_spectrum, simulate
from chaoskit.errors import ChaoskitError, InvalidInputError
from chaoskit.systems import Flow, Henon, Logistic, Lorenz63, Lorenz96, Map, Roessler

BUILT_IN = [Lorenz63(), Roessler(), Lorenz96(6), Henon(), Logistic(3.7)]
built_in = pytest.mark.parametrize("system", BUILT_IN, ids=lambda s: type(s).__name__)


def difference_jacobian(f, x, h=1e-6):
    return np.array([(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(len(x))]).T


def rk4(f, t, x, dt):
    a = f(t, x)
    b = f(t + dt / 2, x + dt / 2 * a)
    c = f(t + dt / 2, x + dt / 2 * b)
    return x + dt / 6 * (a + 2 * b + 2 * c + f(t + dt, x + dt * c))


@built_in
def test_analytic_jacobian_against_finite_differences(system):
    for seed in range(5):
        x = np.random.default_rng(seed).standard_normal(system.dim)
        true = difference_jacobian(system.evaluate, x)
        np.testing.assert_allclose(system.evaluate_jacobian(x), true, rtol=1e-7, atol=1e-7)
        np.testing.assert_allclose(jacobian(system, x), true, rtol=1e-7, atol=1e-7)
    assert system.jacobian_kind == "analytic"


@built_in
def test_compiled_steps_are_those_of_plain_python(system):
    x = system.default_state
    orbit = simulate(system, x, 20)
    for t in range(20):
        if system.is_flow:
            x = rk4(lambda t, y: system.evaluate(y, t), t * system.default_dt, x, system.default_dt)
        else:
            x = system.evaluate(x)
        np.testing.assert_allclose(orbit[t + 1], x, rtol=1e-9)


def test_lorenz96_is_the_ring_of_its_docstring():
    x = np.arange(6.0)
    n = len(x)
    wanted = [(x[(i + 1) % n] - x[(i - 2) % n]) * x[(i - 1) % n] - x[i] + 8 for i in range(n)]
    np.testing.assert_allclose(Lorenz96(6).evaluate(x), wanted)


@pytest.mark.parametrize("order", [4])
def test_a_flow_converges_with_the_fourth_order(order):
    true = simulate(Lorenz63(), [1.0, 2.0, 20.0], 6400, dt=0.5 / 6400)[-1]
    errors = [
        np.abs(simulate(Lorenz63(), [1.0, 2.0, 20.0], k, dt=0.5 / k)[-1] - true).max() for k in (100, 200)
    ]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.3)


# ---- one's own, defined once: each new function compiles once more
def _driven(t, x, p, out):
    out[0] = x[1]
    out[1] = -p[0] * x[1] - x[0] ** 3 + x[0] + p[1] * math.cos(p[2] * t)


def _driven_jacobian(t, x, p, out):
    out[0, 0] = 0.0
    out[0, 1] = 1.0
    out[1, 0] = 1.0 - 3.0 * x[0] ** 2
    out[1, 1] = -p[0]


DUFFING = (0.25, 0.4, 1.0)


def test_an_own_flow_with_time_with_and_without_jacobian():
    """Duffing's two wells: the sum of the exponents is -damping, exactly."""
    with_jacobian = Flow(_driven, _driven_jacobian, dim=2, parameters=DUFFING, default_dt=0.05)
    without = Flow(_driven, dim=2, parameters=DUFFING, default_dt=0.05)
    orbit, x = simulate(with_jacobian, [0.1, 0.1], 50), np.array([0.1, 0.1])
    for t in range(50):
        x = rk4(lambda t, y: with_jacobian.evaluate(y, t), t * 0.05, x, 0.05)
    np.testing.assert_allclose(orbit[-1], x, rtol=1e-10)
    shifted = simulate(with_jacobian, [0.1, 0.1], 20, transient=30)
    np.testing.assert_array_equal(shifted, orbit[30:])  # the transient counts as time
    results = [lyapunov_spectrum(s, [0.1, 0.1], 4000, transient=500) for s in (with_jacobian, without)]
    assert [r.jacobian for r in results] == ["analytic", "finite difference"]
    for result in results:
        assert result.exponents.sum() == pytest.approx(-0.25, abs=1e-6)
    assert results[0].checks["sum_residual"] < 1e-10
    np.testing.assert_allclose(
        without.evaluate_jacobian(np.array([0.3, 0.2])),
        with_jacobian.evaluate_jacobian(np.array([0.3, 0.2])), atol=1e-8,
    )  # fmt: skip


def _sine(x, p, out):
    out[0] = math.sin(p[0] * x[0])


def _cosine(x, p, out):
    out[0] = math.cos(p[0] * x[0])


def test_functions_that_differ_in_a_name_only_are_told_apart():
    sine, cosine = (Map(f, dim=1, parameters=(2.0,)) for f in (_sine, _cosine))
    assert type(sine.tag) is not type(cosine.tag)
    assert simulate(sine, [0.5], 1)[1, 0] == pytest.approx(math.sin(1.0))
    assert simulate(cosine, [0.5], 1)[1, 0] == pytest.approx(math.cos(1.0))


def test_the_same_functions_give_the_same_class_and_other_parameters_too():
    one, two = (Map(_sine, dim=1, parameters=(r,)) for r in (1.0, 3.0))
    assert type(one.tag) is type(two.tag)
    assert type(Henon().tag) is type(Henon(1.2).tag)


def _closing_over(r, default=1.0):
    def step(x, p, out, extra=default):
        out[0] = r * x[0] + extra

    return step


def test_values_taken_from_outside_belong_to_the_class():
    tags = [type(Map(_closing_over(r, d), dim=1).tag) for r, d in ((2.0, 1.0), (3.0, 1.0), (2.0, 5.0))]
    assert len(set(tags)) == 3
    assert tags[0] is type(Map(_closing_over(2.0), dim=1).tag)


_OFFSET = 1.0


def _with_global(x, p, out):
    out[0] = x[0] + _OFFSET


def _helper_one(x):
    return 2.0 * x


def _with_helper(x, p, out):
    out[0] = _helper_one(x[0])


def test_globals_and_helpers_belong_to_the_class(monkeypatch):
    first = type(Map(_with_global, dim=1).tag)
    monkeypatch.setitem(_with_global.__globals__, "_OFFSET", 2.0)
    assert type(Map(_with_global, dim=1).tag) is not first
    before = type(Map(_with_helper, dim=1).tag)
    monkeypatch.setitem(_with_helper.__globals__, "_helper_one", lambda x: 3.0 * x)
    assert type(Map(_with_helper, dim=1).tag) is not before


def test_batch_of_parameters_is_a_loop():
    rho = np.array([28.0, 40.0, 15.0])
    x0 = np.random.default_rng(0).standard_normal((3, 3)) + 5
    batch = simulate(Lorenz63(rho=rho), x0, 50)
    loop = [simulate(Lorenz63(rho=r), x, 50) for r, x in zip(rho, x0, strict=True)]
    np.testing.assert_array_equal(batch, loop)
    one_start = simulate(Lorenz63(rho=rho), x0[0], 50)
    np.testing.assert_array_equal(one_start[0], simulate(Lorenz63(rho=28.0), x0[0], 50))
    assert one_start.shape == (3, 51, 3)
    both = simulate(Henon(a=[1.4, 1.2], b=[0.3, 0.2]), [0.1, 0.1], 5)
    np.testing.assert_array_equal(both[1], simulate(Henon(1.2, 0.2), [0.1, 0.1], 5))


def test_batch_errors():
    with pytest.raises(InvalidInputError, match="expected 1 or 3 states"):
        simulate(Lorenz63(rho=[1.0, 2.0, 3.0]), np.zeros((2, 3)), 1)
    with pytest.raises(InvalidInputError, match="different lengths"):
        Lorenz63(sigma=[1.0, 2.0], rho=[1.0, 2.0, 3.0])
    with pytest.raises(InvalidInputError, match="one system at a time"):
        jacobian_product(Lorenz63(rho=[20.0, 28.0]), steps=10)
    with pytest.raises(InvalidInputError, match="scalar parameters"):
        jacobian(Henon(a=[1.0, 2.0]), [0.0, 0.0])


def _unset(x, p, out):
    out[0] = x[0]


def _raises(x, p, out):
    out[0] = x[5]


def _too_few(x, p):
    return x


def _uncompilable(x, p, out):
    out[0] = sum({1: x[0]}.get(key, 0) for key in [1, "a"])


def _two(x, p, out):
    out[0] = x[0]
    out[1] = x[1]


def _corner(x, p, out):
    out[0, 0] = 1.0
    out[1, 1] = 1.0


def _fine(x, p, out):
    out[0] = 0.5 * x[0]


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda: Map(_unset, dim=2), "was not set"),
        (lambda: Map(_raises, dim=1), "IndexError"),
        (lambda: Map(_too_few, dim=1), "expected a function of"),
        (lambda: Flow(_fine, dim=1), "expected a function of"),
        (lambda: Map(_two, _corner, dim=2), r"jacobian of Map: out\[0, 1\]"),
        (lambda: Map(_fine, dim=0), "dim: expected a whole number"),
        (lambda: Map(_fine, dim=1, parameters=3.0), "parameters: expected a sequence"),
        (lambda: Map(_fine, dim=1, parameters=("a",)), r"parameters\[0\]"),
        (lambda: Map(_fine, dim=1, parameters=(np.nan,)), r"parameters\[0\]"),
        (lambda: Map(_fine, dim=1, parameters=(np.zeros((2, 2)),)), r"parameters\[0\]"),
        (lambda: Map("step", dim=1), "expected a Python function"),
        (lambda: Map(functools.partial(_fine), dim=1), "expected a Python function"),
        (lambda: Flow(lambda t, x, p, out: None, dim=1, default_dt=-1), "default_dt"),
        (lambda: Lorenz96(3), "n: expected"),
        (lambda: Lorenz63(rho="a"), r"parameters\[1\]"),
    ],
)
def test_bad_functions_and_parameters_give_one_clear_error(build, text):
    with pytest.raises(InvalidInputError, match=text):
        build()


def test_a_function_that_cannot_be_compiled_gives_one_clear_error():
    with pytest.raises(ChaoskitError, match="compile") as caught:
        simulate(Map(_uncompilable, dim=1), [0.1], 2)
    assert len(str(caught.value).splitlines()) == 1


def test_a_flow_without_a_step_size_says_so():
    with pytest.raises(InvalidInputError, match="dt"):
        simulate(Flow(_driven, dim=2, parameters=DUFFING), [0.0, 0.0], 1)
