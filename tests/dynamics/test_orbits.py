"""simulate and jacobian at their public edge."""

from __future__ import annotations

import naive
import numpy as np
import pytest

from chaoskit import jacobian, simulate
from chaoskit.cells import LSTM, PLRNN, Tanh
from chaoskit.errors import ChaoskitWarning, DivergenceError, InvalidInputError
from chaoskit.systems import Henon, Lorenz63

TANH = Tanh.init(4, 2, rng=0)
INPUTS = np.random.default_rng(1).standard_normal((12, 2))


def test_row_zero_is_the_state_after_the_transient():
    whole = simulate(Henon(), [0.1, 0.1], 30)
    assert whole.shape == (31, 2)
    np.testing.assert_array_equal(whole[0], [0.1, 0.1])
    np.testing.assert_array_equal(simulate(Henon(), [0.1, 0.1], 20, transient=10), whole[10:])
    np.testing.assert_array_equal(simulate(Henon(), [0.1, 0.1], 0, transient=10), whole[10:11])
    assert simulate(Henon(), [[0.1, 0.1]], 3).shape == (1, 4, 2)


def test_inputs_drive_the_step_from_t_to_t_plus_1():
    x0 = np.zeros(4)
    orbit = simulate(TANH, x0, 12, inputs=INPUTS)
    np.testing.assert_allclose(orbit, naive.orbit(TANH, x0, 12, INPUTS), atol=1e-14)
    later = simulate(TANH, x0, 7, inputs=INPUTS, transient=5)
    np.testing.assert_array_equal(later, orbit[5:])
    changed = INPUTS.copy()
    changed[6] += 1
    other = simulate(TANH, x0, 12, inputs=changed)
    np.testing.assert_array_equal(other[:7], orbit[:7])
    assert (other[7] != orbit[7]).all()
    single = Tanh.init(3, 1, rng=0)
    np.testing.assert_array_equal(
        simulate(single, np.zeros(3), 5, inputs=INPUTS[:5, 0]),
        simulate(single, np.zeros(3), 5, inputs=INPUTS[:5, :1]),
    )


def test_long_orbits_are_cut_into_chunks_that_join(monkeypatch):
    import chaoskit.dynamics.orbits as module

    x0, inputs = (
        np.random.default_rng(0).standard_normal((3, 4)),
        np.random.default_rng(1).standard_normal((3, 50, 2)),
    )
    flow = simulate(Lorenz63(), [1.0, 2.0, 20.0], 100, transient=37)
    cell = simulate(TANH, x0, 30, inputs=inputs, transient=17)
    monkeypatch.setattr(module, "_CHUNK", 200)
    np.testing.assert_array_equal(simulate(Lorenz63(), [1.0, 2.0, 20.0], 100, transient=37), flow)
    np.testing.assert_array_equal(simulate(TANH, x0, 30, inputs=inputs, transient=17), cell)


@pytest.mark.parametrize("chunk", [1 << 20, 40])
def test_divergence(chunk, monkeypatch):
    monkeypatch.setattr("chaoskit.dynamics.orbits._CHUNK", chunk)
    inside, outside = [0.1, 0.1], [10.0, 10.0]
    with pytest.raises(DivergenceError, match="at step") as caught:
        simulate(Henon(), outside, 100)
    step = caught.value.step
    assert 5 < step < 15
    assert isinstance(caught.value, ArithmeticError)
    simulate(Henon(), outside, step - 1)  # the last finite state
    with pytest.raises(DivergenceError) as during:
        simulate(Henon(), outside, 5, transient=50)
    assert during.value.step == step
    with pytest.warns(ChaoskitWarning, match=r"2 of 4 orbits .*\(row 1\)") as record:
        batch = simulate(Henon(), [inside, outside, inside, [-9.0, 9.0]], 100)
    assert len(record) == 1
    np.testing.assert_array_equal(batch[0], simulate(Henon(), inside, 100))
    assert np.isfinite(batch[1, :step]).all()
    assert np.isnan(batch[1, step:]).all()
    with pytest.warns(ChaoskitWarning, match="2 of 2"):
        assert np.isnan(simulate(Henon(), [outside, outside], 90)[:, -1]).all()
    with pytest.warns(ChaoskitWarning, match="1 of 2"):
        late = simulate(Henon(), [inside, outside], 5, transient=50)
    assert np.isnan(late[1]).all()
    np.testing.assert_array_equal(late[0], simulate(Henon(), inside, 5, transient=50))


def test_a_cell_diverges_with_a_word_too():
    cell = PLRNN(np.full(2, 3.0), np.zeros((2, 2)), np.zeros((2, 0)), np.zeros(2))
    with pytest.raises(DivergenceError, match="PLRNN"):
        simulate(cell, [1.0, 1.0], 2000)


def test_arguments_may_be_any_array_of_numbers():
    x0 = np.asfortranarray(np.random.default_rng(0).standard_normal((3, 4)))
    wanted = simulate(TANH, np.ascontiguousarray(x0), 4, inputs=INPUTS)
    np.testing.assert_array_equal(simulate(TANH, x0, 4, inputs=INPUTS), wanted)
    np.testing.assert_array_equal(simulate(TANH, x0.tolist(), 4.0, inputs=INPUTS.tolist()), wanted)
    strided = Tanh(np.asfortranarray(TANH.W), np.repeat(TANH.U, 2, axis=1)[:, ::2], TANH.b[::-1][::-1])
    np.testing.assert_array_equal(simulate(strided, x0, 4, inputs=INPUTS[::-1][::-1]), wanted)
    kept = x0.copy()
    simulate(TANH, x0, 4, inputs=INPUTS)
    np.testing.assert_array_equal(x0, kept)


def test_a_mixture_of_dtypes_is_computed_in_float64():
    mixed = TANH._replace(W=TANH.W.astype(np.float32))
    assert simulate(mixed, np.zeros(4), 1, inputs=INPUTS).dtype == np.float64
    whole = Tanh(np.eye(2, dtype=int), np.zeros((2, 0), int), np.zeros(2, int))
    assert simulate(whole, [1, 0], 1).dtype == np.float64


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: simulate(Henon(), [0.1], 5), r"x0: expected shape \(2,\)"),
        (lambda: simulate(Henon(), [0.1, np.nan], 5), "x0: expected finite"),
        (lambda: simulate(Henon(), [[[0.1, 0.1]]], 5), "x0"),
        (lambda: simulate(Henon(), np.zeros((0, 2)), 5), "x0"),
        (lambda: simulate(Henon(), "abc", 5), "x0: expected an array"),
        (lambda: simulate(Henon(), [[0.1], [0.1, 0.2]], 5), "x0: expected an array"),
        (lambda: simulate(Henon(), None, 5), "x0"),
        (lambda: simulate(Henon(), [0.1j, 0.1], 5), "x0: expected an array"),
        (lambda: simulate(Henon(), [0.1, 0.1], -1), "steps: expected a whole number"),
        (lambda: simulate(Henon(), [0.1, 0.1], 2.5), "steps"),
        (lambda: simulate(Henon(), [0.1, 0.1], "ten"), "steps"),
        (lambda: simulate(Henon(), [0.1, 0.1], None), "steps"),
        (lambda: simulate(Henon(), [0.1, 0.1], 5, transient=-1), "transient"),
        (lambda: simulate(Lorenz63(), [0.1, 0.1, 0.1], 5, dt=0), "dt: expected a finite number above 0"),
        (lambda: simulate(Lorenz63(), [0.1, 0.1, 0.1], 5, dt=np.inf), "dt"),
        (lambda: simulate(Lorenz63(), [0.1, 0.1, 0.1], 5, dt="x"), "dt"),
        (lambda: simulate(Lorenz63, [0.1, 0.1, 0.1], 5), "model: expected a cell"),
        (lambda: simulate("tanh", [0.1], 5), "model: expected a cell"),
        (lambda: simulate(TANH, np.zeros(4), 5), "takes 2 inputs"),
        (lambda: simulate(TANH, np.zeros(4), 13, inputs=INPUTS), "at least 13 rows"),
        (lambda: simulate(TANH, np.zeros(4), 10, transient=3, inputs=INPUTS), "at least 13 rows"),
        (lambda: simulate(TANH, np.zeros(4), 5, inputs=INPUTS[:, :1]), "inputs"),
        (lambda: simulate(TANH, np.zeros(4), 5, inputs=INPUTS[None].repeat(2, 0)), "a batch of 1"),
        (lambda: simulate(TANH, np.zeros(4), 5, inputs=INPUTS * np.inf), "inputs"),
        (lambda: simulate(Henon(), [0.1, 0.1], 5, inputs=INPUTS), "inputs"),
        (lambda: jacobian(Henon(), [0.1]), r"x: expected shape"),
        (lambda: jacobian(TANH, np.zeros(4)), "takes 2 inputs"),
        (lambda: jacobian(TANH, np.zeros(4), np.zeros(3)), "inputs"),
        (lambda: jacobian(TANH, np.zeros((2, 4)), np.zeros((3, 2))), "inputs"),
        (lambda: jacobian(Henon(), np.zeros(2), np.zeros(2)), "inputs"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered in multiply")
def test_bad_arguments_give_one_clear_error(call, text):
    with pytest.raises(InvalidInputError, match=text):
        call()


def test_jacobian_shapes():
    x, u = np.random.default_rng(0).standard_normal((5, 4)), np.ones(2)
    one = jacobian(TANH, x[0], u)
    assert one.shape == (4, 4)
    batch = jacobian(TANH, x, u)
    np.testing.assert_array_equal(batch[0], one)
    np.testing.assert_array_equal(jacobian(TANH, x, np.ones((5, 2))), batch)
    np.testing.assert_allclose(batch[3], naive.jacobian(TANH, x[3], u), atol=1e-15)
    lstm = LSTM.init(2, rng=0)
    assert jacobian(lstm, np.ones(4)).shape == (4, 4)
    assert jacobian(Henon(), [[0.1, 0.2], [0.3, 0.4]]).shape == (2, 2, 2)
