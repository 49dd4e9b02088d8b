"""Runge-Kutta 4 and Dormand-Prince: orders, agreement with SciPy, tangents as derivatives of the step."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from chaoskit import jacobian_product, lyapunov_spectrum, simulate
from chaoskit.errors import DivergenceError, InvalidInputError
from chaoskit.systems import DormandPrince, Flow, Henon, Lorenz63, Lorenz96, Map, RungeKutta4

START = np.array([1.0, 2.0, 20.0])


def pendulum(t, x, p, out):
    out[0] = x[1]
    out[1] = -math.sin(x[0]) - p[0] * x[1] + p[1] * math.cos(p[2] * t)


def pendulum_jacobian(t, x, p, out):
    out[0, 0] = 0.0
    out[0, 1] = 1.0
    out[1, 0] = -math.cos(x[0])
    out[1, 1] = -p[0]


DRIVEN = Flow(pendulum, pendulum_jacobian, dim=2, parameters=(0.05, 0.6, 0.7), default_dt=0.05)


def truth(flow, x0, time):
    """By SciPy's eighth-order method at its tightest."""
    solved = solve_ivp(
        lambda t, x: flow.evaluate(x, t), (0, time), x0, method="DOP853", rtol=2.3e-14, atol=1e-14
    )
    return solved.y[:, -1]


@pytest.mark.parametrize("flow", [Lorenz63(), DRIVEN], ids=["Lorenz63", "pendulum"])
def test_order_of_runge_kutta(flow):
    x0 = START[: flow.dim] / 10
    true = truth(flow, x0, 0.5)
    errors = [np.abs(simulate(flow, x0, n, dt=0.5 / n)[-1] - true).max() for n in (100, 200, 400)]
    np.testing.assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), 4.0, atol=0.5)


@pytest.mark.parametrize("flow", [Lorenz63(), DRIVEN], ids=["Lorenz63", "pendulum"])
def test_dormand_prince_against_scipy(flow):
    """The error follows the tolerance, whatever the output step."""
    x0 = START[: flow.dim] / 10
    true = truth(flow, x0, 1.0)
    for dt, steps in ((1.0, 1), (0.1, 10), (0.001, 1000)):
        found = simulate(flow, x0, steps, dt=dt, integrator=DormandPrince(1e-12, 1e-14))[-1]
        np.testing.assert_allclose(found, true, rtol=1e-9, atol=1e-10)
    errors = []
    for rtol in (1e-4, 1e-7, 1e-10):
        found = simulate(flow, x0, 1, dt=1.0, integrator=DormandPrince(rtol, rtol * 1e-3))[-1]
        errors.append(np.abs(found - true).max())
    assert errors[0] > 30 * errors[1] > 900 * errors[2]
    assert errors[2] < 1e-8


@pytest.mark.parametrize("integrator", [RungeKutta4(), DormandPrince(1e-10, 1e-12)])
@pytest.mark.parametrize("flow", [Lorenz63(), DRIVEN, Lorenz96(6)], ids=["dense", "driven", "structured"])
def test_tangents_are_the_derivative_of_the_steps(flow, integrator):
    """By central differences of ten steps; an adaptive step is differentiated with its substeps held."""
    x0 = np.linspace(0.5, 2.0, flow.dim)
    mantissa, log_scale = jacobian_product(flow, x0, 10, dt=0.02, integrator=integrator)
    h = 1e-5
    columns = [
        (simulate(flow, x0 + h * e, 10, dt=0.02, integrator=integrator)[-1]
         - simulate(flow, x0 - h * e, 10, dt=0.02, integrator=integrator)[-1]) / (2 * h)
        for e in np.eye(flow.dim)
    ]  # fmt: skip
    np.testing.assert_allclose(mantissa * np.exp(log_scale), np.stack(columns, axis=1), rtol=1e-6, atol=1e-7)


def test_a_linear_flow_has_its_eigenvalues():
    def rhs(t, x, p, out):
        out[0] = -0.3 * x[0] + x[1]
        out[1] = -x[0] - 0.3 * x[1]

    flow = Flow(rhs, dim=2, default_dt=0.1)
    for integrator in (RungeKutta4(), DormandPrince()):
        result = lyapunov_spectrum(flow, [1.0, 0.0], 500, transient=0, integrator=integrator)
        np.testing.assert_allclose(result.exponents, -0.3, atol=1e-5)


def test_exponents_do_not_depend_on_the_integrator(measured):
    one, two = (
        lyapunov_spectrum(Lorenz63(), steps=20_000, integrator=i) for i in (None, DormandPrince(1e-9, 1e-9))
    )
    measured("sum", f"{one.exponents.sum():.6f} {two.exponents.sum():.6f}")
    np.testing.assert_allclose(
        one.exponents[0], two.exponents[0], atol=4 * np.hypot(one.stderr, two.stderr)[0]
    )
    assert two.exponents.sum() == pytest.approx(-41 / 3, abs=1e-6)  # the trace, to the tolerance
    batch = lyapunov_spectrum(
        Lorenz63(rho=np.array([14.0, 28.0])), steps=2000, integrator=DormandPrince(1e-9, 1e-9)
    )
    np.testing.assert_allclose(batch.exponents.sum(axis=1), -41 / 3, atol=1e-6)


@pytest.mark.parametrize("system", [Lorenz96(5), Lorenz96(12)])
def test_a_structured_tangent_is_the_jacobian(system):
    rng = np.random.default_rng(0)
    x, v = rng.standard_normal((2, system.dim))
    np.testing.assert_allclose(system.evaluate_tangent(x, v), system.evaluate_jacobian(x) @ v, rtol=1e-12)
    dense = Flow(
        system._rate, system._jacobian, dim=system.dim, parameters=system.parameters, default_dt=0.01
    )
    x0 = system.default_state
    few = [jacobian_product(s, x0, 50) for s in (system, dense)]
    np.testing.assert_allclose(few[0].mantissa, few[1].mantissa, atol=1e-13)
    assert few[0].log_scale == pytest.approx(few[1].log_scale, abs=1e-12)


def test_a_map_with_a_tangent_function():
    def step(x, p, out):
        for i in range(x.size):
            out[i] = p[0] * x[i - 1] * (1.0 - x[i - 1])

    def tangent(x, p, v, out):
        for i in range(x.size):
            out[i] = p[0] * (1.0 - 2.0 * x[i - 1]) * v[i - 1]

    ring = Map(step, dim=10, parameters=(4.0,), tangent=tangent)
    assert ring.jacobian_kind == "analytic"
    result = lyapunov_spectrum(ring, np.linspace(0.11, 0.83, 10), 5000)
    np.testing.assert_allclose(result.exponents, math.log(2), atol=0.02)
    assert result.checks["sum_residual"] < 1e-9
    with pytest.raises(InvalidInputError, match="tangent of Map: expected the derivative"):
        Map(step, dim=10, parameters=(4.0,), tangent=lambda x, p, v, out: step(x, p, out))


def test_a_flow_that_explodes_ends():
    def rhs(t, x, p, out):
        out[0] = x[0] * x[0]

    with pytest.raises(DivergenceError):
        simulate(Flow(rhs, dim=1, default_dt=0.1), [1.0], 50, integrator=DormandPrince())

    def stiff(t, x, p, out):
        out[0] = -1e9 * x[0]

    with pytest.raises(DivergenceError):
        simulate(Flow(stiff, dim=1), [1.0], 3, dt=1.0, integrator=DormandPrince(most_substeps=500))


def test_bad_integrators():
    with pytest.raises(InvalidInputError, match="integrator: expected RungeKutta4"):
        simulate(Lorenz63(), START, 3, integrator="dopri5")
    with pytest.raises(InvalidInputError, match="only flows"):
        lyapunov_spectrum(Henon(), integrator=DormandPrince())
    with pytest.raises(InvalidInputError, match="rtol"):
        DormandPrince(rtol=0.0)
    with pytest.raises(InvalidInputError, match="DormandPrince"):
        simulate(Lorenz63(), START, 3, integrator=DormandPrince)
