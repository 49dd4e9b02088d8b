"""Each law fails on the faults that concern it, and passes on the same example without."""

from __future__ import annotations

from typing import NamedTuple

import faults
import laws
import numpy as np
import pytest
import regimes
from package_tools import PACKAGE

from chaoskit import simulate
from chaoskit.cells import LSTM, PLRNN, DiagonalLinear, ShPLRNN, Tanh, cyclic, quasi_periodic


def p1(tools):
    laws.check_limit_of_tangents(tools, *regimes.at_rest(Tanh, 0), tolerance=1e-10)


def p2(tools):
    laws.check_limit_of_tangents(tools, *regimes.on_cycle(Tanh, 3, 0), tolerance=1e-9)


def p2_lstm(tools):
    laws.check_limit_of_tangents(tools, *regimes.on_cycle(LSTM, 2, 0), tolerance=1e-9)


def p3(tools):
    cell, cycle, inputs = regimes.driven_cycle(0)  # its Jacobians have nothing in common
    laws.check_rate_on_a_cycle(tools, cell, cycle, inputs=inputs)


def p3_lstm(tools):
    """Here the slow direction is that of c."""
    cell, _ = regimes.on_cycle(LSTM, 1, 0)
    cell = cell._replace(b=cell.b + np.repeat([0.0, 5.0, 0.0, 0.0], 1))
    laws.check_rate_on_a_cycle(tools, cell, simulate(cell, np.zeros(2), 0, transient=3000))


def p4(tools):
    laws.check_bound_by_hand(tools, *regimes.late_growth(), 0.9)


def p4_tight(tools):
    cell, fixed = regimes.at_rest(DiagonalLinear, 0)
    laws.check_bound_by_hand(tools, cell, simulate(cell, fixed[0], 60), np.abs(cell.A).max() + 1e-3)


def p4_certificate(tools):
    cell, fixed = regimes.at_rest(DiagonalLinear, 0)
    laws.check_bound(tools, cell, fixed[0], 300, every_time=True)


def p4_late_growth(tools):
    cell, orbit = regimes.late_growth()
    laws.check_bound(tools, cell, orbit[0], 60)


def p5(tools):
    laws.check_limit_of_tangents(tools, *regimes.on_cycle(PLRNN, 3, 0), tolerance=1e-12)


def p6(tools):
    cell, x0, exponent, stderr = regimes.in_chaos(Tanh, 0)
    laws.check_growth_is_the_exponent(tools, cell, simulate(cell, x0, 800), 200)
    laws.check_growth_against_a_long_run(tools, cell, x0, 3000, exponent, stderr)


def p6_tent(tools):
    cell, x0, _, _ = regimes.in_chaos(ShPLRNN, 0)
    laws.check_growth_is_the_exponent(tools, cell, simulate(cell, x0, 800), 200)


def p7(tools):
    rng = np.random.default_rng(0)
    cell = regimes.drawn(Tanh, rng)
    laws.check_sum_of_exponents(tools, cell, simulate(cell, rng.standard_normal(4), 200), regimes.log_det)


def p8(tools):
    network = quasi_periodic(Tanh)
    start = simulate(network.cell, network.x0, 0, transient=5000)[0]
    laws.check_sub_exponential(tools, network.cell, start)


def p9(tools):
    rng = np.random.default_rng(3)
    cell = regimes.drawn(Tanh, rng)
    laws.check_cut(tools, cell, rng.standard_normal((31, 2)), 10, np.eye(2, 4))


def p9_projector(tools):
    rng = np.random.default_rng(3)
    cell = regimes.drawn(Tanh, rng)
    laws.check_projector(tools, cell, rng.standard_normal((31, 2)), 10)


def p10(tools):
    cell, x0 = regimes.settling(Tanh, 1)
    laws.check_shrinking(tools, cell, simulate(cell, x0, 40), 0.3)


def p11a(tools):
    cell, starts, inputs = regimes.driven_contraction(0)
    laws.check_driven_contraction(tools, cell, starts, inputs, 0.9)


def p11b(tools):
    cell, cycle, inputs = regimes.driven_cycle(0)
    laws.check_limit_of_tangents(tools, cell, cycle, tolerance=1e-9, inputs=inputs)


def p11c(tools):
    cell, x0, inputs, _, _ = regimes.driven_chaos(0)
    orbit = simulate(cell, x0, 800, inputs=inputs)
    laws.check_growth_is_the_exponent(tools, cell, orbit, 200, inputs=inputs[:800])


def unstable(tools):
    network = cyclic(ShPLRNN, 3, multiplier=2.0)
    laws.check_cycle_exactly(tools, network.cell, network.points)


def neutral(tools):
    laws.check_neutral(tools, *regimes.affine(PLRNN, [[1.0, 1.0], [0.0, 1.0]]), 1)


def order(tools):
    rng = np.random.default_rng(0)
    cell = regimes.drawn(Tanh, rng)
    laws.check_product_is_the_chain(tools, cell, simulate(cell, rng.standard_normal(4), 6))


J, P = faults.in_jacobians, faults.in_products
TABLE = {
    p1: [J(faults.row_sign), J(faults.transpose), faults.one_parameter_forgotten, faults.last_step_forgotten],
    p2: [
        J(faults.row_sign), J(faults.transpose), J(faults.freeze), J(faults.reverse),
        faults.one_parameter_forgotten, faults.last_step_forgotten, faults.one_step_short,
    ],
    p2_lstm: [J(faults.forget_the_cell_plane), J(faults.row_sign), J(faults.freeze)],
    p3: [P(faults.row_sign), P(faults.freeze), P(faults.transpose), J(faults.row_sign)],
    p3_lstm: [P(faults.forget_the_cell_plane)],
    p4: [faults.kappa_from_the_start_alone],
    p4_tight: [faults.sum_forgotten],
    p4_certificate: [faults.sum_forgotten, faults.half_the_rate],
    p4_late_growth: [faults.certified_by_the_start_alone],
    p11a: [faults.half_the_rate, P(faults.add_identity)],
    p5: [
        J(faults.row_sign), J(faults.transpose), J(faults.freeze), faults.one_parameter_forgotten,
        faults.last_step_forgotten, faults.one_step_short,
    ],
    p6_tent: [J(faults.row_sign), J(faults.freeze)],
    # in chaos, transposed Jacobians and late inputs grow alike but for chance: p1, p2, p5, p11b tell them
    p6: [J(faults.add_identity), J(faults.freeze), faults.binary_logarithms],
    p7: [faults.a_direction_lost, faults.one_step_short],
    p8: [P(faults.freeze), P(faults.row_sign)],
    p9: [faults.not_cut, faults.rows_for_columns],
    p9_projector: [faults.not_cut, faults.rows_for_columns, J(faults.transpose)],
    p10: [faults.not_cut, faults.start_counted, faults.binary_logarithms],
    p11b: [J(faults.transpose), faults.late_inputs, faults.last_step_forgotten],
    p11c: [J(faults.freeze), J(faults.add_identity)],
    unstable: [P(faults.transpose), P(faults.row_sign), P(faults.freeze), faults.one_step_short],
    neutral: [P(faults.row_sign)],
    order: [P(faults.reverse), P(faults.transpose), P(faults.row_sign), faults.one_step_short],
}  # fmt: skip


@pytest.mark.parametrize("law", TABLE, ids=lambda law: law.__name__)
def test_the_law_holds(law):
    law(PACKAGE)


PAIRS = [
    pytest.param(law, fault, id=f"{law.__name__}-{fault.__name__}") for law in TABLE for fault in TABLE[law]
]


@pytest.mark.parametrize(("law", "fault"), PAIRS)
def test_the_law_fails_on_a_fault(law, fault):
    with pytest.raises(AssertionError):
        law(fault(PACKAGE))


# ---- a fault in the rules of a cell, not in the tools
class WrongSlope(NamedTuple):
    """Tanh whose tangents do not fit its adjoints: twice as long, and turned around."""

    W: np.ndarray
    U: np.ndarray
    b: np.ndarray

    layout, shapes, init = Tanh.layout, Tanh.shapes, classmethod(Tanh.init.__func__)
    weights, input_weights, unit_parameters = Tanh.weights, Tanh.input_weights, Tanh.unit_parameters
    local, slopes, parameter_gradient, local_vjp = (
        Tanh.local,
        Tanh.slopes,
        Tanh.parameter_gradient,
        Tanh.local_vjp,
    )

    def local_jvp(cell, c, v, da):
        return (-2.0 * c[0] * da[0],)


def test_a_wrong_rule_breaks_the_law():
    cell, points = regimes.at_rest(Tanh, 0)
    with pytest.raises(AssertionError):
        laws.check_limit_of_tangents(PACKAGE, WrongSlope(*cell), points, tolerance=1e-10)
