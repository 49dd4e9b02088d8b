"""Tangents side by side in vectors: any number of them, and any way of writing a tangent function."""

from __future__ import annotations

import numpy as np
import pytest
from numba import types

from chaoskit import lyapunov_spectrum
from chaoskit.errors import InvalidInputError
from chaoskit.kernels.lane_vectors import LaneVector
from chaoskit.kernels.system_tangents import takes_vectors
from chaoskit.systems import DormandPrince, Flow, KuramotoSivashinsky, Lorenz96, MackeyGlass, Map


def ring(t, x, p, out):
    for i in range(x.size):
        out[i] = (x[(i + 1) % x.size] - x[i - 2]) * x[i - 1] - x[i] + 8.0


def ring_jacobian(t, x, p, out):
    out[:, :] = 0.0
    for i in range(x.size):
        out[i, (i + 1) % x.size] += x[i - 1]
        out[i, i - 2] -= x[i - 1]
        out[i, i - 1] += x[(i + 1) % x.size] - x[i - 2]
        out[i, i] -= 1.0


def in_place(t, x, p, v, out):
    """Sums that begin as a number, in-place operators, divisions, signs."""
    for i in range(x.size):
        total = 0.0
        total += x[i - 1] * v[(i + 1) % x.size]
        total -= v[i - 2] * x[i - 1]
        part = v[i - 1]
        part *= x[(i + 1) % x.size] - x[i - 2]
        half = v[i] / 2
        half /= -0.5
        out[i] = +total + part + half


def with_scratch(t, x, p, v, out):
    """Arrays of its own hold numbers, not vectors, so this one is called for one lane after the other."""
    scaled = np.empty(x.size)
    for i in range(x.size):
        scaled[i] = v[i] * x[i - 1]
    for i in range(x.size):
        j = (i + 1) % x.size
        out[i] = x[i - 1] * v[j] - x[i - 1] * v[i - 2] + (x[j] - x[i - 2]) * v[i - 1] - v[i] + 0.0 * scaled[i]


def first_arguments(system):
    vector = types.Array(LaneVector(types.float64, 8), 1, "C", aligned=False)
    numbers = types.Array(types.float64, 1, "C")
    return ((types.float64,) if system.is_flow else ()) + (numbers, numbers, vector, vector)


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        (Lorenz96(), True),
        (KuramotoSivashinsky(), True),
        (MackeyGlass(), True),
        (Flow(ring, dim=11, tangent=in_place), True),
        (Flow(ring, dim=11, tangent=with_scratch), False),
    ],
    ids=["Lorenz96", "KuramotoSivashinsky", "MackeyGlass", "in place", "with scratch"],
)
def test_which_tangent_functions_take_vectors(system, expected):
    tangent = type(system.tag).tangent
    assert takes_vectors(tangent, first_arguments(system)) is expected


def flows(dim):
    """The same ring with its tangents by vectors, one lane after the other, and by the Jacobian."""
    return {
        "vectors": Flow(ring, dim=dim, tangent=in_place),
        "lanes": Flow(ring, dim=dim, tangent=with_scratch),
        "dense": Flow(ring, ring_jacobian, dim=dim),
    }


@pytest.mark.parametrize(
    ("dim", "integrator"), [(5, None), (11, DormandPrince(1e-9, 1e-9))], ids=["fixed", "adaptive"]
)
def test_all_ways_agree(dim, integrator):
    """5 variables: a dimension the compiler knows. 11: more than one vector, or a part of one, or both."""
    x0 = 8.0 + np.sin(np.arange(dim))
    for k in (1, 3, dim):
        found = {
            name: lyapunov_spectrum(
                flow, x0, 40, dt=0.01, k=k, transient=0, tangent_transient=3, qr_every=4,
                integrator=integrator,
            ).exponents
            for name, flow in flows(dim).items()
        }  # fmt: skip
        for values in found.values():
            np.testing.assert_allclose(values, found["dense"], rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("dim", [2, 9])
def test_vectors_in_containers_are_not_taken(dim):
    """Numba aligns lists and arrays of vectors for numbers only; reading vectors from them would crash."""

    def step(x, p, out):
        for i in range(x.size):
            out[i] = 3.9 * x[i] * (1.0 - x[i]) + 0.01 * (x[i - 1] - x[i])

    def in_list(x, p, v, out):
        w = [v[i] for i in range(v.size)]
        for i in range(x.size):
            out[i] = 3.9 * (1.0 - 2.0 * x[i]) * w[i] + 0.01 * (w[i - 1] - w[i])

    def in_array(x, p, v, out):
        w = np.zeros(v.size, v.dtype)
        for i in range(x.size):
            w[i] = v[i]
        for i in range(x.size):
            out[i] = 3.9 * (1.0 - 2.0 * x[i]) * w[i] + 0.01 * (w[i - 1] - w[i])

    x0 = np.linspace(0.2, 0.7, dim)
    found = [
        lyapunov_spectrum(Map(step, dim=dim, tangent=t), x0, 300).exponents for t in (in_list, in_array, None)
    ]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found[0], found[2], atol=1e-5)


def test_numpy_scalars_in_a_system():
    def step(x, p, out):
        out[0] = np.float64(3.9) * x[0] * (1 - x[0])

    assert lyapunov_spectrum(Map(step, dim=1), [0.3], 2000).exponents[0] > 0.4


def test_finite_differences_in_vectors():
    """Few variables and no derivative at all: the Jacobian by differences, its product in vectors."""

    def step(x, p, out):
        out[0] = 1.0 - 1.4 * x[0] * x[0] + x[1]
        out[1] = 0.3 * x[0]

    result = lyapunov_spectrum(Map(step, dim=2), [0.1, 0.1], 20_000)
    assert result.jacobian == "finite difference"
    assert result.exponents.sum() == pytest.approx(np.log(0.3), abs=1e-7)


def test_a_tangent_function_that_cannot_be_compiled_is_named():
    def tangent(x, p, v, out):
        out[:] = np.linalg.lstsq(np.eye(9), v, rcond=None)[0]

    def step(x, p, out):
        out[:] = x

    with pytest.raises(InvalidInputError, match="Map: expected functions of arithmetic"):
        lyapunov_spectrum(Map(step, dim=9, tangent=tangent), np.ones(9), 10)
