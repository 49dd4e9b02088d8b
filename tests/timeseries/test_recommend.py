"""What a series asks of a training, and that each piece has its reason."""

import math
from dataclasses import replace

import numpy as np
import pytest
from known import henon_x, logistic, sine, white

from chaoskit import recommend
from chaoskit.errors import InvalidInputError
from chaoskit.forcing import Generalized, Sparse
from chaoskit.timeseries import estimate_lyapunov, recommended_forcing, window_length

PIECES = ["forcing", "sequence length", "sampling", "embedding", "latent states"]


def test_a_clean_map():
    found = recommend(henon_x(3000))
    assert found.forcing == Sparse(1)
    assert found.sequence_length == 200
    assert (found.delay, found.dimension) == (1, 2)
    assert (found.least_states, found.n_states) == (2, 3)  # dimension 1.22
    assert [row[0] for row in found.rows()] == PIECES
    assert all(len(row[2]) > 5 and "\n" not in row[2] for row in found.rows())
    assert len(str(found).splitlines()) == len(PIECES)
    assert "Sparse(tau=1)" in repr(found)


def test_noise_asks_for_generalized_forcing_stronger_than_the_growth():
    x = henon_x(4000)
    found = recommend(x + 0.05 * x.std() * white(length=4000))
    assert isinstance(found.forcing, Generalized)
    assert math.log(1 - found.forcing.alpha) + found.lyapunov.exponent < 0
    assert "noise" in found.reasons["forcing"]


@pytest.mark.parametrize("share", [0.01, 0.02, 0.027])
def test_noise_of_a_recorder_leaves_sparse_forcing(share):
    """One to three per cent: sparse forcing trains better there than generalized forcing."""
    x = henon_x(4000)
    found = recommend(x + share * x.std() * white(length=4000))
    assert found.lyapunov.noise_level == pytest.approx(share, rel=0.25)
    assert isinstance(found.forcing, Sparse)


def test_weak_growth_with_noise_takes_a_tenth():
    estimate = estimate_lyapunov(logistic(1000))
    slow = replace(estimate, exponent=0.01, interval=(0.009, 0.011), recommended_tau=35, noise_level=0.05)
    assert recommended_forcing(slow) == Generalized(0.1)
    assert recommended_forcing(replace(slow, noise_level=math.nan)) == Sparse(35)
    assert recommended_forcing(replace(slow, recommended_tau=None)) is None


def test_what_is_not_chaotic_gets_no_forcing_and_says_why():
    for series in (sine(), white()):
        found = recommend(series)
        assert found.forcing is None
        assert found.lyapunov.quality in found.reasons["forcing"]
        assert "none" in str(found)


def test_sampling():
    assert recommend(np.sin(2 * np.pi * np.arange(12_000) / 600)).subsample == 10
    assert recommend(sine()).sampling == "good"
    assert recommend(logistic(2000)).sampling == "too coarse"


def test_three_columns_are_the_state():
    x = henon_x(2002)
    found = recommend(np.column_stack([x[2:], x[1:-1], x[:-2]]))
    assert (found.dimension, found.forcing) == (1, Sparse(1))


def test_the_window_holds_four_intervals():
    assert [window_length(tau) for tau in (None, 1, 50, 51, 300)] == [200, 200, 200, 204, 1200]


def test_bad_input():
    with pytest.raises(InvalidInputError, match="dt"):
        recommend(henon_x(500), 0.0)
    with pytest.raises(InvalidInputError, match="at least 100 rows"):
        recommend(henon_x(50))
