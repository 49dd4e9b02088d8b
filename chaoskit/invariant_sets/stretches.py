"""Exponents over two consecutive stretches of an orbit, so that one can confirm the other."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np

from ..dynamics.identities import with_zero_exponent
from ..dynamics.lyapunov_result import LyapunovResult, single, summarise
from ..dynamics.model import Model
from ..dynamics.tangent_run import TangentRun, block_length
from ..errors import ChaoskitWarning

SIGNIFICANT = 5.0  # standard errors
_GROWTH = 10.0  # nats in each stretch: less is what a shear or a transient can bring
_STILL = 2.0  # units of round-off a step: less is no growth, however little it swings
_INTEGRATED = 1e-3  # nats: what the error of integrating a flow may come to
_WIDER = 1.5  # times as wide as in a quarter of the time: a random walk is twice as wide
_FLUCTUATION = 5.0  # nats: the growth along a smooth torus swings by less


class Stretches(NamedTuple):
    """Spectra of the first and second stretch and of both, and where the orbit is then.

    Attributes
    ----------
    growth : ndarray, shape (n, k)
        ln of the growth of each tangent up to the end of block n, in nats.
    round_off : float
        What arithmetic may have added to it.
    """

    first: LyapunovResult
    second: LyapunovResult
    both: LyapunovResult
    growth: np.ndarray
    state: np.ndarray
    t: int
    round_off: float

    @property
    def is_chaotic(self) -> bool:
        """The largest exponent is above 5 standard errors in both stretches, and much has grown in each."""
        parts = (self.first, self.second)
        grown = [part.exponents[0] * part.times[-1] > _GROWTH for part in parts]
        return all(grown) and all(p.exponents[0] > SIGNIFICANT * p.stderr[0] for p in parts)

    def is_zero(self, index: int, bounded: bool = False) -> bool:
        """Is this exponent zero, within what the growth swings by, which does not widen with time?

        `bounded` asks more, that the growth of blocks be as ordered as that of bounded sums: weak chaos of a
        flow over a hundred turns grows by no more than it swings.
        """
        column = self.growth[:, index]
        if not np.isfinite(column).all() or (bounded and not self.both.deterministic[index]):
            return False
        line = np.linspace(0.0, column[-1], len(column) + 1)[1:]
        within = max(float(np.ptp(part)) for part in np.array_split(column, 4))
        widens = float(np.ptp(column)) > _WIDER * within + self.round_off
        return float(np.ptp(column - line)) < _FLUCTUATION and not widens

    def is_negative(self, index: int) -> bool:
        """Is this exponent below zero by 5 standard errors, so that more than it swings by has shrunk?"""
        value, error = self.both.exponents[index], self.both.stderr[index]
        return bool(value < -SIGNIFICANT * error and value * self.both.times[-1] < -1.0)


def two_stretches(
    given: Any, model: Model, state: np.ndarray, inputs: np.ndarray, t0: int, steps: int, warm: int, k: int
) -> Stretches:
    """Exponents from `state` at step t0 on: `warm` steps to align, then twice `steps` steps.

    `given` is the model as the user gave it; `inputs` (T, M) those from step 0 on.
    """
    run = TangentRun(model, state, k, t0, inputs, np.random.default_rng(0))
    run.align(warm)
    run.choose_interval(steps)
    begin = run.state
    length = block_length(steps, run.every)
    logs, lengths = [], []
    for _ in range(2):
        part, size = run.accumulate(steps, min(length, steps), True)
        logs.append(part)
        lengths.append(size)
    results = []
    for part, size in (*zip(logs, lengths, strict=True), (np.concatenate(logs), np.concatenate(lengths))):
        results.append(single(summarise(part[None], size, model, run.every, {})))
    both = results[2]
    if model.is_flow:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", ChaoskitWarning
            )  # a missing zero exponent is judged by the caller
            both = with_zero_exponent(both, given, begin, run.state, run.t * (model.dt or 1.0))
    order = np.argsort(-np.concatenate(logs).sum(axis=0), kind="stable")
    round_off = _INTEGRATED if model.is_flow else _STILL * float(np.finfo(model.dtype).eps) * 2 * steps
    growth = np.cumsum(np.concatenate(logs), axis=0)[:, order]
    return Stretches(results[0], results[1], both, growth, run.state, run.t, round_off)
