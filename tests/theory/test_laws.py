"""P1 to P11 of the package, for every cell that they apply to. Their equations are in docs/theory."""

from __future__ import annotations

import faults
import laws
import numpy as np
import pytest
import regimes
from hypothesis import given, settings
from hypothesis import strategies as st
from package_tools import PACKAGE

from chaoskit import simulate
from chaoskit.cells import ALL_CELLS, GRU, LSTM, Antisymmetric, Tanh, quasi_periodic

PIECEWISE, SMOOTH, STABLE = regimes.PIECEWISE, regimes.SMOOTH, regimes.STABLE
seeds = st.integers(0, 10_000)
few = settings(max_examples=4)


def over(classes):
    return pytest.mark.parametrize("cell_class", classes, ids=lambda c: c.__name__)


# ---- P1, P2, P3, P5
@over(PIECEWISE + SMOOTH + STABLE)
@given(seed=seeds)
@few
def test_p1_tangents_at_a_fixed_point(cell_class, seed):
    cell, points = regimes.on_cycle(cell_class, 1, seed)
    laws.check_limit_of_tangents(PACKAGE, cell, points, tolerance=1e-10, turns=400)


@over(PIECEWISE + SMOOTH)
@given(k=st.integers(2, 6), seed=seeds)
@few
def test_p2_tangents_on_a_cycle(cell_class, k, seed):
    """P5: in linear regions J is constant, and the limit is reached to round-off."""
    cell, points = regimes.on_cycle(cell_class, k, seed)
    laws.check_limit_of_tangents(PACKAGE, cell, points, tolerance=1e-12 if cell_class in PIECEWISE else 1e-9)


@over(PIECEWISE + SMOOTH + STABLE)
@given(k=st.integers(1, 6), seed=seeds)
@few
def test_p3_rate_on_a_cycle(cell_class, k, seed):
    cell, points = regimes.on_cycle(cell_class, k, seed)
    laws.check_rate_on_a_cycle(PACKAGE, cell, points)


@over(PIECEWISE)
@pytest.mark.parametrize("k", [1, 2, 5])
def test_an_unstable_cycle_multiplies(cell_class, k):
    from chaoskit.cells import cyclic

    network = cyclic(cell_class, k, multiplier=2.0)
    laws.check_cycle_exactly(PACKAGE, network.cell, network.points)


@over(PIECEWISE)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_neutral_fixed_point_grows_by_the_power_of_its_jordan_block(cell_class, size):
    cell, fixed = regimes.affine(cell_class, np.eye(size) + np.eye(size, k=1))
    laws.check_neutral(PACKAGE, cell, fixed, size - 1)


# ---- P4
@over(ALL_CELLS)
@given(seed=seeds)
@settings(max_examples=2)
def test_p4_the_bound_is_never_exceeded(cell_class, seed):
    """On the way to rest; for every T where the class knows its norm or how its Jacobian varies."""
    cell, x0 = regimes.settling(cell_class, seed)
    laws.check_bound(PACKAGE, cell, x0, 150)


@over(PIECEWISE + SMOOTH)
def test_p4_the_bound_on_a_cycle(cell_class):
    cell, points = regimes.on_cycle(cell_class, 3, 1)
    laws.check_bound(PACKAGE, cell, points[0], 90)


def test_p4_products_from_the_start_alone_give_a_false_bound():
    """The counterexample: the orbit shrinks once, then grows; what counts is every product over s <= t."""
    cell, orbit = regimes.late_growth()
    laws.check_bound_by_hand(PACKAGE, cell, orbit, 0.9)
    laws.check_bound(PACKAGE, cell, orbit[0], 60)
    with pytest.raises(AssertionError):
        laws.check_bound_by_hand(faults.kappa_from_the_start_alone(PACKAGE), cell, orbit, 0.9)


def test_p4_chaos_has_no_bound():
    cell, x0, _, _ = regimes.in_chaos(regimes.PIECEWISE[0], 0)
    given_up = PACKAGE.bound(cell, x0, 300)
    assert not given_up.exists
    assert "expands" in given_up.reason


# ---- P6
@over(PIECEWISE + SMOOTH)
@given(seed=seeds)
@settings(max_examples=2)
def test_p6_gradients_grow_at_the_exponent(cell_class, seed):
    cell, x0, exponent, stderr = regimes.in_chaos(cell_class, seed)
    laws.check_growth_is_the_exponent(PACKAGE, cell, simulate(cell, x0, 800), 200)
    laws.check_growth_against_a_long_run(PACKAGE, cell, x0, 3000, exponent, stderr)


# ---- P7; published spectra and exact ones: tests/dynamics/test_lyapunov.py
@over(ALL_CELLS)
@given(seed=seeds)
@few
def test_p7_exponents_sum_to_the_log_determinant(cell_class, seed):
    rng = np.random.default_rng(seed)
    cell = regimes.drawn(cell_class, rng)
    n = 8 if cell_class is LSTM else 4
    orbit = simulate(cell, rng.standard_normal(n), 200)
    laws.check_sum_of_exponents(PACKAGE, cell, orbit, regimes.log_det)


# ---- P8
@over(PIECEWISE + SMOOTH)
def test_p8_growth_is_sub_exponential(cell_class):
    network = quasi_periodic(cell_class)
    start = simulate(network.cell, network.x0, 0, transient=5000)[0]
    laws.check_sub_exponential(PACKAGE, network.cell, start)


def test_p8_an_antisymmetric_network_past_its_bifurcation():
    """Linearised at 0 the modulus is 1.02: the origin repels, and the tanh holds the orbit on a circle."""
    W = np.array([[0.0, 0.9], [0.0, 0.0]])
    cell = Antisymmetric(W, np.zeros((2, 0)), np.zeros(2), np.array([0.5]), np.array([0.12]))
    start = simulate(cell, [0.1, 0.2], 0, transient=5000)[0]
    assert np.linalg.norm(start) > 0.1
    laws.check_sub_exponential(PACKAGE, cell, start)


# ---- P9, P10 by `gradient_growth`; by the gradients of training: tests/gradients/test_forcing_chain.py
@over(ALL_CELLS)
def test_p9_forcing_cuts_the_chain(cell_class):
    rng = np.random.default_rng(3)
    cell = regimes.drawn(cell_class, rng)
    laws.check_cut(PACKAGE, cell, rng.standard_normal((31, 2)), 10, np.eye(2, 4))


@over([c for c in ALL_CELLS if c is not LSTM])
@pytest.mark.parametrize("alpha", [0.05, 0.6])
def test_p10_generalized_forcing_shrinks_the_chain(cell_class, alpha):
    """Not an LSTM, whose c forcing draws to 0, off the free orbit."""
    cell, x0 = regimes.settling(cell_class, 1)
    laws.check_shrinking(PACKAGE, cell, simulate(cell, x0, 40), alpha)


@over([Tanh, GRU, Antisymmetric, *PIECEWISE[1:3]])
def test_p9_observed_states_are_projected_out(cell_class):
    rng = np.random.default_rng(3)
    cell = regimes.drawn(cell_class, rng)
    laws.check_projector(PACKAGE, cell, rng.standard_normal((31, 2)), 10)


# ---- P11
@given(seed=seeds)
@few
def test_p11a_a_driven_contraction(seed):
    cell, starts, inputs = regimes.driven_contraction(seed)
    laws.check_driven_contraction(PACKAGE, cell, starts, inputs, 0.9)


@given(seed=seeds)
@few
def test_p11b_a_periodic_input(seed):
    cell, cycle, inputs = regimes.driven_cycle(seed)
    laws.check_limit_of_tangents(PACKAGE, cell, cycle, tolerance=1e-9, inputs=inputs)
    laws.check_rate_on_a_cycle(PACKAGE, cell, cycle, inputs=inputs)


def test_p11c_driven_chaos():
    cell, x0, inputs, exponent, stderr = regimes.driven_chaos(1)
    orbit = simulate(cell, x0, 800, inputs=inputs)
    laws.check_growth_is_the_exponent(PACKAGE, cell, orbit, 200, inputs=inputs[:800])
    laws.check_growth_against_a_long_run(PACKAGE, cell, x0, 3000, exponent, stderr, inputs=inputs[:3000])
