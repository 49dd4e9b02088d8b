"""Optimizers against their papers, written out in NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest

from chaoskit.errors import InvalidInputError
from chaoskit.training import Adam, AdamW, RAdam
from chaoskit.training.optimizer import learning_rate_at, optimizer_class


def plain(kind, start, gradients, rate, decay=0.0, value_clip=math.inf, clip=math.inf):
    """The parameters after each update."""
    b1, b2, eps = 0.9, 0.999, 1e-8
    x, m, v, path = start.copy(), np.zeros_like(start), np.zeros_like(start), []
    longest = 2 / (1 - b2) - 1
    for t, g in enumerate(gradients, 1):
        g = np.clip(g, -value_clip, value_clip)
        g = g * min(1.0, clip / np.linalg.norm(g))
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        mean, root = m / (1 - b1**t), np.sqrt(v / (1 - b2**t)) + eps
        step = mean / root
        if kind is RAdam:
            rho = longest - 2 * t * b2**t / (1 - b2**t)
            step = mean
            if rho > 5:
                step = (
                    mean
                    / root
                    * np.sqrt((rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho))
                )
        x = x - rate * decay * x - rate * step
        path.append(x)
    return np.array(path)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (Adam, {}),
        (Adam, {"clip": 0.5}),
        (Adam, {"value_clip": 0.3, "clip": 0.6}),
        (AdamW, {}),
        (AdamW, {"weight_decay": 0.2}),
        (RAdam, {}),
    ],
)
def test_updates(kind, options):
    rng = np.random.default_rng(0)
    start, gradients = rng.standard_normal(7), rng.standard_normal((12, 7))
    x = [start[:3].copy(), start[3:].reshape(2, 2).copy()]
    optimizer = kind(x, **options)
    decay = options.get("weight_decay", 0.01 if kind is AdamW else 0.0)
    wanted = plain(
        kind, start, gradients, 0.1, decay, options.get("value_clip", math.inf), options.get("clip", math.inf)
    )
    for g, after in zip(gradients, wanted, strict=True):
        norm = optimizer.update([g[:3], g[3:].reshape(2, 2)], 0.1)
        cut = np.clip(g, -options.get("value_clip", math.inf), options.get("value_clip", math.inf))
        assert norm == pytest.approx(np.linalg.norm(cut))
        np.testing.assert_allclose(np.concatenate([a.ravel() for a in x]), after, rtol=1e-12)


def test_a_gradient_that_is_not_finite_changes_nothing():
    for bad in (np.nan, np.inf):
        x = np.ones(3)
        optimizer = Adam([x], value_clip=1.0)
        assert not math.isfinite(optimizer.update([np.array([1.0, bad, 0.0])], 0.1))
        assert (x == 1.0).all()
        assert optimizer.updates == 0


def test_step_sizes():
    for decay in ("exponential", "cosine"):
        rates = [learning_rate_at(decay, 1e-2, 1e-4, p) for p in np.linspace(0, 1, 9)]
        assert rates[0] == pytest.approx(1e-2)
        assert rates[-1] == pytest.approx(1e-4)
        assert (np.diff(rates) < 0).all()
    assert learning_rate_at("exponential", 1e-2, 1e-4, 0.5) == pytest.approx(1e-3)
    assert learning_rate_at("cosine", 1e-2, 1e-4, 0.5) == pytest.approx(5.05e-3)
    assert learning_rate_at("constant", 1e-2, 1e-4, 1.0) == 1e-2


def test_unknown_names():
    assert optimizer_class("radam") is RAdam
    with pytest.raises(InvalidInputError, match="optimizer: expected one of"):
        optimizer_class("sgd")


@pytest.mark.parametrize("kind", [Adam, AdamW, RAdam])
def test_views_that_cannot_be_changed_in_place_are_refused(kind):
    W = np.ones((3, 2))
    for bad in (W.T, W[:, 0], [1.0, 2.0]):
        with pytest.raises(
            InvalidInputError, match=r"C-contiguous arrays, to be changed in place, .*index 1"
        ):
            kind([W, bad])
