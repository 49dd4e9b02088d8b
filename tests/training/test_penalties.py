"""Regularisation: gradients against differences, and what each term pulls to."""

from __future__ import annotations

import naive
import numpy as np
import pytest

from chaoskit.cells import ALL_CELLS, PLRNN, DendPLRNN, ShPLRNN, Tanh, protocol
from chaoskit.errors import InvalidInputError
from chaoskit.gradients.latent import DecoderInversion
from chaoskit.training import (
    DecoderConditionPenalty,
    LatentRegularization,
    ManifoldAttractorRegularization,
    ObservedStates,
)
from chaoskit.training.penalties import as_penalties, check_penalties

PENALTIES = [
    LatentRegularization(0.3), ManifoldAttractorRegularization(0.7, 0.5), DecoderConditionPenalty(0.2),
]  # fmt: skip


def zeros(arrays):
    return type(arrays)(*(np.zeros_like(a) for a in arrays))


@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda p: type(p).__name__)
@pytest.mark.parametrize("cell_class", [PLRNN, ShPLRNN, DendPLRNN], ids=lambda c: c.__name__)
def test_gradient_is_that_of_the_term(penalty, cell_class):
    rng = np.random.default_rng(1)
    cell = naive.perturbed(cell_class.init(4, 1, rng=rng), rng, 0.2)
    latent = DecoderInversion(rng.standard_normal((2, 4)))
    gradient, latent_gradient = zeros(cell), zeros(latent)
    penalty.add(cell, latent, gradient, latent_gradient)
    for arrays, gradients in ((cell, gradient), (latent, latent_gradient)):
        for array, got in zip(arrays, gradients, strict=True):
            true = np.zeros_like(array)
            for at in np.ndindex(array.shape):
                kept, ends = array[at], []
                for h in (1e-6, -1e-6):
                    array[at] = kept + h
                    ends.append(penalty.add(cell, latent, zeros(cell), zeros(latent)))
                array[at] = kept
                true[at] = (ends[0] - ends[1]) / 2e-6
            np.testing.assert_allclose(got, true, atol=1e-7)


def test_a_gradient_is_added_to_what_is_there():
    cell = PLRNN.init(3, rng=0)
    latent = DecoderInversion(np.eye(3))
    once, twice = zeros(cell), zeros(cell)
    LatentRegularization(1.0).add(cell, latent, once, zeros(latent))
    for _ in range(2):
        LatentRegularization(1.0).add(cell, latent, twice, zeros(latent))
    np.testing.assert_array_equal(2 * once.W, twice.W)
    assert np.abs(once.W).max() > 0


@pytest.mark.parametrize(
    "cell_class", [c for c in ALL_CELLS if getattr(c, "identity_values", None)], ids=lambda c: c.__name__
)
def test_identity_values_make_the_identity(cell_class):
    rng = np.random.default_rng(0)
    cell = naive.perturbed(cell_class.init(4, rng=rng), rng, 0.3)
    for name, value in protocol.identity_rows(cell).items():
        getattr(cell, name)[:2] = value
    x = rng.standard_normal(4)
    y = naive.step(cell, x)
    np.testing.assert_array_equal(y[:2], x[:2])
    assert (y[2:] != x[2:]).all()


def test_what_does_not_fit_the_network_is_refused():
    cell, latent = Tanh.init(3, rng=0), DecoderInversion(np.eye(2, 3))
    observed = ObservedStates(np.zeros((1, 2)))
    with pytest.raises(InvalidInputError, match="Tanh has no parameters that make it the identity"):
        check_penalties(as_penalties(ManifoldAttractorRegularization(1.0)), cell, latent, True)
    for state, trained in ((latent, False), (observed, True)):
        with pytest.raises(InvalidInputError, match="condition of the decoder matters where"):
            check_penalties((DecoderConditionPenalty(1.0),), cell, state, trained)
    for bad in (3, "latent", [LatentRegularization], [None]):
        with pytest.raises(InvalidInputError, match="regularization: expected objects"):
            check_penalties(as_penalties(bad), cell, latent, True)
    for strength in (0, -1, "x", np.inf):
        with pytest.raises(InvalidInputError, match="strength"):
            LatentRegularization(strength)
    with pytest.raises(InvalidInputError, match="share"):
        ManifoldAttractorRegularization(1.0, 1.5)
    assert as_penalties(p for p in PENALTIES) == tuple(PENALTIES)
    assert as_penalties(PENALTIES[0]) == (PENALTIES[0],)
