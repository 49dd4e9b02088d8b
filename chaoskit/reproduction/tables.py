"""An experiment as a page of Markdown: numbers side by side, and what they can and cannot tell."""

from __future__ import annotations

import math

from ..measures import published_2021
from ..measures.state_space import LARGEST_HISTOGRAM_DIMENSION
from ..sweeps import SweepResult
from ._markdown import line, number
from .data import DataSet
from .experiments import Experiment, Size
from .medians import Setting, Spread, best, networks_of, settings_of
from .published import Published

_NEAR = 0.1  # relative deviation of the largest exponent that is called right


def page(
    name: str,
    experiment: Experiment,
    data: DataSet,
    networks: SweepResult,
    baselines: SweepResult,
    floors: dict[str, float],
    size: Size,
) -> str:
    """The whole page; `name` is that of its figure, floors are what two true series have."""
    settings = settings_of(networks, experiment.across)
    parts = [
        f"## {experiment.title}",
        _of_data(data, networks, size),
        f"![Divergence and largest exponent of each setting]({name}.png)",
        _table(experiment, data, settings),
        _baseline_table(baselines, floors),
        "\n".join(f"* {line}" for line in _findings(experiment, data, settings, baselines, floors)),
    ]
    return "\n\n".join(parts) + "\n"


def _of_data(data: DataSet, networks: SweepResult, size: Size) -> str:
    rows, columns = data.train.shape
    exponents = ", ".join(f"{x:.4g}" for x in data.exponents)
    seconds = sum(row["seconds"] for row in networks.rows if row.get("seconds"))
    return (
        f"{rows} rows of {columns} columns to train on, as many that follow to judge by, dt = {data.dt:g}. "
        f"Exponents of the equations: {exponents} per unit time; predictability time ln 2 / lambda: "
        f"{data.predictability_time:.1f} steps. {len(networks.rows)} trainings, {size.seeds} of each "
        f"setting, {seconds / 60:.0f} minutes of processor time for the trainings. Medians over seeds; of "
        "distances with the least and the largest in brackets, where a training that failed and a run that "
        "diverged count as infinite; of exponents, of those that could be measured. The verdicts go by "
        "floors from the halves of the test data, half as long and so higher than the floor below."
    )


def _shown(spread: Spread | None) -> str:
    if spread is None:
        return "-"
    if math.isinf(spread.median):
        return f"diverged ({spread.lost} of {spread.runs})"
    if spread.runs == 1:
        return number(spread.median)
    return f"{number(spread.median)} ({number(spread.least)} to {number(spread.largest)})"


def _table(experiment: Experiment, data: DataSet, settings: list[Setting]) -> str:
    known = experiment.published
    shown = min(3, len(data.exponents))
    header = [
        "network", experiment.across, "divergence", "by the published definition",
        f"published ({known.source})" if known.divergence else "published",
        "spectral distance", *(f"exponent {k + 1}" for k in range(shown)), "verdicts",
    ]  # fmt: skip
    lines = [line(header), line(["---"] * len(header))]
    for s in settings:
        exponents = [s.spreads.get(f"exponent_{k + 1}") for k in range(shown)]
        lines.append(
            line([
                s.network, str(s.place), _shown(s.spreads.get("divergence")),
                _shown(s.spreads.get("published_divergence")), _published(known, s),
                _shown(s.spreads.get("spectral_distance")),
                *("-" if e is None else number(e.median) for e in exponents), _verdicts(s),
            ])
        )  # fmt: skip
    exponents = [number(x) for x in data.exponents[:shown]]
    lines.append(line(["equations", "", "", "", "", "", *exponents, ""]))
    return "\n".join(lines)


def _published(known: Published, setting: Setting) -> str:
    value = known.divergence.get((setting.network, setting.place))
    if value is None:
        return ""
    return "not a number" if math.isinf(value) else number(value)


def _verdicts(setting: Setting) -> str:
    words = [row["verdict"] if row["status"] == "done" else "failed" for row in setting.rows]
    return ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))


def _baseline_table(baselines: SweepResult, floors: dict[str, float]) -> str:
    header = ["baseline", "divergence", "by the published definition", "spectral distance", "verdict"]
    lines = [line(header), line(["---"] * len(header))]
    for row in baselines.rows:
        values = [row.get(n) for n in ("divergence", "published_divergence", "spectral_distance")]
        lost = row.get("diverged_at") is not None
        shown = ["diverged" if value is None and lost else number(value) for value in values]
        lines.append(line([row["baseline"], *shown, str(row.get("verdict") or row["error"])]))
    values = [floors.get(n) for n in ("divergence", "published_divergence", "spectral_distance")]
    lines.append(line(["floor: two true series", *map(number, values), ""]))
    return "\n".join(lines)


def _findings(
    experiment: Experiment,
    data: DataSet,
    settings: list[Setting],
    baselines: SweepResult,
    floors: dict[str, float],
) -> list[str]:
    """What follows from the numbers, in sentences."""
    found = [*_optima(experiment, data, settings), *_below(settings, baselines, floors)]
    scored = (data.test - data.train.mean(axis=0)) / data.train.std(axis=0)
    if data.embedding is None and data.test.shape[1] <= LARGEST_HISTOGRAM_DIMENSION:
        shares = [published_2021.counted_share(series) for series in (scored, data.test)]
        found.append(
            f"The box of the published divergence holds {shares[0]:.0%} of the rows of this series at "
            f"z-score, and {shares[1]:.0%} of them in its own units."
        )
    if data.inputs is not None:
        found.append("The networks get the force as an input; the baselines know nothing of it.")
    failed = [row["error"] for s in settings for row in s.rows if row["status"] != "done"]
    if failed:
        found.append(f"{len(failed)} trainings failed, such as {failed[0]}.")
    found += _noise(settings, baselines)
    found += _exponents(data, settings, floors)
    return found


def _optima(experiment: Experiment, data: DataSet, settings: list[Setting]) -> list[str]:
    if experiment.across != "interval":
        return []
    lines = []
    for name in networks_of(settings):
        own = [s for s in settings if s.network == name and isinstance(s.place, int)]
        places = []
        for column, words in (("divergence", ""), ("published_divergence", " by the published definition")):
            at = best(own, column)
            if at is not None:
                share = at.place / data.predictability_time
                places.append(
                    f"{at.place} steps{words} ({share:.2f} of the predictability time, "
                    f"{number(at.median(column))})"
                )
        if places:
            lines.append(f"{name}: the least median is at {' and at '.join(places)}.")
    return lines


def _below(settings: list[Setting], baselines: SweepResult, floors: dict[str, float]) -> list[str]:
    """Who is better than the best networks."""
    at = best(settings, "divergence")
    floor = floors.get("divergence")
    if at is None or floor is None:
        return []
    value = at.median("divergence")
    cheap = [
        f"{row['baseline']} ({number(row['divergence'])})"
        for row in baselines.rows
        if row.get("divergence") is not None and max(row["divergence"], floor) < max(value, floor)
    ]
    start = (
        f"The best setting, {at.network} at {at.place}, has a median divergence of {number(value)}; the "
        f"floor is {number(floor)}."
    )
    if cheap:
        return [start + f" Better, and without training by gradients: {', '.join(cheap)}."]
    return [start + " No baseline is better; values below the floor count as the floor."]


def _noise(settings: list[Setting], baselines: SweepResult) -> list[str]:
    """Which networks are worse than independent Gaussian rows."""
    noise = next((row for row in baselines.rows if row["baseline"] == "Gaussian noise"), {})
    lines = []
    for column, words in (("divergence", ""), ("published_divergence", " by the published definition")):
        limit = noise.get(column)
        if limit is None:
            continue
        worse = sum(s.median(column) > limit for s in settings)
        lines.append(
            f"Independent Gaussian rows, which know no dynamics, score {number(limit)}{words}: {worse} of "
            f"{len(settings)} settings are worse."
        )
    return lines


def _exponents(data: DataSet, settings: list[Setting], floors: dict[str, float]) -> list[str]:
    """How many runs have the divergence of true data and not its exponent."""
    true, floor = data.exponents[0], floors.get("divergence")
    if floor is None:
        return []
    rows = [row for s in settings for row in s.rows if row["status"] == "done"]
    near = [row for row in rows if row["divergence"] <= 2.0 * floor and row.get("exponent_1") is not None]
    right = [row for row in near if abs(row["exponent_1"] / true - 1.0) <= _NEAR]
    chaotic = [row for row in rows if (row.get("exponent_1") or 0.0) > 0.1 * true]
    return [
        f"{len(near)} of {len(rows)} networks have at most twice the floor; of these {len(right)} have the "
        f"largest exponent within {_NEAR:.0%}. {len(chaotic)} are chaotic at all (an exponent above a tenth "
        "of the true one)."
    ]
