"""Estimators of a measured series beside nolds: Lorenz-63 at 0.02, first coordinate."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np

from chaoskit import estimate_lyapunov, simulate
from chaoskit.systems import Lorenz63
from chaoskit.timeseries import correlation_dimension, embed
from chaoskit.timeseries.divergence import Probe

from .measuring import OURS, Work, installed

DELAY, DIMENSION, APART, LAGS = 9, 3, 230, 100


def measured(rows: int) -> np.ndarray:
    """A z-scored series."""
    x = simulate(Lorenz63(), [1.0, 2.0, 20.0], 2 * rows, transient=2000)[::2][:rows, 0]
    return (x - x.mean()) / x.std()


def curve(x: np.ndarray) -> np.ndarray:
    """How far all states and their nearest neighbours part, over 100 lags."""
    states = np.ascontiguousarray(embed(x, DELAY, DIMENSION))
    _, logs = Probe(states, APART, 1, LAGS, 1e-10, len(states)).follow(LAGS, np.random.default_rng(0))
    return np.median(logs, axis=0)


def estimators(rows: int = 2000) -> Iterator[Work]:
    """A divergence curve, an exponent by default, and a correlation dimension.

    The defaults differ in what they do: chaoskit chooses the embedding, takes several methods, and gives an
    interval and a verdict; nolds fits a line to one curve.
    """
    x = measured(rows)
    works = {
        "divergence curve": (
            lambda: curve(x),
            lambda nolds: nolds.lyap_r(
                x, emb_dim=DIMENSION, lag=DELAY, min_tsep=APART, trajectory_len=LAGS, fit="poly"
            ),
        ),
        "exponent, by default": (
            lambda: estimate_lyapunov(x, 0.02),
            lambda nolds: nolds.lyap_r(x, fit="poly"),
        ),
        "correlation dimension": (
            lambda: correlation_dimension(x),
            lambda nolds: nolds.corr_dim(x, DIMENSION, lag=DELAY, fit="poly"),
        ),
    }
    peer = _nolds()
    for name, (ours, theirs) in works.items():
        runs = {OURS: (ours, 1)}
        if peer is not None:
            runs["nolds"] = (lambda theirs=theirs: theirs(peer), 1)
        yield Work(name, f"{rows} rows", "series", runs)


def _nolds():
    """None where it is not installed, or does not go with this Python."""
    if not installed("nolds"):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import nolds
        except (ImportError, TypeError) as error:  # 0.6.3 on Python 3.11 is a TypeError
            print(f"nolds cannot be imported and is left out: {error}")
            return None
    return nolds
