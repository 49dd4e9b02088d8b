"""The figure of an experiment: measures and exponent of each setting, with floors, baselines and tau_pred."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

from .._files import write_whole
from ..plot._style import ACCENT, FAINT, GENERATED, INK, TRUE, labels, new_figure, plane
from ..sweeps import SweepResult
from .data import DataSet
from .experiments import Experiment
from .medians import Setting, networks_of, settings_of

_COLOURS = (TRUE, GENERATED, ACCENT, "#CC79A7")  # Okabe and Ito, as all plots
_PANELS = (
    ("divergence", "State-space divergence"),
    ("published_divergence", "Divergence, published definition"),
    ("exponent_1", "Largest exponent"),
)
_APART = 0.06  # between the networks of one place, so that their error bars can be told apart
_NAMES_APART = 0.05  # between the names of two lines, as a share of the height
# room on the right for the names of the lines, above for the legend
_FRAME = {"left": 0.11, "right": 0.76, "top": 0.94, "bottom": 0.1, "hspace": 0.08}


def draw(
    experiment: Experiment,
    data: DataSet,
    networks: SweepResult,
    baselines: SweepResult,
    floors: dict[str, float],
    path: Path,
) -> None:
    """Draw all panels into a picture file."""
    settings = settings_of(networks, experiment.across)
    colours: dict[str, str] = dict(zip(networks_of(settings), _COLOURS, strict=False))
    figure = new_figure(8.2, 9.6)
    figure.set_layout_engine("none")  # which knows nothing of names beside the axes
    panels = figure.subplots(3, 1, sharex=True, gridspec_kw=_FRAME)
    for ax, (column, title) in zip(panels, _PANELS, strict=True):
        axes = plane(ax)
        _axis(axes, experiment, data, settings)
        _settings(axes, settings, column, colours)
        if column == "exponent_1":
            axes.set_yscale("symlog", linthresh=data.exponents[0])
            axes.axhline(data.exponents[0], color=INK, linewidth=1.0, linestyle="--", zorder=0)
            right = axes.get_yaxis_transform()
            axes.text(1.01, data.exponents[0], "equations", transform=right, fontsize=7, va="center")
        else:
            axes.set_yscale("log")
            axes.yaxis.set_minor_formatter("")
            if column == "published_divergence" and experiment.published.of_the_paper:
                _published(axes, experiment, settings, colours)
            _references(axes, floors.get(column), baselines, column)
        labels(axes, "", title)
    labels(panels[-1], "Forcing interval (steps)" if experiment.across == "interval" else "", title)
    named: dict[str, Any] = {}
    for panel in panels:
        named |= dict(zip(*panel.get_legend_handles_labels()[::-1], strict=True))
    figure.legend(list(named.values()), list(named), loc="upper left", ncols=3, frameon=False, fontsize=8)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    write_whole(path, lambda file: file.write(picture.getvalue()))


def _numbers(settings: list[Setting]) -> list[int]:
    return list(dict.fromkeys(s.place for s in settings if isinstance(s.place, int)))


def _words(settings: list[Setting]) -> list[str]:
    return list(dict.fromkeys(s.place for s in settings if isinstance(s.place, str)))


def _axis(ax: Any, experiment: Experiment, data: DataSet, settings: list[Setting]) -> None:
    """Intervals in logarithms with the predictability time, or schemes by name."""
    if experiment.across != "interval":
        words = _words(settings)
        ax.set_xticks(range(len(words)), words, rotation=20, ha="right")
        ax.set_xlim(-0.6, len(words) - 0.4)
        return
    places, time = _numbers(settings), data.predictability_time
    ax.set_xscale("log")
    ax.set_xticks(places, [str(place) for place in places])
    ax.minorticks_off()
    ax.axvspan(time / 2.0, time, color=FAINT, alpha=0.35, linewidth=0)
    ax.axvline(time, color=INK, linewidth=1.0, linestyle=":", label="ln 2 / λ; shaded from its half on")


def _settings(ax: Any, settings: list[Setting], column: str, colours: dict[str, str]) -> None:
    """A curve for each network; a setting without a place among numbers is a line across."""
    numeric, words = bool(_numbers(settings)), _words(settings)
    for k, (name, colour) in enumerate(colours.items()):
        shift = (k - (len(colours) - 1) / 2.0) * _APART
        own = [s for s in settings if s.network == name]
        if not numeric:
            at = [words.index(s.place) + 2.0 * shift for s in own]
            _curve(ax, at, own, column, colour, name, "none")
            continue
        curve = [s for s in own if isinstance(s.place, int)]
        _curve(ax, [s.place * (1.0 + shift) for s in curve], curve, column, colour, name, "-")
        for s in own:
            if s not in curve and math.isfinite(s.median(column)):
                ax.axhline(s.median(column), color=colour, linewidth=1.2, label=name)


def _curve(
    ax: Any, at: list[float], settings: list[Setting], column: str, colour: str, name: str, style: str
) -> None:
    """Medians with bars from the least to the largest; what diverged is a cross at the upper edge."""
    spreads = [s.spreads.get(column) for s in settings]
    there = [(x, s) for x, s in zip(at, spreads, strict=True) if s is not None and math.isfinite(s.median)]
    if there:
        x, middles = [x for x, _ in there], [s.median for _, s in there]
        below = [s.median - s.least for _, s in there]
        above = [s.largest - s.median if math.isfinite(s.largest) else 0.0 for _, s in there]
        ax.errorbar(
            x, middles, yerr=[below, above], color=colour, label=name, marker="o", markersize=4,
            linestyle=style, linewidth=1.2, capsize=2,
        )  # fmt: skip
    lost = [x for x, s in zip(at, spreads, strict=True) if s is not None and math.isinf(s.largest)]
    ax.plot(lost, [0.97] * len(lost), "x", color=colour, transform=ax.get_xaxis_transform(), clip_on=False)


def _published(ax: Any, experiment: Experiment, settings: list[Setting], colours: dict[str, str]) -> None:
    """Published numbers as hollow squares."""
    words = _words(settings)
    label = "published"
    for (name, place), value in experiment.published.divergence.items():
        if (
            name in colours
            and value < math.inf
            and any(s.network == name and s.place == place for s in settings)
        ):
            at = place if isinstance(place, int) else words.index(place)
            style = {"marker": "s", "markersize": 6, "markerfacecolor": "none", "linestyle": "none"}
            ax.plot([at], [value], color=colours[name], label=label, **style)
            label = ""


def _references(ax: Any, floor: float | None, baselines: SweepResult, column: str) -> None:
    """Floor and baselines as lines, named at the right edge; names that would meet are moved apart."""
    lines = {} if floor is None else {"floor": floor}
    lines |= {r["baseline"]: r[column] for r in baselines.rows if r.get(column) and r[column] < math.inf}
    for name, value in lines.items():
        ax.axhline(value, color=INK if name == "floor" else FAINT, linewidth=1.0, linestyle="--", zorder=0)
    ax.autoscale_view()
    height, scale = -math.inf, ax.transAxes.inverted()
    for name, value in sorted(lines.items(), key=lambda pair: pair[1]):
        place = scale.transform(ax.transData.transform((1.0, value)))[1]
        height = max(place, height + _NAMES_APART)
        ax.text(1.01, height, name, transform=ax.transAxes, fontsize=7, va="center", color=INK)
