"""The laws P1 to P11 as assertions about tools: functions of the package, or faulty ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import naive
import numpy as np

from chaoskit import simulate
from chaoskit.forcing import Generalized, Sparse
from chaoskit.training import ObservedStates


@dataclass(frozen=True)
class Tools:
    """What the laws are about. States are (T, N), inputs (T, M) or None, P is the number of parameters."""

    jacobians: Callable[..., Any]  # (cell, states, inputs) -> dz_{t+1}/dz_t at each state (T, N, N)
    product: Callable[..., Any]  # (cell, x0, steps, inputs) -> (mantissa, log_scale) of dz_T/dz_0
    immediate: Callable[..., Any]  # (cell, states, inputs) -> d+F/dtheta at each state (T, N, P)
    sensitivity: Callable[..., Any]  # (cell, x0, steps, inputs) -> dz_T/dtheta (N, P)
    growth: Callable[..., Any]  # gradient_growth
    spectrum: Callable[..., Any]  # (cell, x0, steps, inputs, k) -> exponents by QR over the same steps
    kappa: Callable[..., Any]  # (factors, rate) -> smallest kappa of P4
    bound: Callable[..., Any]  # (cell, x0, steps, inputs) -> gradient_bound


def close(found, true, tolerance):
    """Equal relative to the largest number."""
    np.testing.assert_allclose(found, true, rtol=0, atol=tolerance * max(np.abs(true).max(), 1e-300))


def chain(matrices):
    """J_T ... J_2 J_1 of the factors in the order of time."""
    product = np.eye(matrices.shape[1])
    for J in matrices:
        product = J @ product
    return product


def check_product_is_the_chain(tools, cell, orbit, *, inputs=None):
    """dz_T/dz_0 = J_T ... J_2 J_1, the factors in this order."""
    J = tools.jacobians(cell, orbit[:-1], inputs)
    for T in (1, 2, len(J)):
        mantissa, log_scale = tools.product(cell, orbit[0], T, inputs)
        close(mantissa * math.exp(log_scale), chain(J[:T]), 1e-11)


# ---- stable fixed points and cycles
def check_limit_of_tangents(tools, cell, cycle, *, tolerance, turns=100, inputs=None):
    """P1, P2, P5, P11b: dz_T/dtheta comes to the periodic solution (I - M)^-1 b of its recursion.

    cycle (k, N): its points in order, the first at time 0; M is the Jacobian of one turn, b what the
    immediate derivatives of one turn add up to.
    """
    k = len(cycle)
    J, direct = tools.jacobians(cell, cycle, inputs), tools.immediate(cell, cycle, inputs)
    over = None if inputs is None else np.tile(inputs, (turns + 1, 1))
    for phase in {0, k // 2}:
        order = np.roll(np.arange(k), -phase)  # the turn that ends at this phase begins there
        b = sum(chain(J[order[i + 1 :]]) @ direct[order[i]] for i in range(k))
        periodic = np.linalg.solve(np.eye(cycle.shape[1]) - chain(J[order]), b)
        found = tools.sensitivity(cell, cycle[0], turns * k + phase, over)
        assert np.abs(periodic).max() > 1e-3
        close(found, periodic, tolerance)


def check_rate_on_a_cycle(tools, cell, cycle, *, steps=2000, inputs=None):
    """P3, P11b: ||dz_T/dz_0||^(1/T) comes to rho(M)^(1/k), by the slope of the last half."""
    k = len(cycle)
    M = chain(tools.jacobians(cell, cycle, inputs))
    expected = math.log(np.abs(np.linalg.eigvals(M)).max()) / k
    steps -= steps % k
    ends = np.unique(np.linspace(steps // 2, steps, 9).astype(int) // k * k)
    over = None if inputs is None else np.tile(inputs, (steps // k, 1))
    logs = [tools.product(cell, cycle[0], int(T), over)[1] for T in ends]
    assert abs(np.polyfit(ends, logs, 1)[0] - expected) <= 1e-3
    assert abs(logs[0] - expected * ends[0]) <= 1e-3 * ends[0] + 10.0  # and from the start on


def check_cycle_exactly(tools, cell, cycle):
    """On a cycle, stable or not: dz_T/dz_0 after whole turns is M^j."""
    M = chain(tools.jacobians(cell, cycle, None))
    for turns in (1, 3, 6):
        mantissa, log_scale = tools.product(cell, cycle[0], turns * len(cycle), None)
        close(mantissa * math.exp(log_scale), np.linalg.matrix_power(M, turns), 1e-11)


def check_neutral(tools, cell, x0, order):
    """A multiplier of 1: ||dz_T/dz_0|| grows like T^order, order the largest Jordan block less 1."""
    ends = np.array([1000, 2000, 4000, 8000])
    logs = [tools.product(cell, x0, int(T), None)[1] for T in ends]
    slope = np.polyfit(np.log(ends), logs, 1)[0]
    assert abs(slope - order) <= 0.02


# ---- bounds
def check_bound_by_hand(tools, cell, orbit, rate, *, inputs=None):
    """P4: ||dz_T/dtheta|| <= kappa sup ||d+z_t/dtheta|| / (1 - rate)."""
    kappa = tools.kappa(tools.jacobians(cell, orbit[:-1], inputs), rate)
    direct = tools.immediate(cell, orbit[:-1], inputs)
    bound = kappa * max(np.linalg.norm(d, 2) for d in direct) / (1.0 - rate)
    for T in np.unique(np.geomspace(1, len(orbit) - 1, 12).astype(int)):
        assert np.linalg.norm(tools.sensitivity(cell, orbit[0], int(T), inputs), 2) <= bound * (1 + 1e-12)


def check_bound(tools, cell, x0, steps, *, every_time=None, inputs=None):
    """P4, T1 (ii): the certificate is never exceeded, nor are kappa and rate by any product on the orbit."""
    given = tools.bound(cell, x0, steps, inputs)
    assert given.exists
    assert 0.0 <= given.rate < 1.0 <= given.kappa
    if every_time is not None:
        assert (given.steps is None) == every_time
    growth = tools.growth(cell, x0, steps, inputs=inputs)
    assert np.exp(growth.log_loss.max()) <= given.bound * (1.0 + 1e-12)
    J = tools.jacobians(cell, simulate(cell, x0, steps, inputs=inputs)[:-1], inputs)
    if given.rate > 0.0:
        assert tools.kappa(J, given.rate) <= given.kappa * (1.0 + 1e-9)


# ---- chaos
def sums_of_logs(J):
    """(T,) sums of ln |r_11| by QR of one tangent along the factors: T lambda_1 of the first T steps."""
    v = np.ones(J.shape[1]) / math.sqrt(J.shape[1])
    logs = np.empty(len(J))
    for t, factor in enumerate(J):
        v = factor @ v
        logs[t] = np.linalg.norm(v)
        v /= logs[t]
    return np.cumsum(np.log(logs))


def check_growth_is_the_exponent(tools, cell, orbit, T, *, inputs=None):
    """P6, P11c, T2: products and loss gradients grow at lambda_1 of the same steps, but for c / T.

    orbit (4 T + 1, N); c is fitted up to T and holds at 4 T.
    """
    sums = sums_of_logs(tools.jacobians(cell, orbit[:-1], inputs))
    growth = tools.growth(cell, orbit[0], 4 * T, inputs=inputs, parameters="loss")
    by_state = np.abs(growth.log_state - sums[growth.lags - 1])
    by_loss = np.abs(growth.log_loss - sums[growth.times - 1])
    assert sums[-1] > 20.0  # it explodes: otherwise nothing is shown
    for times, gaps in ((growth.lags, by_state), (growth.times, by_loss)):
        c = 2.0 * gaps[(times >= T // 2) & (times <= T)].max() + 2.0
        assert c < 0.2 * sums[-1]
        assert gaps[-1] <= c


def check_growth_against_a_long_run(tools, cell, x0, steps, exponent, stderr, *, inputs=None):
    """P6: the rate of one stretch differs from the long run by what windows of the stretch scatter."""
    growth = tools.growth(cell, x0, steps, inputs=inputs, parameters="none")
    assert len(growth.window_rates) >= 50
    assert abs(growth.rate - exponent) <= 4.0 * math.hypot(growth.rate_stderr, stderr)
    assert growth.rate > 5.0 * growth.rate_stderr > 0.0


# ---- every regime
def check_sum_of_exponents(tools, cell, orbit, log_det, *, inputs=None):
    """P7: the exponents sum to the mean of ln |det J|, given analytically for each state."""
    found = tools.spectrum(cell, orbit[0], len(orbit) - 1, inputs).sum()
    true = np.mean([log_det(cell, z) for z in orbit[:-1]])
    if true == -math.inf:
        assert found == -math.inf
    else:
        assert abs(found - true) <= 1e-10 * max(1.0, abs(true))


def check_sub_exponential(tools, cell, x0, *, eps=1e-3, steps=10_000):
    """P8, T3: (1 - eps)^T < ||dz_T/dz_0|| < (1 + eps)^T from some T on."""
    for T in (steps // 2, steps):
        log_norm = tools.product(cell, x0, T, None)[1]
        assert T * math.log1p(-eps) < log_norm < T * math.log1p(eps)


# ---- forcing
def check_cut(tools, cell, series, tau, decoder):
    """P9: dz_t/dz_0 is exactly 0 from the first forcing of the whole state on, and not before."""
    growth = tools.growth(cell, None, len(series) - 1, series=series, decoder=decoder, forcing=Sparse(tau))
    free = tools.growth(cell, None, len(series) - 1, series=series, decoder=decoder)
    before = growth.lags <= tau
    assert before.any()
    assert not before.all()
    np.testing.assert_array_equal(growth.log_state[before], free.log_state[: before.sum()])
    assert np.isneginf(growth.log_state[~before]).all()
    assert np.isfinite(free.log_state[~before]).all()


def check_projector(tools, cell, series, tau):
    """P9: where D < N states are observed, the factor of a forced step is J (I - P)."""
    D, N = series.shape[1], cell.W.shape[1]
    latent = ObservedStates(np.ones((N - D, D)))
    inputs = np.zeros((len(series) - 1, 0))
    states = naive.scheduled_run(cell, latent, series, Sparse(tau), inputs)[1]
    factors = tools.jacobians(cell, states, None)
    factors[tau::tau, :, :D] = 0.0  # the start is no forcing
    growth = tools.growth(cell, states[0], len(states), series=series, decoder=latent, forcing=Sparse(tau))
    true = [math.log(np.linalg.norm(chain(factors[:T]), 2)) for T in growth.lags]
    np.testing.assert_allclose(growth.log_state, true, rtol=0, atol=1e-10)


def check_shrinking(tools, cell, orbit, alpha):
    """P10: ln ||forced product|| = n ln(1 - alpha) + ln ||product along the same orbit||."""
    steps, plane = len(orbit) - 1, np.eye(orbit.shape[1])
    free, forced = (
        tools.growth(cell, None, steps, series=orbit, decoder=plane, forcing=f)
        for f in (None, Generalized(alpha))
    )
    n = forced.lags - 1  # the start is no forcing
    np.testing.assert_allclose(forced.log_state, n * math.log1p(-alpha) + free.log_state, rtol=0, atol=1e-12)


# ---- driven networks
def check_driven_contraction(tools, cell, starts, inputs, norm):
    """P11a: with ||W|| = norm < 1 states meet at this rate, products fall at it, and P4 holds for every T."""
    orbits = simulate(cell, starts, len(inputs), inputs=inputs[None].repeat(2, axis=0))
    apart = np.linalg.norm(orbits[0] - orbits[1], axis=1)
    assert (apart <= norm ** np.arange(len(apart)) * apart[0] * (1.0 + 1e-9) + 1e-14).all()
    for T in (1, 5, 25, len(inputs)):
        assert tools.product(cell, starts[0], T, inputs)[1] <= T * math.log(norm) + 1e-12
    check_bound(tools, cell, starts[0], len(inputs), every_time=True, inputs=inputs)
