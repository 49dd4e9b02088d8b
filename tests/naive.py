"""Slow oracle in plain NumPy, written from the equations in the cells' docstrings, not from their rules."""

from __future__ import annotations

import numpy as np


def _drive(matrix, u):
    return 0.0 if u is None or np.size(u) == 0 else matrix @ u


def _sigmoid(a):
    return 1.0 / (1.0 + np.exp(-a))


def pre_activations(cell, x, u=None):
    """Arguments of the nonlinearity, in one array."""
    name = type(cell).__name__
    if name in ("Tanh", "ReLU"):
        return cell.W @ x + _drive(cell.U, u) + cell.b
    if name == "PLRNN":
        return x
    if name == "ShPLRNN":
        return cell.W2 @ x + cell.h2
    return cell.W @ x[: len(x) // 2] + _drive(cell.U, u) + cell.b


def step(cell, x, u=None):
    """One step of a cell."""
    name = type(cell).__name__
    a = pre_activations(cell, x, u)
    if name == "Tanh":
        return np.tanh(a)
    if name == "ReLU":
        return np.maximum(a, 0.0)
    if name == "PLRNN":
        return cell.A * x + cell.W @ np.maximum(a, 0.0) + _drive(cell.C, u) + cell.h
    if name == "ShPLRNN":
        return cell.A * x + cell.W1 @ np.maximum(a, 0.0) + _drive(cell.C, u) + cell.h1
    i, f, g, o = np.split(a, 4)
    c = _sigmoid(f) * x[len(x) // 2 :] + _sigmoid(i) * np.tanh(g)
    return np.concatenate([_sigmoid(o) * np.tanh(c), c])


def jacobian(cell, x, u=None):
    """Derivative of `step` with respect to x, as dense products of matrices."""
    name = type(cell).__name__
    a = pre_activations(cell, x, u)
    if name == "Tanh":
        return np.diag(1.0 / np.cosh(a) ** 2) @ cell.W
    if name == "ReLU":
        return np.diag(a > 0).astype(float) @ cell.W
    if name == "PLRNN":
        return np.diag(cell.A) + cell.W @ np.diag(a > 0)
    if name == "ShPLRNN":
        return np.diag(cell.A) + cell.W1 @ np.diag(a > 0) @ cell.W2
    return _lstm_jacobian(cell, x, a)


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


def qr_spectrum(cell, x0, steps, transient=0, inputs=None):
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
