"""The figure of the paper, gradients through time against T in three regimes; or the same of a model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from .. import cells
from ..errors import ModelFileError
from ..forcing import Forcing, Generalized, Sparse
from ..gradients import GradientGrowth, gradient_growth
from ..plot import gradient_growth as draw

_SETTLE = 1000  # steps on which a constructed network forgets its start


def gradients_by_regime(
    steps: int = 400, *, seed: int = 0, cell_class: Any = cells.Tanh
) -> dict[str, GradientGrowth]:
    """Growth of gradients of a network on a stable cycle, on an invariant circle, and on chaos.

    Parameters
    ----------
    steps : int
        Length T of the orbits.
    seed : int
        Of the random network that is chaotic.
    cell_class : class of cells
        Tanh, GRU, LSTM, or one that is piecewise linear, whose chaos is that of the tent map.

    Returns
    -------
    dict of str to GradientGrowth
    """
    imitates_tanh = hasattr(cell_class, "from_tanh")
    networks = {
        "stable 5-cycle": cells.cyclic(cell_class, 5, multiplier=0.2),
        "quasi-periodic": cells.quasi_periodic(cell_class),
        "chaotic": cells.chaotic(cell_class, 60, gain=2.5, rng=seed) if imitates_tanh
        else cells.tent(cell_class),
    }  # fmt: skip
    return {
        name: gradient_growth(network.cell, network.x0, steps, transient=_SETTLE, parameters="loss")
        for name, network in networks.items()
    }


def gradients_of_model(
    model: Any, steps: int = 400, *, series: np.ndarray | None = None, inputs: np.ndarray | None = None
) -> dict[str, GradientGrowth]:
    """What plain backpropagation would meet on a fitted model, and what the forcing it was trained with does.

    Parameters
    ----------
    model : FitResult
    steps : int
        Length T of the orbit.
    series : ndarray, shape (T + 1, D), optional
        Observations; without them there is nothing to force to.
    inputs : ndarray, shape (T, M), optional
        Of a driven network.

    Returns
    -------
    dict of str to GradientGrowth
    """
    options: dict[str, Any] = {"inputs": inputs, "parameters": "loss"}
    if series is None:
        return {"free run": gradient_growth(model, steps=steps, **options)}
    found = {"without forcing": gradient_growth(model, steps=steps, series=series, **options)}
    trained = _trained_with(model, steps)
    if trained is not None:
        name, forcing = trained
        found[name] = gradient_growth(model, steps=steps, series=series, forcing=forcing, **options)
    return found


def _trained_with(model: Any, steps: int) -> tuple[str, Forcing] | None:
    """The forcing of the training with a name for people; None where it does nothing within these steps.

    A model keeps its forcing as text, of which nothing is executed; adaptive forcing has no one strength.
    """
    if model.tau is not None:
        return (f"forced every {model.tau} steps", Sparse(model.tau)) if model.tau < steps else None
    found = re.fullmatch(r"Generalized\(alpha=([\d.e+-]+)\)", str(model.settings.get("forcing")))
    if found is None:
        return None
    return f"forced by a share {float(found[1]):.3g} in each step", Generalized(float(found[1]))


def draw_gradients(growths: dict[str, GradientGrowth], path: Any) -> Path:
    """Draw the gradients of the state and of the loss, one above the other, into a picture file.

    Raises ModelFileError if the file cannot be written, MissingDependencyError without matplotlib.
    """
    from ..plot._style import new_figure

    target = Path(path)
    shown = [q for q in ("state", "loss") if all(_has(g, q) for g in growths.values())]
    figure = new_figure(6.4, 3.4 * len(shown))
    for quantity, ax in zip(shown, np.ravel(figure.subplots(len(shown), 1)), strict=True):
        draw(list(growths.values()), quantity=quantity, labels=list(growths), ax=ax)
    try:
        figure.savefig(target)
    except (OSError, ValueError) as error:
        raise ModelFileError(f"{target}: cannot be written ({error}); choose another file") from None
    return target


def _has(growth: GradientGrowth, quantity: str) -> bool:
    return quantity == "state" or growth.log_loss is not None
