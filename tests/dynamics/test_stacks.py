"""Stacks of layers: orbits, Jacobians and exponents against their layers taken one by one in NumPy."""

from __future__ import annotations

import naive
import numpy as np
import pytest
import stacked

from chaoskit import (
    covariant_vectors,
    fit,
    fixed_points,
    gradient_growth,
    jacobian,
    jacobian_product,
    lyapunov_spectrum,
    simulate,
)
from chaoskit.cells import GRU, LSTM, ReLU, Stack, Tanh
from chaoskit.errors import InvalidInputError
from chaoskit.forcing import Sparse

UNITS = (4, 3)
CASES = {
    "Tanh": lambda: stacked.stack_of(Tanh, UNITS, 2),
    "Tanh, closed": lambda: stacked.stack_of(Tanh, UNITS, 2, closed=True),
    "ReLU": lambda: stacked.stack_of(ReLU, UNITS, 2, gain=0.7),
    "LSTM": lambda: stacked.stack_of(LSTM, UNITS, 2),
    "LSTM, closed": lambda: stacked.stack_of(LSTM, UNITS, 2, closed=True),
    "GRU, closed": lambda: stacked.stack_of(GRU, UNITS, 2, closed=True),
    # the first layer has no inputs and other rules than those above it
    "GRU of three, by itself": lambda: stacked.stack_of(GRU, (4, 3, 2)),
}


def start(stack, seed=5):
    return np.random.default_rng(seed).standard_normal(stack.n_states)


def drive(stack, steps):
    return np.random.default_rng(6).standard_normal((steps, stack.n_inputs)) if stack.n_inputs else None


def of_oracle(stack, x0, steps, transient, inputs=None):
    return naive.qr_spectrum(
        stack, x0, steps, transient, inputs, step=stacked.step, jacobian=stacked.jacobian
    )


@pytest.mark.parametrize("name", CASES)
def test_orbits_and_jacobians_are_those_of_the_layers(name):
    stack = CASES[name]()
    starts, inputs = np.stack([start(stack, 1), start(stack, 2)]), drive(stack, 8)
    orbits = simulate(stack, starts, 8, inputs=inputs)
    for t in range(8):
        u = None if inputs is None else inputs[t]
        for row in range(2):
            x = orbits[row, t]
            np.testing.assert_allclose(orbits[row, t + 1], stacked.step(stack, x, u), rtol=0, atol=1e-13)
    u = None if inputs is None else inputs[0]
    found = jacobian(stack, starts, u)
    for x, J in zip(starts, found, strict=True):
        np.testing.assert_allclose(J, stacked.jacobian(stack, x, u), rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", ["Tanh", "LSTM", "LSTM, closed", "GRU of three, by itself"])
def test_exponents_are_those_of_a_qr_decomposition_at_each_step(name, measured):
    """Along a regular orbit, on which round-off does not grow."""
    stack = CASES[name]()
    if name == "Tanh":
        stack = stacked.stack_of(Tanh, UNITS, 2, gain=0.8)
    if name == "LSTM, closed":
        stack = stacked.stack_of(LSTM, UNITS, 2, closed=True, gain=0.7)
    x0, inputs = start(stack), drive(stack, 2500)
    result = lyapunov_spectrum(stack, x0, 1000, transient=500, tangent_transient=1000, inputs=inputs)
    true = of_oracle(stack, x0, 1000, 1500, inputs)
    measured("difference", f"{np.abs(result.exponents - true).max():.1e}")
    measured("interval", str(result.qr_every))
    assert result.exponents[0] < -1e-3
    np.testing.assert_allclose(result.exponents, true, rtol=0, atol=2e-10)
    assert result.checks["sum_residual"] <= 1e-10
    assert result.checks["mean_log_det"] == pytest.approx(true.sum(), abs=0.05)


def test_a_chaotic_stack(measured):
    """Of three exponents of a chaotic loop, and the volume, which the determinants give by themselves."""
    stack = stacked.stack_of(Tanh, UNITS, 2, closed=True, gain=2.0)
    result = lyapunov_spectrum(stack, start(stack), 5000)
    measured("exponents", str(result.exponents.round(3)))
    assert result.exponents[0] > 0.02
    assert result.checks["sum_residual"] <= 1e-10
    every_step = lyapunov_spectrum(stack, start(stack), 5000, qr_every=1)
    assert result.qr_every > 1
    np.testing.assert_allclose(result.exponents, every_step.exponents, rtol=0, atol=1e-9)
    true = of_oracle(stack, start(stack), 5000, 1000)
    np.testing.assert_allclose(result.exponents, true, atol=8 * result.stderr.max())


def test_a_stack_of_one_is_its_layer_bit_by_bit():
    cell = stacked.stack_of(LSTM, (5,), 2).layers[0]
    x0, inputs = (
        np.random.default_rng(3).standard_normal(10),
        np.random.default_rng(4).standard_normal((700, 2)),
    )
    stack = Stack([cell])
    assert np.array_equal(simulate(stack, x0, 300, inputs=inputs), simulate(cell, x0, 300, inputs=inputs))
    options = {"transient": 100, "k": 4, "inputs": inputs}
    one = lyapunov_spectrum(stack, x0, 400, **options)
    other = lyapunov_spectrum(cell, x0, 400, **options)
    assert np.array_equal(one.exponents, other.exponents)
    assert one.qr_every == other.qr_every


def test_float32_stays_and_searches_are_in_float64():
    stack = stacked.stack_of(Tanh, UNITS, 2, closed=True, gain=0.5)
    single = Stack(
        [Tanh(*(a.astype(np.float32) for a in layer)) for layer in stack.layers],
        readout=tuple(a.astype(np.float32) for a in stack.readout),
    )
    assert simulate(single, start(stack), 3).dtype == np.float32
    found = fixed_points(single)
    assert found.points.dtype == np.float64
    assert found.residuals.max() < 1e-12


def test_what_follows_from_orbits_and_jacobians():
    stack = CASES["Tanh, closed"]()
    x0 = start(stack)
    states = simulate(stack, x0, 30)
    product = np.linalg.multi_dot([stacked.jacobian(stack, x) for x in states[29::-1]])
    mantissa, log_scale = jacobian_product(stack, x0, 30)
    np.testing.assert_allclose(mantissa * np.exp(log_scale), product, rtol=0, atol=1e-9 * np.exp(log_scale))
    growth = gradient_growth(stack, x0, 30)
    assert growth.lags[-1] == 30
    assert growth.log_state[-1] == pytest.approx(log_scale, abs=1e-9)
    found = covariant_vectors(stack, x0, 200)
    grown = jacobian(stack, found.states[:-1]) @ found.vectors[:-1]
    lengths = np.log(np.linalg.norm(grown, axis=1))
    np.testing.assert_allclose(lengths, found.local_exponents, rtol=0, atol=1e-9)
    directions = grown / np.exp(lengths)[:, None]
    along = np.abs(np.einsum("tik,tik->tk", directions, found.vectors[1:]))
    np.testing.assert_allclose(along, 1.0, rtol=0, atol=1e-9)


def test_fixed_points_have_the_eigenvalues_of_the_block_jacobian():
    stack = CASES["Tanh, closed"]()
    found = fixed_points(stack, starts=20)
    assert len(found.points) > 0
    for point, values in zip(found.points[:, 0], found.eigenvalues, strict=True):
        np.testing.assert_allclose(stacked.step(stack, point), point, rtol=0, atol=1e-10)
        true = np.linalg.eigvals(stacked.jacobian(stack, point))
        np.testing.assert_allclose(np.sort(np.abs(values)), np.sort(np.abs(true)), atol=1e-8)


REFUSED = {
    "GPU": (lambda s: lyapunov_spectrum(s, device="cuda"), r"device: .* got Stack; .* device=\"cpu\""),
    "training": (
        lambda s: fit(np.random.default_rng(0).standard_normal((500, 2)), cell=s, forcing=Sparse(5)),
        r"cell: expected one of .*, got Stack of Tanh",
    ),
    "a series": (
        lambda s: gradient_growth(s, start(s), 5, series=np.zeros((6, 2))),
        r"model: expected a cell or a fitted model for a series.*, got Stack",
    ),
    "a state": (lambda s: simulate(s, np.zeros(3), 5), r"x0: expected shape \(7,\) .* for Stack, got \(3,\)"),
    "no inputs": (
        lambda s: simulate(Stack(s.layers), start(s), 5),
        r"inputs: Stack takes 2 inputs; give an array of shape \(5, 2\)",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_stack_cannot_do_is_said(what):
    call, message = REFUSED[what]
    with pytest.raises(InvalidInputError, match=message):
        call(CASES["Tanh, closed"]())
