"""Networks of known regimes for the laws: constructed ones, moved a little so that nothing in them is 0."""

from __future__ import annotations

import naive
import numpy as np

from chaoskit import lyapunov_spectrum, simulate
from chaoskit.cells import (
    ALRNN,
    GRU,
    LSTM,
    PLRNN,
    Antisymmetric,
    ClippedShPLRNN,
    DendPLRNN,
    DiagonalLinear,
    Linear,
    ReLU,
    ShPLRNN,
    Tanh,
    chaotic,
    contracting,
    cyclic,
    tent,
)

PIECEWISE = (ReLU, PLRNN, ALRNN, ShPLRNN, ClippedShPLRNN, DendPLRNN)
SMOOTH = (Tanh, LSTM, GRU)
STABLE = (Antisymmetric, Linear, DiagonalLinear)  # a fixed point, but no cycles

_OPENED = 36.0  # by so much the update gate of a constructed GRU is opened, to 0.7 %


def on_cycle(cell_class, k, seed):
    """(cell, points (k, N)) of a stable cycle, all trained arrays moved off their round values."""
    if cell_class in STABLE:
        return at_rest(cell_class, seed)
    rng = np.random.default_rng(seed)
    network = cyclic(cell_class, k, multiplier=rng.uniform(0.2, 0.5))
    cell = network.cell
    if cell_class is GRU:
        cell = cell._replace(b=cell.b + np.repeat([0.0, _OPENED, 0.0, 0.0], k))
    noise = 0.02 / k**2
    while True:  # until the cycle survives it, within reach of a hundred turns
        moved, noise = naive.perturbed(cell, rng, noise), noise / 2.0
        points = simulate(moved, network.x0, k - 1, transient=100 * k)
        M = np.linalg.multi_dot(
            [np.eye(points.shape[1])] * 2 + [naive.jacobian(moved, z) for z in points[::-1]]
        )
        back = np.abs(simulate(moved, points[-1], 1)[1] - points[0]).max()
        if back < 1e-13 * np.abs(points).max() and 0.05 < np.abs(np.linalg.eigvals(M)).max() < 0.7:
            break
    apart = np.linalg.norm(points[:, None] - points, axis=2)
    assert k == 1 or apart[~np.eye(k, dtype=bool)].min() > 0.05
    return moved, points


def at_rest(cell_class, seed):
    """(cell, its fixed point (1, N)) of a class without cycles."""
    rng = np.random.default_rng(seed)
    options = {"damping": 2.0, "step": 0.4} if cell_class is Antisymmetric else {}
    cell, factor = cell_class.init(4, rng=rng, **options), 0.8
    while True:  # until 400 steps leave nothing
        moved, factor = naive.perturbed(cell, rng, 0.1 * factor, factor), 0.8 * factor
        fixed = simulate(moved, np.zeros(4), 0, transient=1000)
        if np.abs(np.linalg.eigvals(naive.jacobian(moved, fixed[0]))).max() < 0.9:
            return moved, fixed


def in_chaos(cell_class, seed):
    """(cell, state, exponent, stderr): chaotic by five standard errors of a run from elsewhere."""
    rng = np.random.default_rng(seed)
    if cell_class in PIECEWISE:
        network = tent(cell_class, peak=rng.uniform(0.2, 0.4), height=1.0)
    else:
        network = chaotic(cell_class, 50, gain=4.0, rng=rng)
    result = lyapunov_spectrum(network.cell, network.x0, 4000, k=1, transient=500)
    assert result.exponents[0] > 5.0 * result.stderr[0] > 0.0
    start = simulate(network.cell, network.x0, 0, transient=10_000)[0]
    return network.cell, start, result.exponents[0], result.stderr[0]


def affine(cell_class, W, centre=5.0):
    """(cell, fixed point): x' = W (x - centre) + centre in a region of the cell that reaches 10 each way."""
    W = np.asarray(W, float)
    middle = np.full(len(W), float(centre))
    return cell_class.from_relus(W, middle - W @ middle, middle, 1024.0)


def late_growth():
    """(cell, orbit): a step that forgets nearly all, then eight in a tent of slope 2.1, then rest.

    Products from the start alone stay small; those from the second state on do not.
    """
    hole = 0.5  # from here the tent throws the orbit out, to the fixed point near -1
    for branch in (0, 1, 0, 0, 1, 0, 1):
        hole = abs(branch - hole / 2.1)
    kinks, slopes = np.array([-0.1, 0.0, 0.5, 1.2, 2.0]), np.array([1e-3, 10.0, 2.1, -2.1, 0.0, 1e-3])
    slopes[4] = (hole - 1e-3 + 2.1 * 0.2) / 0.8  # up to what leads to the hole from 3
    jumps = np.diff(slopes)[None]
    cell = ShPLRNN(np.array([1e-3]), jumps, np.ones((5, 1)), np.array([-0.9999]), -kinks, np.zeros((1, 0)))
    return cell, simulate(cell, [3.0], 60)


# ---- ln |det J| without a determinant of J
def log_det(cell, z):
    """Analytic ln |det dz'/dz|: slopes of the units and determinants of weights."""
    with np.errstate(divide="ignore"):
        return _LOG_DET.get(type(cell), _by_oracle)(cell, z)


def _log_det(matrix):
    return np.linalg.slogdet(matrix)[1]


def _of_units(slopes):
    return float(np.log(np.abs(slopes)).sum())


def _tanh(cell, z):
    a = cell.W @ z + cell.b
    return _of_units(1.0 / np.cosh(a) ** 2) + _log_det(cell.W)


def _relu(cell, z):
    return _of_units(cell.W @ z + cell.b > 0) + _log_det(cell.W)


def _lstm(cell, z):
    """Rows of h less o tanh'(c) times rows of c leave tanh(c) o (1 - o) W_o, and f for c."""
    n = len(z) // 2
    i, f, g, o = np.split(cell.W @ z[:n] + cell.b, 4)
    i, f, o = (1.0 / (1.0 + np.exp(-a)) for a in (i, f, o))
    c = f * z[n:] + i * np.tanh(g)
    return _of_units(f) + _of_units(np.tanh(c) * o * (1.0 - o)) + _log_det(cell.W[3 * n :])


def _shallow(cell, z):
    """det(A + W1 D W2) = det A det(1 + W2 A^-1 W1 D), D the slopes of the hidden units."""
    slopes = naive._features(cell, z)[1].astype(float)
    inside = np.eye(len(slopes)) + (cell.W2 / cell.A) @ cell.W1 * slopes
    return _of_units(cell.A) + _log_det(inside)


def _by_oracle(cell, z):
    return _log_det(naive.jacobian(cell, z))


_LOG_DET = {
    Tanh: _tanh, ReLU: _relu, LSTM: _lstm, ShPLRNN: _shallow, ClippedShPLRNN: _shallow,
    Linear: lambda cell, z: _log_det(cell.W), DiagonalLinear: lambda cell, z: _of_units(cell.A),
}  # fmt: skip


def drawn(cell_class, rng):
    """A network of 4 units whose Jacobians are not singular, wherever its class allows that."""
    cell = naive.perturbed(
        cell_class.init(4, rng=rng, **({"n_hidden": 7} if "Sh" in cell_class.__name__ else {})), rng, 0.1
    )
    if cell_class is ReLU:  # no unit dies
        cell = cell._replace(b=cell.b + 3.0)
    return cell


def settling(cell_class, seed):
    """(cell, state): a network whose orbit comes to rest, slowly."""
    if cell_class is Antisymmetric:
        cell, fixed = at_rest(cell_class, seed)
        return cell, fixed[0] + 0.5
    network = contracting(cell_class, 4, bound=0.95, rng=seed)
    return network.cell, network.x0


# ---- driven networks
def driven_contraction(seed, norm=0.9):
    """(cell, two states, inputs): a tanh network with ||W|| = norm under a random input."""
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((5, 5))
    cell = Tanh(norm / np.linalg.norm(W, 2) * W, rng.standard_normal((5, 2)), np.zeros(5))
    return cell, rng.uniform(-1, 1, (2, 5)), rng.standard_normal((120, 2))


def driven_cycle(seed):
    """(cell, cycle, inputs): a contracting network under an input of period 3, and the cycle it goes."""
    rng = np.random.default_rng(seed)
    cell = Tanh.init(5, 2, rng=rng)
    cell = cell._replace(W=0.7 * cell.W, b=rng.standard_normal(5))
    inputs = rng.standard_normal((3, 2))
    orbit = simulate(cell, np.zeros(5), 2, inputs=np.tile(inputs, (401, 1)), transient=1200)
    return cell, orbit, inputs


def driven_chaos(seed):
    """(cell, state, inputs, exponent, stderr): the conditional exponent is above three standard errors."""
    rng = np.random.default_rng(seed)
    cell = chaotic(Tanh, 50, gain=4.0, rng=rng).cell
    cell = cell._replace(U=rng.standard_normal((50, 2)))
    inputs = 0.3 * rng.standard_normal((6000, 2))
    result = lyapunov_spectrum(cell, np.zeros(50), 4000, k=1, transient=500, inputs=inputs)
    assert result.exponents[0] > 3.0 * result.stderr[0] > 0.0
    start = simulate(cell, np.zeros(50), 0, transient=500, inputs=inputs)[0]
    return cell, start, inputs[500:], result.exponents[0], result.stderr[0]
