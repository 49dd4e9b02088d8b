"""Slow oracle in plain NumPy, written from the equations in the cells' docstrings, not from their rules."""

from __future__ import annotations

import numpy as np


def _drive(matrix, u):
    return 0.0 if u is None or np.size(u) == 0 else matrix @ u


def _sigmoid(a):
    return 1.0 / (1.0 + np.exp(-a))


def perturbed(cell, rng, noise, factor=1.0):
    """The cell with its trained arrays times `factor` plus noise, so that no bias is 0."""
    fixed = getattr(type(cell), "fixed", ())
    moved = {k: factor * a + noise * rng.standard_normal(a.shape) for k, a in cell._asdict().items()}
    return cell._replace(**{k: a for k, a in moved.items() if k not in fixed})


def pre_activations(cell, x, u=None):
    """Distances of the arguments of the nonlinearity from its kinks, in one array."""
    name = type(cell).__name__
    if name in ("Tanh", "ReLU"):
        return cell.W @ x + _drive(cell.U, u) + cell.b
    if name == "PLRNN":
        return x
    if name == "ALRNN":
        return x[cell.mask > 0]
    if name == "ShPLRNN":
        return cell.W2 @ x + cell.h2
    if name == "ClippedShPLRNN":
        return np.concatenate([cell.W2 @ x + cell.h2, cell.W2 @ x])
    if name == "DendPLRNN":
        return (x[:, None] - cell.thresholds).ravel()
    if name == "GRU":
        return np.ones(1)
    if name == "Antisymmetric":
        return _antisymmetric(cell) @ x + _drive(cell.U, u) + cell.b
    if name in ("Linear", "DiagonalLinear"):
        return np.ones(1)
    return cell.W @ x[: len(x) // 2] + _drive(cell.U, u) + cell.b


def _antisymmetric(cell):
    return cell.W - cell.W.T - cell.damping[0] * np.eye(len(cell.W))


def _gru_gates(cell, x, u):
    """r, z, n and what the reset multiplies."""
    n = len(x)
    W, b = cell.W.reshape(3, n, n), cell.b.reshape(4, n)
    drive = [_drive(part, u) for part in np.split(cell.U, 3)]
    r, z = (_sigmoid(W[i] @ x + drive[i] + b[i]) for i in (0, 1))
    inside = W[2] @ x + b[2]
    return r, z, np.tanh(drive[2] + b[3] + r * inside), inside


def _features(cell, x):
    """(phi, its slope) of the piecewise-linear cells at a state x."""
    name = type(cell).__name__
    if name == "PLRNN":
        return np.maximum(x, 0.0), (x > 0).astype(float)
    if name == "ALRNN":
        return np.where(cell.mask > 0, np.maximum(x, 0.0), x), np.where(cell.mask > 0, x > 0, 1.0)
    if name == "DendPLRNN":
        apart = x[:, None] - cell.thresholds
        return np.maximum(apart, 0.0) @ cell.alpha, (apart > 0) @ cell.alpha
    a = cell.W2 @ x
    if name == "ShPLRNN":
        return np.maximum(a + cell.h2, 0.0), (a + cell.h2 > 0).astype(float)
    above, below = a + cell.h2, a
    return np.maximum(above, 0.0) - np.maximum(below, 0.0), (above > 0) * 1.0 - (below > 0)


def step(cell, x, u=None):
    """One step of a cell."""
    name = type(cell).__name__
    if name == "Tanh":
        return np.tanh(pre_activations(cell, x, u))
    if name == "ReLU":
        return np.maximum(pre_activations(cell, x, u), 0.0)
    if name == "Antisymmetric":
        return x + cell.step[0] * np.tanh(pre_activations(cell, x, u))
    if name == "Linear":
        return cell.W @ x + _drive(cell.C, u) + cell.h
    if name == "DiagonalLinear":
        return cell.A * x + _drive(cell.C, u) + cell.h
    if name == "GRU":
        _, z, new, _ = _gru_gates(cell, x, u)
        return (1.0 - z) * new + z * x
    if name == "LSTM":
        i, f, g, o = np.split(pre_activations(cell, x, u), 4)
        c = _sigmoid(f) * x[len(x) // 2 :] + _sigmoid(i) * np.tanh(g)
        return np.concatenate([_sigmoid(o) * np.tanh(c), c])
    hidden = hasattr(cell, "W1")
    W, h = (cell.W1, cell.h1) if hidden else (cell.W, cell.h)
    return cell.A * x + W @ _features(cell, x)[0] + _drive(cell.C, u) + h


def jacobian(cell, x, u=None):
    """Derivative of `step` with respect to x, as dense products of matrices."""
    name = type(cell).__name__
    a = pre_activations(cell, x, u)
    if name == "Tanh":
        return np.diag(1.0 / np.cosh(a) ** 2) @ cell.W
    if name == "ReLU":
        return np.diag(a > 0).astype(float) @ cell.W
    if name == "Antisymmetric":
        return np.eye(len(x)) + cell.step[0] * np.diag(1.0 / np.cosh(a) ** 2) @ _antisymmetric(cell)
    if name == "Linear":
        return cell.W.copy()
    if name == "DiagonalLinear":
        return np.diag(cell.A)
    if name == "GRU":
        return _gru_jacobian(cell, x, u)
    if name == "LSTM":
        return _lstm_jacobian(cell, x, a)
    slopes = np.diag(_features(cell, x)[1].astype(float))
    if hasattr(cell, "W1"):
        return np.diag(cell.A) + cell.W1 @ slopes @ cell.W2
    return np.diag(cell.A) + cell.W @ slopes


def _gru_jacobian(cell, x, u):
    n = len(x)
    Wr, Wz, Wn = cell.W.reshape(3, n, n)
    r, z, new, inside = _gru_gates(cell, x, u)
    dn = np.diag(1.0 - new**2) @ (np.diag(inside * r * (1 - r)) @ Wr + np.diag(r) @ Wn)
    return np.diag((x - new) * z * (1 - z)) @ Wz + np.diag(1 - z) @ dn + np.diag(z)


def _lstm_jacobian(cell, x, a):
    n = len(x) // 2
    i, f, g, o = np.split(a, 4)
    Wi, Wf, Wg, Wo = np.split(cell.W, 4)
    I, F, G, O = _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)
    c_old = x[n:]
    c = F * c_old + I * G
    dc_dh = (
        np.diag(c_old * F * (1 - F)) @ Wf + np.diag(G * I * (1 - I)) @ Wi + np.diag(I / np.cosh(g) ** 2) @ Wg
    )
    dc_dc = np.diag(F)
    through = np.diag(O / np.cosh(c) ** 2)
    dh_dh = np.diag(np.tanh(c) * O * (1 - O)) @ Wo + through @ dc_dh
    return np.block([[dh_dh, through @ dc_dc], [dc_dh, dc_dc]])


def orbit(cell, x0, steps, inputs=None):
    """States (steps + 1, N)."""
    states = [np.asarray(x0, float)]
    for t in range(steps):
        states.append(step(cell, states[-1], None if inputs is None else inputs[t]))
    return np.array(states)


def forced_run(cell, decoder, series, tau, inputs=None):
    """(loss, smallest distance of a pre-activation from 0) of a sequence (T + 1, D); tau None: never."""
    P = np.linalg.pinv(decoder)
    planes = 2 if type(cell).__name__ == "LSTM" else 1

    def forced(x):
        return np.concatenate([P @ x] + [np.zeros(len(P))] * (planes - 1))

    z, errors, nearest = forced(series[0]), [], np.inf
    for t in range(1, len(series)):
        u = None if inputs is None else inputs[t - 1]
        nearest = min(nearest, np.abs(pre_activations(cell, z, u)).min())
        z = step(cell, z, u)
        errors.append(series[t] - decoder @ z[: len(P)])
        if tau is not None and t % tau == 0:
            z = forced(series[t])
    return np.mean(np.square(errors)), nearest


def forced_loss(cell, decoder, series, tau, inputs=None):
    """Loss of a batch (batch, T + 1, D) under inputs (batch, T, M); distance from the nearest kink."""
    runs = [
        forced_run(cell, decoder, x, tau, None if inputs is None else inputs[k]) for k, x in enumerate(series)
    ]
    return np.mean([r[0] for r in runs]), min(r[1] for r in runs)


def forcing_terms(scheme, T):
    """Rows (keep, data, cut, whole), one before each of T steps, from what the docstrings of the schemes say.

    z~ = keep z + data z_data. cut: z is taken as a constant. whole: this is about the whole state, and not
    only about the part that observations set.
    """
    rows = np.tile([1.0, 0.0, 0.0, 0.0], (T, 1))
    alpha, every = getattr(scheme, "alpha", getattr(scheme, "start", None)), getattr(scheme, "tau", None)
    if every is not None:
        actions = {"Sparse": (0, 1, 0, 0), "Windowed": (0, 0, 0, 1), "Truncated": (1, 0, 1, 1)}
        rows[::every] = actions[type(scheme).__name__]
    elif alpha is not None:
        rows[:, :2] = 1.0 - alpha, alpha
    rows[0] = 0, 1, 0, 1
    return rows


def latent_maps(latent, planes):
    """(B, M): x = B h reads the first state plane, and observations give the state M x."""
    if type(latent).__name__ == "ObservedStates":
        D = latent.initial_map.shape[1]
        M = np.concatenate([np.eye(D), latent.initial_map])
        return np.eye(D, len(M) // planes), M
    B = latent.decoder
    return B, np.concatenate([np.linalg.pinv(B), np.zeros(((planes - 1) * B.shape[1], len(B)))])


def scheduled_run(cell, latent, series, scheme, inputs, *, frozen=None, noise=None):
    """(loss, states that the steps start from) of one sequence (T + 1, D) forced by any scheme.

    frozen: states to go on from at cuts. noise (T, D) is added to the data that forcing uses.
    """
    T = len(series) - 1
    B, M = latent_maps(latent, 2 if type(cell).__name__ == "LSTM" else 1)
    some = len(B) if type(latent).__name__ == "ObservedStates" else len(M)
    z, states, errors = np.zeros(len(M)), [], []
    for t, (keep, data, cut, whole) in enumerate(forcing_terms(scheme, T)):
        own = frozen[t] if cut and frozen is not None else z
        observed = series[t] if noise is None else series[t] + noise[t]
        width = len(M) if whole else some
        z = np.concatenate([keep * own[:width] + data * (M @ observed)[:width], own[width:]])
        states.append(z)
        z = step(cell, z, inputs[t])
        errors.append(series[t + 1] - B @ z[: B.shape[1]])
    return np.mean(np.square(errors)), np.array(states)


def qr_spectrum(cell, x0, steps, transient=0, inputs=None, step=step, jacobian=jacobian):
    """Exponents (N,) by a QR decomposition at every step; the first `transient` steps align."""
    x, Q = np.asarray(x0, float), np.eye(len(x0))
    sums = np.zeros(len(x0))
    for t in range(transient + steps):
        u = None if inputs is None else inputs[t]
        Q, R = np.linalg.qr(jacobian(cell, x, u) @ Q)
        x = step(cell, x, u)
        if t >= transient:
            with np.errstate(divide="ignore"):
                sums += np.log(np.abs(np.diag(R)))
    return np.sort(sums / steps)[::-1]
