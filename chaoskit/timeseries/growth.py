"""Growth curves with a floor of noise and a ceiling: fitted to how far neighbours have parted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

STEPS = 60  # of the fit, from each start
LOWEST = 12.0  # a floor this many nats below the curve is none
STEEPEST = 3.0  # power of time of a squared distance: diffusion 1, drift 2, a steered drift 3


@dataclass(frozen=True)
class Growth:
    """A fitted curve, squared distance = noise + 1 / (1 / growth + 1 / size), all in log distances.

    Attributes
    ----------
    rate : float
        Exponent per unit of the times, or the power of time of the distance.
    floor, start, ceiling : float
        Log distance of the noise, of the growing part at time 0 (power law: at time 1), of the attractor.
    misfit : float
        Root mean square distance of the curve from the values, in nats.
    """

    rate: float
    floor: float
    start: float
    ceiling: float
    misfit: float


NO_GROWTH = Growth(math.nan, math.nan, math.nan, math.nan, misfit=math.inf)  # nothing can be fitted


def exponential_growth(times: np.ndarray, values: np.ndarray) -> Growth:
    """Least-squares curve whose growing part is exponential: log distance = start + rate * time.

    Parameters
    ----------
    times, values : ndarray, shape (L,), float64
        Times from 0 on, and the log distances.
    """
    first, last = 2 * values[0], times[-1]
    starts = [
        (first + np.log(share), first + np.log1p(-share), np.log(nats / last), 2 * values.max())
        for share in (0.05, 0.5, 0.95)
        for nats in (1.5, 4.0, 10.0)
    ]
    parameters, misfit = _least_squares(np.array(starts), times, values[None, :], _exponential)
    floor, start, log_rate, ceiling = parameters[np.argmin(misfit)]
    return Growth(
        float(np.exp(log_rate)), float(floor / 2), float(start / 2), float(ceiling / 2), float(misfit.min())
    )


def power_growth(times: np.ndarray, values: np.ndarray) -> Growth:
    """The same with a power of time in place of the exponential: how correlated noise parts."""
    first = 2 * values[0]
    starts = [
        (first + np.log(share), first + np.log1p(-share) - power * np.log(times[1]), power, 2 * values.max())
        for share in (0.05, 0.5, 0.95)
        for power in (0.5, 1.0, 2.0)
    ]
    parameters, misfit = _least_squares(np.array(starts), times + times[1], values[None, :], _power)
    floor, start, power, ceiling = parameters[np.argmin(misfit)]
    return Growth(
        float(power / 2), float(floor / 2), float(start / 2), float(ceiling / 2), float(misfit.min())
    )


def resampled_rates(times: np.ndarray, curves: np.ndarray, centre: Growth) -> np.ndarray:
    """Rates of exponential curves fitted to each row of `curves`, (R, L), from one fit as the start."""
    start = np.array([2 * centre.floor, 2 * centre.start, np.log(centre.rate), 2 * centre.ceiling])
    parameters, _ = _least_squares(np.tile(start, (len(curves), 1)), times, curves, _exponential, STEPS // 3)
    return np.exp(parameters[:, 2])


def _exponential(parameters, times):
    """Log of the squared growing distance and its derivatives by the two parameters of it."""
    twice = 2 * np.exp(parameters[:, 2:3]) * times
    return parameters[:, 1:2] + twice, twice


def _power(parameters, times):
    logs = np.log(times) + 0 * parameters[:, :1]
    return parameters[:, 1:2] + parameters[:, 2:3] * logs, logs


def _curve(parameters, times, form):
    """Log distances (R, L) and their derivatives (R, L, 4)."""
    growing, by_rate = form(parameters, times)
    floor, size = parameters[:, :1], parameters[:, 3:]
    bounded = -np.logaddexp(-growing, -size)
    whole = np.logaddexp(floor, bounded)
    by_bounded = np.exp(bounded - whole)
    by_growing = by_bounded * np.exp(bounded - growing)
    slopes = np.stack(
        [np.exp(floor - whole), by_growing, by_growing * by_rate, by_bounded * np.exp(bounded - size)], axis=2
    )
    return whole / 2, slopes / 2


def _least_squares(parameters, times, values, form, steps=STEPS):
    """Levenberg-Marquardt from every row of `parameters` at once: the best of each, and its misfit."""
    low, high = values.min(), values.max()
    rates = (0.05, STEEPEST) if form is _power else np.log(np.array([1e-2, 1e3]) / times[-1])
    lower = np.array([2 * low - LOWEST, 2 * low - 60.0, rates[0], 2 * high - 1.0])
    upper = np.array([2 * high, 2 * high + 10.0, rates[1], 2 * high + 4.0])
    parameters = np.clip(parameters, lower, upper)
    model, slopes = _curve(parameters, times, form)
    residual = model - values
    cost, damping = (residual**2).mean(axis=1), np.full(len(parameters), 1e-2)
    for _ in range(steps):
        normal = np.einsum("rli,rlj->rij", slopes, slopes)
        downhill = np.einsum("rli,rl->ri", slopes, residual)
        diagonal = np.einsum("rii->ri", normal)
        diagonal += damping[:, None] * (diagonal + 1e-9) + 1e-12
        tried = np.clip(parameters - np.linalg.solve(normal, downhill[:, :, None])[:, :, 0], lower, upper)
        model, new_slopes = _curve(tried, times, form)
        new_residual = model - values
        new_cost = (new_residual**2).mean(axis=1)
        better = new_cost < cost
        parameters = np.where(better[:, None], tried, parameters)
        slopes = np.where(better[:, None, None], new_slopes, slopes)
        residual = np.where(better[:, None], new_residual, residual)
        cost = np.where(better, new_cost, cost)
        damping = np.clip(np.where(better, damping / 3, damping * 4), 1e-9, 1e6)
    return parameters, np.sqrt(cost)
