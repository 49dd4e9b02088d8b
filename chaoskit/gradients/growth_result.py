"""The result of `gradient_growth`, and its verdict in words."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_POWER = 1.5  # nats over the second half: what T^2, or a sum that stays bounded, gains
_DRIFT = 5.0  # the same, from which on it is no power of T that anybody meets
_ERRORS = 3.0  # standard errors between a rate and zero


@dataclass(frozen=True, repr=False)
class GradientGrowth:
    """How gradients through time grow along an orbit; logarithms are natural, rates in nats per step.

    Attributes
    ----------
    lags : ndarray of int, shape (n,)
        Steps t, about 50 of equal ratio and the ends of the windows.
    log_state : ndarray, shape (n,)
        ln of the spectral norm of dz_t/dz_0; -inf where it is 0.
    times : ndarray of int, shape (m,)
        Steps T, about 50 of equal ratio.
    log_parameters : ndarray, shape (m,), or None
        ln of the spectral norm of dz_T/dtheta, theta all trained arrays of the cell together.
    log_loss : ndarray, shape (m,), or None
        ln of the length of dL_T/dtheta, the gradient of the loss at time T alone.
    rate : float
        ln ||dz_T/dz_0|| / T at the last step.
    rate_stderr : float
        Standard error, from the spread of `window_rates`; NaN for fewer than 20 windows.
    window_rates : ndarray, shape (windows,)
        Growth of ln ||dz_t/dz_0|| per step over consecutive windows of equal length, up to the last step.
    window : int
        Steps of a window.
    exponent : float
        Largest exponent over the same steps, from the growth of three random tangents; with forcing,
        along the same states but without the factors of forcing.
    neglected : float
        Largest share of ||dz_t/dz_0|| that directions had when they were let go: not above 1e-14 unless
        `max_flops` was short, and then norms are those of the directions that were kept. It is 1 if all
        that was kept was wiped out later; norms are then the growth of three random tangents.
    forcing : str or None
        The forcing, as text.
    cell : str
        Name of the model.
    """

    lags: np.ndarray
    log_state: np.ndarray
    times: np.ndarray
    log_parameters: np.ndarray | None
    log_loss: np.ndarray | None
    rate: float
    rate_stderr: float
    window_rates: np.ndarray
    window: int
    exponent: float
    neglected: float
    forcing: str | None
    cell: str

    @property
    def steps(self) -> int:
        """Length T of the orbit."""
        return int(self.lags[-1])

    @property
    def state_trend(self) -> float:
        """Nats that ln ||dz_t/dz_0|| gains over the second half."""
        return _second_half(self.lags, self.log_state)

    @property
    def kind(self) -> str:
        """ "explodes", "vanishes", "cut", "sub-exponential" or "undecided"."""
        if self.log_state[-1] == -math.inf:
            return "cut"
        error = self.rate_stderr
        if abs(self.state_trend) <= _POWER:
            return "sub-exponential" if self.steps >= 100 else "undecided"
        if abs(self.state_trend) <= _DRIFT or math.isnan(error) or abs(self.rate) <= _ERRORS * error:
            return "undecided"
        return "explodes" if self.rate > 0 else "vanishes"

    @property
    def verdict(self) -> str:
        """Would backpropagation through time explode here, and how fast?"""
        state = self._state_verdict()
        if self.log_loss is None or not np.isfinite(self.log_loss).any():
            return state
        return f"{state}; largest ||dL_T/dtheta|| e^{self.log_loss.max():.3g}"

    def _state_verdict(self) -> str:
        kind, steps = self.kind, self.steps
        if kind == "cut":
            first = self.lags[np.isneginf(self.log_state)][0]
            return f"bounded: dz_t/dz_0 is exactly 0 from t = {first} on, if not before"
        if kind == "sub-exponential":
            return f"sub-exponential: ln ||dz_T/dz_0|| is {self.log_state[-1]:.3g} after {steps} steps"
        error = "" if math.isnan(self.rate_stderr) else f" ± {self.rate_stderr:.1g}"
        rate = f"(rate {self.rate:.4g}{error}"
        if kind == "undecided":
            return f"undecided after {steps} steps {rate}); take more"
        every = f"a factor e every {1.0 / abs(self.rate):.3g} steps {rate})"
        return f"explodes: {every}" if kind == "explodes" else f"bounded: dz_T/dz_0 falls by {every}"

    def __repr__(self) -> str:
        forced = "" if self.forcing is None else f", {self.forcing}"
        return f"GradientGrowth({self.cell}{forced}: {self.verdict}; exponent {self.exponent:.4g})"


def _second_half(times: np.ndarray, logs: np.ndarray) -> float:
    middle = int(np.searchsorted(times, times[-1] / 2))
    return float(logs[-1] - logs[middle]) if np.isfinite(logs[[middle, -1]]).all() else -math.inf
