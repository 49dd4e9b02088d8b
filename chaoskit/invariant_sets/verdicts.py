"""Verdicts on orbits that do not return, from their exponents over two stretches."""

from __future__ import annotations

import numpy as np

from .recurrence import Recurrence
from .section_returns import section_return
from .stretches import SIGNIFICANT, Stretches

Verdict = tuple[str, str, float | None]  # kind, reason, period


def of_map(
    parts: Stretches, recurrence: Recurrence, states: np.ndarray, max_period: int, dt: float | None
) -> Verdict:
    """Verdict on a bounded orbit of a map or cell without an exact return."""
    if parts.is_chaotic and not recurrence.drifting:
        return "chaotic", _chaos(parts), None
    if parts.is_negative(0):
        reason = (
            f"the largest exponent is {_value(parts, 0)} {parts.both.units}; yet no return within "
            f"max_period={max_period} steps has settled; take a longer transient, or a larger max_period"
        )
        return "undecided", reason + _drift(recurrence), None
    if parts.is_zero(0) and not recurrence.drifting:
        reason = f"bounded, no return within {max_period} steps, " + _no_growth(parts, 0)
        return "quasi-periodic", reason, None
    return "undecided", _between(parts) + _drift(recurrence), None


def of_flow(
    parts: Stretches, recurrence: Recurrence, states: np.ndarray, max_period: int, dt: float | None
) -> Verdict:
    """Verdict on a bounded orbit of a flow that is not at rest."""
    if parts.is_chaotic and not recurrence.drifting:
        return "chaotic", _chaos(parts), None
    zero = parts.both.zero_exponent
    others = [i for i in range(len(parts.both.exponents)) if i != zero]
    found = section_return(states, max_period)
    if found is not None and all(parts.is_negative(i) for i in others):
        reason = (
            f"crosses a section {found.crossings} times a period, in the same points to {found.distance:.0e} "
            f"of the spread; exponents {_all(parts)}"
        )
        return "cycle", reason, found.period * (dt or 1.0)
    # the velocity is a tangent that neither grows nor shrinks: a torus needs one more
    neutral = [i for i in others if parts.is_zero(i, bounded=True)]
    if found is None and neutral and neutral[0] == min(others) and not recurrence.drifting:
        reason = f"no return within {max_period} crossings, " + _no_growth(parts, neutral[0])
        return "quasi-periodic", reason, None
    return "undecided", _between(parts) + _drift(recurrence), None


def _chaos(parts: Stretches) -> str:
    errors = [part.exponents[0] / part.stderr[0] for part in (parts.first, parts.second) if part.stderr[0]]
    least = f", {min(errors):.3g} standard errors at least" if errors else ""
    return (
        f"largest exponent {_value(parts, 0)} {parts.both.units} ({parts.first.exponents[0]:.4g} and "
        f"{parts.second.exponents[0]:.4g} in two stretches{least})"
    )


def _no_growth(parts: Stretches, index: int) -> str:
    column = parts.growth[:, index]
    swing = float(np.ptp(np.append(column, 0.0)))
    return f"exponent {_value(parts, index)}: over all steps ln of the growth stays within {swing:.2g}"


def _between(parts: Stretches) -> str:
    return (
        f"largest exponent {_value(parts, 0)} {parts.both.units} ({parts.first.exponents[0]:.3g} and "
        f"{parts.second.exponents[0]:.3g} in two stretches): neither above zero by {SIGNIFICANT:.0f} "
        "standard errors and 10 nats in both, nor zero, nor a settled cycle; take more steps and a longer "
        "transient"
    )


def _drift(recurrence: Recurrence) -> str:
    if not recurrence.drifting:
        return ""
    return (
        f"; distances over {recurrence.drifting} steps change by exp({recurrence.rate:.2g}) a step: "
        "the orbit has not settled"
    )


def _value(parts: Stretches, index: int) -> str:
    return f"{parts.both.exponents[index]:.4g} ± {parts.both.stderr[index]:.1g}"


def _all(parts: Stretches) -> str:
    return ", ".join(_value(parts, i) for i in range(len(parts.both.exponents)))
