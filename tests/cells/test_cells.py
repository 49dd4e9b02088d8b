"""Every cell against finite differences, against the oracle, and a user's own cell by the same test."""

from __future__ import annotations

from typing import NamedTuple

import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoskit import jacobian, simulate
from chaoskit.cells import ALL_CELLS, LSTM, PLRNN, Layout, ReLU, ShPLRNN, Tanh, like, protocol
from chaoskit.errors import ChaoskitError, InvalidInputError
from chaoskit.testing import CellCheckError, check_cell

OPTIONS = {ShPLRNN: {"n_hidden": 7}}
cells = pytest.mark.parametrize("cell_class", ALL_CELLS, ids=lambda c: c.__name__)


class Leaky(NamedTuple):
    """A cell as a user would write it: x' = a x + W (x^2 + q x) + b, with parameters of the feature."""

    a: np.ndarray
    W: np.ndarray
    b: np.ndarray
    q: np.ndarray

    layout = Layout(parameters=2, features=1, saved=1, coefficients=1)

    @classmethod
    def init(cls, n, n_inputs=0, *, rng=None, dtype=np.float64):
        rng = np.random.default_rng(rng)
        return cls(
            np.full(n, 0.3, dtype),
            (0.1 * rng.standard_normal((n, n))).astype(dtype),
            np.zeros(n, dtype),
            np.full(n, 0.5, dtype),
        )

    def weights(cell):
        return cell.W

    def input_weights(cell):
        return np.zeros((len(cell.a), 0), cell.W.dtype)

    def unit_parameters(cell):
        return (cell.a, cell.b)

    def feature_parameters(cell):
        return (cell.q,)

    def feature(cell, f, x):
        return x * x + f[0] * x

    def feature_slope(cell, f, x):
        return like(x, 2.0) * x + f[0]

    def feature_gradient(cell, f, x, g):
        return (g * x,)

    def local(cell, p, x, a):
        return (p[0] * x[0] + a[0] + p[1],), (x[0],)

    def slopes(cell, p, x, y, s):
        return (p[0],)

    def local_jvp(cell, c, v, da):
        return (c[0] * v[0] + da[0],)

    def local_vjp(cell, c, g):
        return (c[0] * g[0],), (g[0],)

    def parameter_gradient(cell, c, x, g, ga):
        return (g[0] * x[0], g[0])


class Linear(NamedTuple):
    """The smallest cell: x' = W x + U u + b."""

    W: np.ndarray
    U: np.ndarray
    b: np.ndarray

    layout = Layout()
    init = classmethod(Tanh.init.__func__)
    weights, input_weights, unit_parameters = Tanh.weights, Tanh.input_weights, Tanh.unit_parameters

    def local(cell, p, x, a):
        return (a[0] + p[0],), ()

    def slopes(cell, p, x, y, s):
        return (like(y[0], 1.0),)

    local_jvp, local_vjp, parameter_gradient = Tanh.local_jvp, Tanh.local_vjp, Tanh.parameter_gradient


@cells
def test_rules_jacobian_and_gradients_of_every_cell(cell_class, measured):
    single = cell_class in (Tanh, LSTM, ShPLRNN)  # the others in single precision: the slow test below
    errors = check_cell(cell_class, single_precision=single, **OPTIONS.get(cell_class, {}))
    measured("errors", str(errors))
    assert errors.adjoint < 1e-14
    assert (errors.float32 < 1e-3) == single
    assert (errors.kinks < 1e-12) == (cell_class.__name__ not in ("Tanh", "LSTM", "GRU", "Antisymmetric"))


@pytest.mark.slow
@cells
def test_single_precision_of_every_cell(cell_class, measured):
    errors = check_cell(cell_class, **OPTIONS.get(cell_class, {}))
    measured("errors", str(errors))
    assert errors.float32 < 1e-3


def test_a_cell_of_your_own_passes():
    assert check_cell(Linear, n=4, single_precision=False).gradient < 1e-7


def test_a_feature_may_have_parameters_without_a_hidden_product():
    assert check_cell(Leaky, n=4, n_inputs=0, single_precision=False).gradient < 1e-7


def _broken(**rules):
    """Tanh with some of its rules replaced."""
    body = {name: getattr(Tanh, name) for name in vars(Tanh) if name in vars(Leaky) or name == "shapes"}
    fields = NamedTuple("Broken", [(name, np.ndarray) for name in Tanh._fields])
    for name, value in {**body, **rules}.items():
        if not name.startswith("_") and name not in Tanh._fields:
            setattr(fields, name, value)
    fields.layout, fields.init = Tanh.layout, classmethod(Tanh.init.__func__)
    return fields


@pytest.mark.parametrize(
    ("rules", "word"),
    [
        ({"local_vjp": lambda cell, c, g: ((0.0 * g[0],), (-c[0] * g[0],))}, "local_vjp"),
        ({"local_jvp": lambda cell, c, v, da: (-c[0] * da[0],)}, "local_jvp"),
        ({"slopes": lambda cell, p, x, y, s: (1.0 + y[0] * y[0],)}, "local_jvp"),
        ({"parameter_gradient": lambda cell, c, x, g, ga: (g[0],)}, "parameter_gradient"),
        ({"local_vjp": lambda cell, c, g: ((c[0] * g[0],), (0.0 * g[0],))}, "local_vjp"),
        ({"slopes": lambda cell, p, x, y, s: (1.0, 2.0)}, "slopes"),
        ({"feature_slope": lambda cell, f, x: 2.0 * x}, "feature_slope"),
    ],
    ids=["vjp sign", "jvp sign", "slope sign", "parameter", "vjp transposed", "planes", "feature"],
)
def test_a_wrong_rule_is_found(rules, word):
    with pytest.raises(CellCheckError, match=word):
        check_cell(_broken(**rules))


def test_a_wrong_feature_gradient_is_found():
    rules = {
        name: getattr(Leaky, name) for name in vars(Leaky) if not name.startswith("_") and name not in "aWbq"
    }
    rules["feature_gradient"] = lambda cell, f, x, g: (2.0 * g,)
    wrong = NamedTuple("Wrong", [(name, np.ndarray) for name in Leaky._fields])
    for name, value in rules.items():
        setattr(wrong, name, value)
    wrong.init = classmethod(Leaky.init.__func__)
    with pytest.raises(CellCheckError, match="feature_gradient"):
        check_cell(wrong, n_inputs=0)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda cell: (cell.W[1:], cell.b[1:], cell.U[1:]),
        lambda cell: (cell.W, cell.b + 0.3, cell.U),
        lambda cell: (cell.W.T, cell.b, cell.U),
        lambda cell: (cell.W, cell.b),
    ],
    ids=["one missing", "shifted", "transposed", "inputs forgotten"],
)
def test_wrong_kinks_are_found(wrong, monkeypatch):
    monkeypatch.setattr(ReLU, "kinks", wrong)
    with pytest.raises(CellCheckError, match="kinks"):
        check_cell(ReLU, single_precision=False)


def test_check_cell_is_an_assertion_and_a_chaoskit_error():
    assert issubclass(CellCheckError, AssertionError)
    assert issubclass(CellCheckError, ChaoskitError)
    with pytest.raises(InvalidInputError, match="layout"):
        check_cell(np.ndarray)


@cells
def test_step_and_jacobian_against_the_oracle(cell_class):
    for m, k in ((0, 0), (3, 1), (1, 2)):  # widths below and above the size where products go to BLAS
        for n in (1, 4, 9):
            rng = np.random.default_rng(n + 10 * k)
            cell = cell_class.init(n, m, rng=rng, **OPTIONS.get(cell_class, {}))
            cell = naive.perturbed(cell, rng, 0.1)
            x0 = rng.standard_normal(2 * n if cell_class is LSTM else n)
            inputs = rng.standard_normal((8, m)) if m else None
            orbit = simulate(cell, x0, 8, inputs=inputs)
            np.testing.assert_allclose(orbit, naive.orbit(cell, x0, 8, inputs), rtol=1e-12, atol=1e-13)
            u = None if inputs is None else inputs[0]
            np.testing.assert_allclose(
                jacobian(cell, x0, u), naive.jacobian(cell, x0, u), rtol=1e-12, atol=1e-14
            )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tanh_and_sigmoid_to_the_last_places(dtype, measured):
    # one step from the state x under unit weights is the function itself, compiled
    edge = np.array([0.0, -0.0, 1e-300, -1e-30, 1e-8, 9.9, 10.1, 19.9, 20.1, -709.0, 1e30, -1e300, 1e308])
    grid = np.concatenate([np.linspace(-25, 25, 20_001), np.geomspace(1e-12, 30, 4001), edge]).clip(
        np.finfo(dtype).min, np.finfo(dtype).max
    )
    x = grid.astype(dtype)
    got = simulate(Tanh(np.ones((1, 1), dtype), np.zeros((1, 0), dtype), np.zeros(1, dtype)), x[:, None], 1)[
        :, 1, 0
    ]
    assert got.dtype == dtype
    true = np.tanh(x.astype(np.longdouble))
    ulp = np.abs(got - true) / np.spacing(np.abs(true).astype(dtype))
    measured("tanh_ulp", f"{float(ulp.max()):.2f}")
    assert ulp.max() <= 2.5
    assert np.abs(got).max() <= 1
    np.testing.assert_array_equal(np.sign(got), np.sign(x))
    sigmoid = _sigmoid_of_a_gate(x, dtype)
    true = 1 / (1 + np.exp(-x.astype(np.longdouble).clip(-1e4, 1e4)))
    error = np.abs(sigmoid - true) / np.finfo(dtype).eps
    measured("sigmoid_eps", f"{float(error.max()):.2f}")
    assert error.max() <= 1.5
    assert sigmoid.min() >= 0
    assert sigmoid.max() <= 1


def _sigmoid_of_a_gate(x, dtype):
    """The forget gate: with g = 0, c' = sigmoid(W_f h) c."""
    W = np.array([0, 1, 0, 0], dtype)[:, None]
    cell = LSTM(W, np.zeros((4, 0), dtype), np.zeros(4, dtype))
    return simulate(cell, np.stack([x, np.ones_like(x)], axis=1), 1)[:, 1, 1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_and_infinity_pass_through(dtype):
    # the public edge refuses NaN, so a product of huge weights makes infinity, and NaN, on the way
    weights = np.array([[np.finfo(dtype).max, np.finfo(dtype).max], [0, 0]], dtype)
    cell = PLRNN(np.zeros(2, dtype), weights, np.zeros((2, 0), dtype), np.zeros(2, dtype))
    with pytest.raises(ChaoskitError, match="step 1"):
        simulate(cell, np.ones(2, dtype), 3)
    from chaoskit.dynamics.model import prepare
    from chaoskit.dynamics.orbits import run

    for build in (Tanh, ReLU):
        one = build(np.ones((1, 1), dtype), np.zeros((1, 0), dtype), np.zeros(1, dtype))
        out = np.full((2, 1, 1), np.nan, dtype)
        run(prepare(one), out, np.zeros((1, 1, 0), dtype), 0, np.zeros(1, np.int64))
        assert np.isnan(out[1, 0, 0])


def test_infinite_arguments_of_tanh_saturate():
    cell = Tanh(np.full((2, 2), np.finfo(float).max), np.zeros((2, 0)), np.zeros(2))
    np.testing.assert_array_equal(simulate(cell, [1.0, 1.0], 1)[1], [1.0, 1.0])
    np.testing.assert_array_equal(simulate(cell, [-1.0, -1.0], 1)[1], [-1.0, -1.0])


@given(n=st.integers(1, 12), m=st.integers(0, 9), rows=st.integers(1, 5), seed=st.integers(0, 99))
def test_batch_is_a_loop_at_any_size(n, m, rows, seed):
    rng = np.random.default_rng(seed)
    cell = Tanh.init(n, m, rng=rng)
    x, u = rng.standard_normal((rows, n)), rng.standard_normal((rows, 4, m))
    batch = simulate(cell, x, 4, inputs=u if m else None)
    loop = [simulate(cell, x[i], 4, inputs=u[i] if m else None) for i in range(rows)]
    np.testing.assert_allclose(batch, loop, rtol=0, atol=1e-13)


@cells
def test_init_has_the_shapes_it_declares(cell_class):
    for dtype in (np.float32, np.float64):
        cell = cell_class.init(3, 2, rng=0, dtype=dtype, **OPTIONS.get(cell_class, {}))
        assert all(a.dtype == dtype for a in cell)
        assert protocol.input_weights(cell).shape[1] == 2
    same = cell_class.init(3, rng=5), cell_class.init(3, rng=np.random.default_rng(5))
    assert all((a == b).all() for a, b in zip(*same, strict=True))
    assert cell_class.init(3).__class__ is cell_class


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (Tanh(np.eye(3), np.zeros((3, 0)), np.zeros(2)), r"Tanh\.b: expected shape \(N,\) with N = 3"),
        (Tanh(np.ones((3, 2)), np.zeros((3, 0)), np.zeros(3)), r"Tanh\.W"),
        (LSTM(np.ones((8, 3)), np.zeros((8, 0)), np.zeros(8)), r"LSTM\.W"),
        (LSTM(np.ones((9, 2)), np.zeros((9, 0)), np.zeros(9)), r"LSTM\.W"),
        (PLRNN(np.ones(2), np.eye(2), np.zeros((3, 1)), np.zeros(2)), r"PLRNN\.C"),
        (ReLU(np.eye(2) * np.nan, np.zeros((2, 0)), np.zeros(2)), r"ReLU\.W: expected finite"),
        (ReLU("no", np.zeros((2, 0)), np.zeros(2)), r"ReLU\.W: expected an array"),
        (ReLU(np.zeros((0, 0)), np.zeros((0, 0)), np.zeros(0)), "ReLU"),
        (ReLU(np.eye(2), np.zeros(2), np.zeros(2)), r"ReLU\.U"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(cell, text):
    with pytest.raises(InvalidInputError, match=text):
        simulate(cell, np.zeros(2), 1)
