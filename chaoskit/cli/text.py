"""What the commands say to people; machines get the same values as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .._tables import cell
from ..report import table
from ..sweeps import SweepResult
from ..training import Comparison, Evaluation


def reproduction(found: Sequence[Any], quick: bool) -> str:
    """The pages of the experiments, and where they are."""
    lines = [str(each) for each in found]
    if quick:
        lines.append("Trained for seconds only (--quick): these numbers say nothing about the method.")
    files = [str(file) for each in found for file in each.files]
    return "\n".join([*lines, f"written: {', '.join(files)}"])


def demo(report: dict[str, Any]) -> str:
    """One table for all series, a line on each, and where the files are."""
    header: list[str] = []
    rows: list[list[Any]] = []
    notes = []
    for case in report["cases"].values():
        header = case["table"]["header"]
        rows += [[case["title"]] + [""] * (len(header) - 1)]
        rows += [[f"  {name}", *values] for name, *values in case["table"]["rows"]]
        notes.append(_note(case))
    lines = [table(header, rows), "", *notes]
    if report["quick"]:
        lines.append("Trained for seconds only (--quick): these numbers say nothing about the method.")
    lines.append(
        f"{report['wall_seconds']:.0f} s; models, pages, pictures and demo.json are in {report['output']}"
    )
    return "\n".join(lines)


def _note(case: dict[str, Any]) -> str:
    found, verdict = case["data_exponent"], case["verdict"]
    unit = case["time_unit"]
    exponent = f"exponent of the data {_with_interval(found)} per {unit} ({found['quality']})"
    loop = case["network"]["closed_loop"]
    of_network = ""
    if loop is not None and loop["exponents"] is not None:
        of_network = f", of the network {cell(loop['exponents'][0])}"
    runs = case["network"]["long_runs"]
    lost = 0 if runs is None else runs["diverged"] + runs["stopped"]
    if runs is not None and lost:
        of_network += f" ({lost} of {runs['runs']} runs of {runs['steps']} steps left the attractor)"
    tau = f"tau {case['tau']} from {case['tau_from']}"
    late = f"{'better' if verdict['beats_far_too_large_tau'] else 'NOT better'} than tau "
    late += str(case["far_too_large_tau"]["tau"])
    said = " ".join([verdict["sentence"], *verdict["remarks"]])
    return f"{case['title']}: {exponent}{of_network}; {tau}; the network is {late}. {said}"


def _with_interval(values: dict[str, Any]) -> str:
    exponent, (low, high) = values["exponent"], values["interval"]
    if exponent is None or not math.isfinite(exponent):
        return "not found"
    return f"{cell(exponent)} [{cell(low)}, {cell(high)}]"


def train(values: dict[str, Any]) -> str:
    """What was trained, and what to do next."""
    taken = values["columns_taken"]
    also = "" if taken is None else f" --columns {','.join(map(str, taken))}"
    also += " --inputs LATER_INPUTS" if values["inputs"] else ""
    embedded = f", embedded with delay {values['delay']}" if values["dimension"] > 1 else ""
    lines = [
        f"series      {values['rows']} rows, {values['columns']} columns{embedded}"
        + (f" and {values['dimension']} copies" if embedded else ""),
        f"forcing     {values['forcing']}"
        + ("" if values["exponent"] is None else f" (exponent {_with_interval(values)} per unit time)"),
        f"training    {values['updates']} updates, loss {cell(values['loss'])}; kept update "
        f"{values['best_update']}, score {cell(values['validation'])}",
        f"model       {values['output']}",
        *(
            []
            if values["report"] is None
            else [
                f"report      {values['report']}, judged by the last {values['evaluation'].n_true} rows",
                values["evaluation"].verdict,
            ]
        ),
        f"compare with baselines: chaoskit evaluate {values['output']} LATER --train {values['file']}{also}",
    ]
    return "\n".join(lines)


def analyze(values: dict[str, Any]) -> str:
    """The exponent and what follows from it."""
    steps = values["recommended_tau"]
    return "\n".join(
        [
            f"series               {values['rows']} rows, {values['columns']} columns",
            f"embedding            delay {values['delay']}, dimension {values['dimension']}, "
            f"Theiler window {values['theiler']}",
            f"exponent             {_with_interval(values)} per unit time",
            f"quality              {values['quality']}",
            *([f"estimates            {values['agreement']}"] if values["agreement"] else []),
            *([f"noise or chaos       {values['origin']}"] if values["origin"] else []),
            f"noise                {cell(values['noise_level'])} of the standard deviation",
            f"dimension            {cell(values['correlation_dimension'])}",
            f"predictability time  {cell(values['predictability_time'])}",
            f"forcing interval     {'none: no chaos was shown' if steps is None else f'{steps} steps'}",
        ]
    )


def lyapunov(values: dict[str, Any]) -> str:
    """The spectrum as a table."""
    rows = [
        [i, *pair]
        for i, pair in enumerate(zip(_floats(values["exponents"]), _floats(values["stderr"]), strict=True), 1)
    ]
    return "\n".join(
        [
            table(["", f"exponent {values['units']}", "standard error"], rows),
            "",
            f"Kaplan-Yorke dimension  {cell(values['kaplan_yorke'])} ± {cell(values['kaplan_yorke_stderr'])}",
            f"sum of the positive     {cell(values['entropy'])} ± {cell(values['entropy_stderr'])}",
        ]
    )


def gradients(growths: dict[str, dict[str, Any]], picture: str | None) -> str:
    """One row and one sentence a curve."""
    header = ["", "rate per step", "standard error", "exponent of these steps"]
    rows = [[name, g["rate"], g["rate_stderr"], g["exponent"]] for name, g in growths.items()]
    lines = [table(header, rows), "", *(f"{name}: {g['verdict']}" for name, g in growths.items())]
    if picture is not None:
        lines += ["", f"drawn in {picture}"]
    return "\n".join(lines)


def _floats(values: Sequence[Any]) -> list[float]:
    return [float(value) for value in values]


def evaluate(found: Evaluation, compared: Comparison | None) -> str:
    """Every measure beside its floor and the verdict; beside the baselines if there are any."""
    return str(found) if compared is None else f"{found}\n\n{compared}"


def sweep(found: SweepResult, file: str) -> str:
    """All points, medians over seeds where there are several, and where the rest is."""
    parts = [str(found)]
    if len({row.get("seed") for row in found.rows}) > 1:
        shown = [c for c in ("divergence", "spectral_distance", "exponent_1") if c in found.columns]
        parts += [f"\nover seeds: {found.summary(column)}" for column in shown]
    return "\n".join([*parts, "", f"all columns in {file}"])
