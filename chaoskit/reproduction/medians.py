"""Medians over seeds in which nothing is lost: what diverged counts as the worst."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NamedTuple

from ..sweeps import SweepResult

DISTANCES = ("divergence", "spectral_distance", "published_divergence", "published_spectral_distance")


class Spread(NamedTuple):
    """Of a measure over seeds; infinity stands for a training or a free run that diverged."""

    median: float
    least: float
    largest: float
    runs: int
    lost: int


class Setting(NamedTuple):
    """One kind of network at one place of the axis."""

    network: str
    place: Any
    spreads: dict[str, Spread | None]
    rows: list[dict[str, Any]]

    def median(self, column: str) -> float:
        """Infinity where there is none."""
        spread = self.spreads.get(column)
        return math.inf if spread is None else spread.median


def settings_of(result: SweepResult, across: str) -> list[Setting]:
    """All settings in the order of the sweep.

    Distances are infinite where a training or a free run diverged; other columns have no number there.
    """
    columns = [c for c in result.columns if c in DISTANCES or c.startswith("exponent_")]
    whole = replace(result, rows=[_with_losses(row) for row in result.rows])
    groups: dict[tuple[str, Any], list[dict[str, Any]]] = {}
    for row in whole.rows:
        groups.setdefault((row["network"], row[across]), []).append(row)
    found = [Setting(*key, {}, rows) for key, rows in groups.items()]
    for column in columns:
        # summary keeps the order in which settings come first, as the groups do
        for setting, summary in zip(found, whole.summary(column, over="seed").rows, strict=True):
            setting.spreads[column] = _spread(summary, column, setting.rows)
    return found


def _with_losses(row: dict[str, Any]) -> dict[str, Any]:
    """What failed or diverged is infinitely far; what cannot be measured of these data stays None."""
    lost = row["status"] != "done" or any(
        row.get(name) is not None for name in ("training_diverged_at", "diverged_at")
    )
    return row | dict.fromkeys([c for c in DISTANCES if c in row], math.inf) if lost else row


def _spread(summary: dict[str, Any], column: str, rows: list[dict[str, Any]]) -> Spread | None:
    if summary["median"] is None:
        return None
    lost = sum(row.get(column) == math.inf for row in rows)
    return Spread(summary["median"], summary["least"], summary["largest"], summary["points"], lost)


def best(settings: list[Setting], column: str) -> Setting | None:
    """The setting with the least median; None if all diverged."""
    finite = [s for s in settings if math.isfinite(s.median(column))]
    return min(finite, key=lambda s: s.median(column), default=None)


def networks_of(settings: list[Setting]) -> list[str]:
    """Names of the networks in their order."""
    return list(dict.fromkeys(s.network for s in settings))
