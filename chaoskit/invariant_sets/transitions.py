"""Which bifurcation lies between two attractors, as far as their multipliers can tell."""

from __future__ import annotations

import math

import numpy as np

from .orbit_class import OrbitClass
from .recurrence import distance_of_cycles
from .scan_result import Bifurcation

_REAL = 0.05  # pi; angle up to which a multiplier counts as real
_JUMP = 10.0  # times the next move of the attractor: more is no continuous branch
_SMALL = 1e-3  # of the size of the states: no jump, however small the moves beside it
_NEUTRAL = 1e-6  # distance of a multiplier from the unit circle
_PERIODS = 0.1  # relative error of the ratio of two periods of a flow
_RETURNING = ("fixed point", "cycle")


def bifurcations(values: np.ndarray, orbits: tuple[OrbitClass, ...], size: float) -> tuple[Bifurcation, ...]:
    """Changes between neighbours among the orbits whose class is decided; `size` of the states."""
    rows = [i for i, orbit in enumerate(orbits) if orbit.kind != "undecided" and not _is_neutral(orbit)]
    found = []
    for place in range(len(rows) - 1):
        near = rows[max(place - 1, 0) : place + 3]
        at = near.index(rows[place])
        change = _between([values[i] for i in near], [orbits[i] for i in near], at, _SMALL * size)
        if change is not None:
            pair = rows[place], rows[place + 1]
            first, last = (orbits[i] for i in pair)
            detail = (
                f"{first.label} to {last.label}{_multiplier(first, 'before')}{_multiplier(last, 'after')}"
            )
            found.append(Bifurcation(float(values[pair[0]]), float(values[pair[1]]), change, detail))
    return tuple(found)


def _is_neutral(orbit: OrbitClass) -> bool:
    """On the bifurcation itself."""
    return orbit.multipliers is not None and abs(_leading(orbit) - 1.0) < _NEUTRAL


def _between(values: list, orbits: list[OrbitClass], at: int, small: float) -> str | None:
    """Kind of the change from orbit `at` to the next one, None for none; their neighbours are beside them."""
    a, b = orbits[at], orbits[at + 1]
    if "diverging" in (a.kind, b.kind):
        onset = "divergence" if b.kind == "diverging" else "return from divergence"
        return None if a.kind == b.kind else onset
    if "chaotic" in (a.kind, b.kind):
        return None if a.kind == b.kind else "onset of chaos" if b.kind == "chaotic" else "end of chaos"
    if "quasi-periodic" in (a.kind, b.kind):
        return None if a.kind == b.kind else _torus(a if b.kind == "quasi-periodic" else b)
    if a.points is None or b.points is None:
        return _of_flows(a, b)
    if len(a.points) != len(b.points):
        return _of_periods(a, b)
    return _of_one_period(values, orbits, at, small)


def _torus(cycle: OrbitClass) -> str:
    """Quasi-periodic on one side, a cycle on the other."""
    if cycle.multipliers is None or abs(cycle.multipliers[0].imag) > 0:
        return "Neimark-Sacker"
    return "change of attractor"  # a locked cycle ends in a fold, for example


def _of_flows(a: OrbitClass, b: OrbitClass) -> str | None:
    """Rest and limit cycles of a flow."""
    if a.kind != b.kind:
        rest = a if a.kind == "fixed point" else b
        turns = rest.multipliers is not None and abs(rest.multipliers[0].imag) > 0
        return "Hopf" if turns else "change of attractor"
    ratio = (b.period or 1.0) / (a.period or 1.0)
    if abs(math.log2(ratio)) < _PERIODS:
        return None
    if abs(abs(math.log2(ratio)) - round(abs(math.log2(ratio)))) < _PERIODS:
        return "period doubling" if ratio > 1 else "period halving"
    return "change of attractor"


def _of_periods(a: OrbitClass, b: OrbitClass) -> str:
    """Cycles of maps with different periods."""
    short, long = sorted((a, b), key=lambda orbit: len(orbit.points))  # type: ignore[arg-type]
    ratio = len(long.points) / len(short.points)  # type: ignore[arg-type]
    if ratio == 2 ** round(math.log2(ratio)) and _is_real(short, -1):
        return "period doubling" if b is long else "period halving"
    return "change of attractor"


def _of_one_period(values: list, orbits: list[OrbitClass], at: int, small: float) -> str | None:
    """Cycles of one period: has one followed the other through a multiplier of +1, or is it another one?"""
    last = len(orbits) - 1
    if _jumps(orbits, at, at + 1, small):
        towards = at > 0 and _is_real(orbits[at], 1) and _leading(orbits[at]) > _leading(orbits[at - 1])
        return "fold" if towards else "change of attractor"
    before = at > 0 and _reaches_one(values, orbits, (at - 1, at, at + 1), small)
    after = at + 2 <= last and _reaches_one(values, orbits, (at + 2, at + 1, at), small)
    return "pitchfork or transcritical" if before or after else None


def _jumps(orbits: list[OrbitClass], at: int, to: int, small: float) -> bool:
    """Do two neighbours lie much further apart than they do from their other neighbours?"""
    step = to - at
    others = [
        _move(orbits[i], orbits[i + step])
        for i in (at - step, at + step)
        if min(i, i + step) >= 0 and max(i, i + step) < len(orbits)
    ]
    move, known = _move(orbits[at], orbits[to]), [m for m in others if m is not None]
    return move is not None and bool(known) and move > max(small, _JUMP * max(known))


def _move(a: OrbitClass, b: OrbitClass) -> float | None:
    """Distance of two cycles of one period, None if they have not one."""
    if a.points is None or b.points is None or a.points.shape != b.points.shape:
        return None
    return distance_of_cycles(a.points, b.points)


def _reaches_one(values: list, orbits: list[OrbitClass], path: tuple[int, int, int], small: float) -> bool:
    """Would the leading multiplier have passed +1, had it gone on along the path of three neighbours?"""
    far, near, beyond = path
    if _jumps(orbits, far, near, small) or not (_is_real(orbits[far], 1) and _is_real(orbits[near], 1)):
        return False
    first, last = _leading(orbits[far]), _leading(orbits[near])
    slope = (last - first) / (values[near] - values[far])
    return last + slope * (values[beyond] - values[near]) >= 1.0 > _leading(orbits[beyond])


def _leading(orbit: OrbitClass) -> float:
    return 0.0 if orbit.multipliers is None else float(np.abs(orbit.multipliers[0]))


def _is_real(orbit: OrbitClass, sign: int) -> bool:
    """Is the leading multiplier real, with this sign?"""
    if orbit.multipliers is None:
        return False
    angle = abs(float(np.angle(orbit.multipliers[0]))) / math.pi
    return angle < _REAL if sign > 0 else angle > 1 - _REAL


def _multiplier(orbit: OrbitClass, side: str) -> str:
    if orbit.multipliers is None:
        return f"; largest exponent {orbit.exponents[0]:.3g} {side}" if orbit.kind == "chaotic" else ""
    value = orbit.multipliers[0]
    shown = f"{value.real:.4g}" if value.imag == 0 else f"{value.real:.4g} ± {abs(value.imag):.4g}i"
    return f"; multiplier {shown} {side}"
