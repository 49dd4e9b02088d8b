"""Covariant and adjoint Lyapunov vectors: invariance, exponents, exact directions, bounded memory."""

from __future__ import annotations

import math

import numpy as np
import pytest

from chaoskit import covariant_vectors, lyapunov_spectrum
from chaoskit.cells import LSTM, PLRNN, ReLU, Tanh
from chaoskit.dynamics.model import prepare
from chaoskit.dynamics.orbits import orbit_jacobians
from chaoskit.errors import DivergenceError, InvalidInputError
from chaoskit.systems import Henon, Lorenz63

WARM = {"tangent_transient": 500, "backward_transient": 500}


def tanh_net(n, g, seed=0, dtype=np.float64, inputs=0):
    rng = np.random.default_rng(seed)
    W = g * rng.standard_normal((n, n)) / math.sqrt(n)
    return Tanh(*(a.astype(dtype) for a in (W, rng.standard_normal((n, inputs)), np.zeros(n))))


def worst_turn(result, model, inputs=None, first=0):
    """Largest sine between J v(t) and v(t + 1), and largest error of the local exponents."""
    prepared = prepare(model)
    steps = len(result.local_exponents)
    driving = np.zeros((steps, 0)) if inputs is None else inputs[first : first + steps]
    J = [
        orbit_jacobians(prepared, x, driving[t : t + 1], first + t)[0][0]
        for t, x in enumerate(result.states[:-1])
    ]
    J = np.array(J, np.float64)
    pushed = J @ result.vectors[:-1]
    size = np.linalg.norm(pushed, axis=1, keepdims=True)
    unit, after = pushed / size, result.vectors[1:]
    along = np.sum(unit * after, axis=1, keepdims=True)
    turn = np.linalg.norm(unit - along * after, axis=1)
    per = prepared.dt or 1.0
    return turn.max(), np.abs(np.log(size[:, 0]) / per - result.local_exponents).max()


@pytest.mark.parametrize(
    ("model", "k"),
    [
        (Henon(), 2), (Lorenz63(), 3), (tanh_net(16, 2.0), 16), (tanh_net(16, 2.0), 5),
        (tanh_net(32, 3.0), 32),
        (LSTM.init(4, rng=0)._replace(W=3.0 * LSTM.init(4, rng=0).W), 4),
    ],
    ids=["Henon", "Lorenz63", "tanh16", "tanh16 of 5", "tanh32", "LSTM"],
)  # fmt: skip
def test_vectors_are_invariant_and_have_the_exponents(model, k, measured):
    result = covariant_vectors(model, steps=600, k=k, **WARM)
    turn, growth = worst_turn(result, model)
    measured("turn", f"{turn:.1e}")
    measured("growth", f"{growth:.1e}")
    assert turn < 1e-8
    assert growth < 1e-6
    np.testing.assert_allclose(np.linalg.norm(result.vectors, axis=1), 1.0, rtol=1e-12)
    spectrum = lyapunov_spectrum(model, steps=600, k=k, tangent_transient=500, qr_every=1)
    per = prepare(model).dt or 1.0
    # over the same steps both differ by what the angles between the vectors are at the two ends
    ends = [np.abs(np.log(np.abs(np.linalg.qr(v)[1].diagonal()))) for v in result.vectors[[0, -1]]]
    np.testing.assert_array_less(
        np.abs(np.sort(result.exponents) - np.sort(spectrum.exponents)),
        (ends[0] + ends[1]).max() / 600 / per + 1e-9,
    )


def test_the_flow_is_the_neutral_vector_of_a_flow():
    result = covariant_vectors(Lorenz63(), steps=1500, tangent_transient=3000, backward_transient=3000)
    flow = np.stack([Lorenz63().evaluate(x) for x in result.states])
    flow /= np.linalg.norm(flow, axis=1, keepdims=True)
    assert np.abs(np.abs(np.sum(flow * result.vectors[:, :, 1], axis=1)) - 1).max() < 1e-8


def test_a_linear_map_has_its_eigenvectors():
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((5, 5))
    values = np.array([0.95, -0.8, 0.6, 0.4, -0.2])
    W = vectors @ np.diag(values) @ np.linalg.inv(vectors)
    cell = PLRNN(np.zeros(5), W, np.zeros((5, 0)), np.full(5, 5.0) - W @ np.full(5, 5.0))
    for k in (5, 2):
        result = covariant_vectors(cell, np.full(5, 5.0), 20, k=k, transient=0, adjoint=True, **WARM)
        right = vectors / np.linalg.norm(vectors, axis=0)
        left = np.linalg.inv(vectors).T
        left /= np.linalg.norm(left, axis=0)
        for i in range(k):
            np.testing.assert_allclose(np.abs(right[:, i] @ result.vectors[7, :, i]), 1.0, rtol=1e-10)
            np.testing.assert_allclose(np.abs(left[:, i] @ result.adjoint[7, :, i]), 1.0, rtol=1e-10)
        np.testing.assert_allclose(result.exponents, np.log(np.abs(values[:k])), atol=1e-9)
        wanted = math.acos(min(1.0, abs(right[:, 0] @ right[:, 1])))
        np.testing.assert_allclose(result.angle(0, 1), wanted, atol=1e-7)


def test_adjoint_vectors_of_a_few_are_those_of_all(measured):
    net = tanh_net(12, 2.5, seed=3)
    whole = covariant_vectors(net, steps=200, adjoint=True, **WARM)
    few = covariant_vectors(net, steps=200, k=4, adjoint=True, **WARM)
    products = np.abs(few.adjoint.transpose(0, 2, 1) @ whole.vectors)  # beyond k as well
    products[:, range(4), range(4)] = 0
    measured("biorthogonality", f"{products.max():.1e}")
    assert products.max() < 1e-7
    whole_products = np.abs(whole.adjoint.transpose(0, 2, 1) @ whole.vectors)
    whole_products[:, range(12), range(12)] = 0
    assert whole_products.max() < 1e-9


def test_memory_changes_nothing():
    net = tanh_net(8, 2.5)
    large = covariant_vectors(net, steps=300, adjoint=True, k=3, **WARM)
    small = covariant_vectors(net, steps=300, adjoint=True, k=3, memory=1e-6, **WARM)
    for name in ("states", "vectors", "gram_schmidt", "adjoint", "local_exponents"):
        np.testing.assert_array_equal(getattr(large, name), getattr(small, name))


def test_the_backward_transient_matters():
    """Without it the vectors at the end are those the recursion began with."""
    result = covariant_vectors(Henon(), steps=200, tangent_transient=500, backward_transient=0)
    longer = covariant_vectors(Henon(), steps=200, **WARM)
    overlap = np.abs(np.sum(result.vectors * longer.vectors, axis=1))
    assert overlap[100].min() == pytest.approx(1.0, abs=1e-12)
    assert overlap[-1].min() < 0.999


def test_driven_and_float32():
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((1500, 2))
    net = tanh_net(6, 1.5, inputs=2)
    result = covariant_vectors(net, np.zeros(6), 300, inputs=inputs, transient=100, **WARM)
    assert worst_turn(result, net, inputs, 600)[0] < 1e-8
    with pytest.raises(InvalidInputError, match="at least 1400 rows"):
        covariant_vectors(net, np.zeros(6), 300, inputs=inputs[:1000], transient=100, **WARM)
    single = covariant_vectors(tanh_net(6, 1.5, dtype=np.float32), steps=100, **WARM)
    assert worst_turn(single, tanh_net(6, 1.5, dtype=np.float32))[0] < 1e-3


def test_wiped_out_directions():
    """Two dead units: their vectors are mapped to zero, the others are those of the living part."""
    rng = np.random.default_rng(2)
    W, b = np.zeros((5, 5)), np.full(5, -1.0)
    W[:3, :3] = rng.standard_normal((3, 3))
    W[:3, :3] *= 0.9 / np.abs(np.linalg.eigvals(W[:3, :3])).max()
    W[:3, 3:] = 0.3
    b[:3] = 3.0 - W[:3, :3].sum(axis=1) * 3.0
    start = np.r_[np.full(3, 3.0), 0, 0]
    result = covariant_vectors(ReLU(W, np.zeros((5, 0)), b), start, 50, adjoint=True, **WARM)
    assert np.isfinite(result.vectors[:, :, :3]).all()
    assert np.isnan(result.vectors[:, :, 3:]).all()
    assert np.isfinite(result.adjoint[:, :, :3]).all()
    assert (result.exponents[3:] == -math.inf).all()
    true = np.sort(np.log(np.abs(np.linalg.eigvals(W[:3, :3]))))[::-1]
    np.testing.assert_allclose(result.exponents[:3].sum(), true.sum(), atol=5e-3)


def test_angles_between_subspaces():
    result = covariant_vectors(tanh_net(8, 2.5), steps=100, **WARM)
    angles = result.subspace_angle([0, 1], [2, 3, 4])
    assert angles.shape == (101,)
    assert (angles <= np.minimum(result.angle(0, 2), result.angle(1, 4)) + 1e-12).all()
    assert ((angles >= 0) & (angles <= np.pi / 2 + 1e-12)).all()
    np.testing.assert_allclose(result.angle(3, 3), 0.0, atol=1e-12)
    for bad in ([8], [], [-1], ["a"], [0.5]):
        with pytest.raises(InvalidInputError, match="numbers of vectors"):
            result.subspace_angle(bad, [1])


def test_bad_arguments():
    with pytest.raises(InvalidInputError, match="memory"):
        covariant_vectors(Henon(), memory=0)
    with pytest.raises(InvalidInputError, match="backward_transient"):
        covariant_vectors(Henon(), backward_transient=-1)
    with pytest.raises(DivergenceError):
        covariant_vectors(Henon(), [10.0, 10.0])
