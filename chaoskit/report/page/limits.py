"""What a report cannot tell, and what its reader should beware of, in plain words."""

from __future__ import annotations

import math

from .findings import Findings
from .html import Html, bullets, section, tag

_FEW_TIMES = 50  # Lyapunov times of held-out data, below which measures are loose
_COARSE_NOISE = 0.05
_HIGH_FLOOR = 1.0  # nats


def limits_section(f: Findings) -> Html:
    """Warnings about this training, and what no such page can tell."""
    found = warnings_of(f)
    return section(
        "limits", "Limits and warnings",
        tag("h3", "About these data and this network"),
        bullets(found if found else ["Nothing unusual was seen."]),
        tag("h3", "In general"),
        bullets(_ALWAYS),
    )  # fmt: skip


_ALWAYS = (
    "Everything is judged on the held-out end of one series. Where the system changed on the way, or has "
    "states that were never visited, this page does not know.",
    "No measure stands alone: shuffled rows have a perfect divergence, noise of the right colour a perfect "
    "spectrum. The verdict needs divergence, spectrum and exponent together.",
    "An exponent from a series is an estimate that assumes a stationary, deterministic system with little "
    "noise. Its interval holds the scatter of the data, not a violation of these assumptions.",
    "Trainings from other seeds end at other networks. One good network does not show that the method is "
    "reliable on these data, one bad network not that it fails.",
    "Forecasts of chaos hold for a few predictability times, whatever the model.",
)


def warnings_of(f: Findings) -> list[str]:
    """What is unusual about data, training and network, a sentence each."""
    said = [*_of_data(f), *_of_training(f), *_of_network(f)]
    return [text[:1].upper() + text[1:] for text in said]


def _of_data(f: Findings) -> list[str]:
    found, said = f.estimate, []
    if found.recommended_tau is None:
        said.append(f"The data are not shown to be chaotic: {found.quality}.")
    elif found.quality != "good":
        said.append(f"The exponent of the data is {found.quality}.")
    if found.noise_level > _COARSE_NOISE:
        said.append(
            f"{100 * found.noise_level:.2g} % of the data is noise. A deterministic network cannot "
            "reproduce it, so its divergence and spectrum may stay above the floor."
        )
    if f.recommendation.sampling != "good":
        said.append(f"Sampling is {f.recommendation.sampling}: {f.recommendation.reasons['sampling']}.")
    floor = f.evaluation.state_space_floor
    if floor is not None and floor > _HIGH_FLOOR:
        said.append(
            f"Two halves of the held-out data have a divergence of {floor:.3g}: there are too few rows for "
            "this measure to tell a good model from a fair one. Look at the pictures, or hold out more."
        )
    if math.isfinite(found.exponent) and found.exponent > 0:
        times = len(f.test) * f.model.dt * found.exponent
        if times < _FEW_TIMES:
            said.append(
                f"The held-out data last {times:.2g} Lyapunov times only; floors and intervals are wide."
            )
    return said


def _of_training(f: Findings) -> list[str]:
    model, said = f.model, [remark.rstrip(".") + "." for remark in f.remarks]
    wanted, states = f.recommendation.least_states, model.start_state.size
    if wanted is not None and states < wanted:
        said.append(f"The network has {states} states; the attractor of the data needs at least {wanted}.")
    if model.diverged_at is not None:
        said.append(f"Training broke off at update {model.diverged_at}.")
    updates = len(model.history["loss"])
    if updates and model.best_update >= 0.98 * updates:
        said.append("The last network was the best one: a longer training might be better.")
    return said


def _of_network(f: Findings) -> list[str]:
    compared = f.comparison
    said = [text.rstrip(".") + "." for text in (*f.evaluation.remarks, *compared.remarks)]
    exponents, errors = f.evaluation.exponents, f.evaluation.exponents_stderr
    if exponents is not None and errors is not None and exponents[0] + 2 * errors[0] < 0:
        said.append(
            "The network's largest exponent is negative: left to itself it settles and is not chaotic."
        )
    if compared.better:
        said.append(compared.verdict)
    if not isinstance(f.fixed, str):
        stable = int(f.fixed.stable.sum())
        if stable:
            traps = "a stable fixed point" if stable == 1 else f"{stable} stable fixed points"
            said.append(f"The network has {traps}: a free run from elsewhere may end there.")
        if not f.fixed.exhaustive:
            said.append("The search for fixed points was not exhaustive: there may be more.")
    return said
