"""The result of a Lyapunov spectrum, and how it comes from the sums of logarithms."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .model import Model
from .statistics import kaplan_yorke, mean_errors


@dataclass(frozen=True, repr=False)
class LyapunovResult:
    """A Lyapunov spectrum, or those of an ensemble: then every array but `times` has a leading batch axis.

    Attributes
    ----------
    exponents : ndarray, shape (k,)
        Descending, in nats; -inf for directions that the Jacobian wipes out.
    stderr : ndarray, shape (k,)
        Standard errors by batch means; NaN where the run is too short to tell (fewer than 20 blocks). Where
        `deterministic`, a bound of the error.
    confidence_interval : ndarray, shape (k, 2)
        95 % interval of each exponent, by Student's t.
    n_effective : ndarray, shape (k,)
        Number of independent samples the run was worth.
    deterministic : ndarray of bool, shape (k,)
        True for an exponent whose time average has no asymptotic variance: its finite-time sums stay within
        a constant C of their mean, so that it is right to C / T and has no standard error. The zero exponent
        of a flow is one, and those of maps with constant or cohomologous local growth (logistic map at 4).
        The other exponents of a flow are not, though in short runs the oscillation of their sums hides that
        they diffuse; their error is then the larger of bound and standard error.
    history : ndarray, shape (n, k)
        Estimates from the first blocks up to each of `times`, in the order of the exponents.
    times : ndarray, shape (n,)
        Steps, or time, accumulated at each row of the history.
    kaplan_yorke, kaplan_yorke_stderr : float
        Kaplan-Yorke dimension; NaN if the exponents asked for do not reach it.
    entropy, entropy_stderr : float
        Sum of the positive exponents (Pesin's bound of the entropy), in the units of the exponents.
    zero_exponent : int or None
        Which exponent is the zero that every autonomous flow has along its orbit; None for a map, a cell, a
        driven flow, an orbit at rest, or if k exponents do not reach it.
    qr_every : int
        Steps between two orthonormalisations at the end of the run.
    jacobian : str
        "analytic" or "finite difference".
    units : str
        "per step" or "per unit time".
    checks : dict
        Identities measured along the run; see `lyapunov_spectrum`.
    diverged_at : ndarray of int, shape (batch,), or None
        For an ensemble: the step by which each member was no longer finite (small cells are looked at once a
        block), 0 for one that stayed so.
    """

    exponents: np.ndarray
    stderr: np.ndarray
    history: np.ndarray
    times: np.ndarray
    kaplan_yorke: Any
    kaplan_yorke_stderr: Any
    entropy: Any
    entropy_stderr: Any
    n_effective: np.ndarray
    qr_every: int
    jacobian: str
    units: str
    checks: dict[str, float]
    confidence_interval: np.ndarray
    deterministic: np.ndarray
    zero_exponent: int | None = None
    diverged_at: np.ndarray | None = None

    def __repr__(self) -> str:
        if self.exponents.ndim == 2:
            lost = int(np.isnan(self.exponents[:, 0]).sum())
            largest = self.exponents[:, 0][~np.isnan(self.exponents[:, 0])]
            span = f"{largest.min():.4g} to {largest.max():.4g}" if largest.size else "none"
            return (
                f"LyapunovResult({len(self.exponents)} members, {lost} diverged, "
                f"largest exponents {span} {self.units})"
            )
        shown = ", ".join(self._entry(i) for i in range(min(6, len(self.exponents))))
        more = ", ..." if len(self.exponents) > 6 else ""
        return f"LyapunovResult([{shown}{more}] {self.units}, Kaplan-Yorke {self.kaplan_yorke:.4g})"

    def _entry(self, i: int) -> str:
        value, error = self.exponents[i], self.stderr[i]
        if self.deterministic[i]:
            return f"{value:.4g} (deterministic, within {error:.1g})"
        return f"{value:.4g}" if math.isinf(value) else f"{value:.4g} ± {error:.1g}"


def summarise(
    logs: np.ndarray, lengths: np.ndarray, model: Model, every: int, checks: dict[str, float]
) -> LyapunovResult:
    """Averages, errors and derived quantities of sums of logarithms (members, blocks, k) in nats."""
    per = model.dt or 1.0
    logs = logs / per
    elapsed = np.cumsum(lengths)
    with np.errstate(invalid="ignore"):
        history = np.cumsum(logs, axis=1) / elapsed[:, None]
    order = np.argsort(-history[:, -1], axis=1, kind="stable")[:, None]
    history = np.take_along_axis(history, order, axis=2)
    exponents = history[:, -1].copy()
    whole = lengths == lengths[0]  # a shorter last block would weigh too much
    rates = np.take_along_axis(logs, order, axis=2)[:, whole] / lengths[0]
    errors = _errors_of_members(rates)
    stderr = np.where(np.isneginf(exponents), 0.0, errors.stderr)
    half = np.where(np.isneginf(exponents), 0.0, errors.half_width)
    deterministic = errors.deterministic
    if model.is_flow:
        deterministic = deterministic & (_constant(rates) | (np.abs(exponents) <= 4 * stderr))
    derived = _derived(exponents, rates, model.dim)
    return LyapunovResult(
        exponents=exponents,
        stderr=stderr,
        confidence_interval=np.stack([exponents - half, exponents + half], axis=-1),
        n_effective=errors.n_effective,
        deterministic=deterministic,
        history=history,
        times=elapsed * per,
        **derived,
        qr_every=every,
        jacobian=model.jacobian,
        units="per step" if model.dt is None else "per unit time",
        checks=checks,
    )


def _constant(rates: np.ndarray) -> np.ndarray:
    """Columns of (members, blocks, k) that do not change."""
    with np.errstate(invalid="ignore"):
        return rates.std(axis=1) <= 1e-9 * np.abs(rates.mean(axis=1)) + 1e-12


def _errors_of_members(rates: np.ndarray) -> Any:
    """`mean_errors` of every column of (members, blocks, k), back in the shape (members, k)."""
    members, blocks, k = rates.shape
    errors = mean_errors(rates.transpose(1, 0, 2).reshape(blocks, members * k))
    return type(errors)(*(np.reshape(part, (members, k)) for part in errors))


def _derived(exponents: np.ndarray, rates: np.ndarray, dim: int) -> dict[str, Any]:
    """Kaplan-Yorke dimension and entropy of each member, with errors to first order."""
    members, k = exponents.shape
    dimension, gradient = np.empty(members), np.zeros((members, k))
    for i, values in enumerate(exponents):
        dimension[i], gradient[i] = kaplan_yorke(values)
        if np.isnan(dimension[i]) and k == dim and not np.isnan(values).any():
            dimension[i] = dim  # no volume shrinks: the orbit fills the space
    positive = exponents > 0
    with np.errstate(invalid="ignore"):
        known = np.where(np.isfinite(rates), rates, 0.0)  # what is minus infinity has no weight
        series = [np.einsum("mbk,mk->bm", known, weight) for weight in (gradient, positive.astype(float))]
    broken = np.isnan(exponents).any(axis=1)
    entropy = np.where(positive, exponents, 0.0).sum(axis=1)
    errors = [
        np.where(w.any(axis=1), mean_errors(s).stderr, 0.0)
        for s, w in zip(series, (gradient, positive), strict=True)
    ]
    for value in (dimension, entropy, *errors):
        value[broken] = np.nan
    return {
        "kaplan_yorke": dimension,
        "kaplan_yorke_stderr": errors[0],
        "entropy": entropy,
        "entropy_stderr": errors[1],
    }


def single(result: LyapunovResult) -> LyapunovResult:
    """The result of the only member, without the batch axis."""
    names = (
        "exponents", "stderr", "confidence_interval", "n_effective", "deterministic", "history",
        "kaplan_yorke", "kaplan_yorke_stderr", "entropy", "entropy_stderr",
    )  # fmt: skip
    parts = {name: getattr(result, name)[0] for name in names}
    return replace(result, **parts)
