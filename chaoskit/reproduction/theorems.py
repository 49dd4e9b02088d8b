"""The gradient figures: bounded on cycles, sub-exponential on invariant circles, exploding on chaos."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import cells
from .._files import make_folder, write_whole
from ..gradients import GradientGrowth
from ..report.gradient_figure import draw_gradients, gradients_by_regime
from ._markdown import line, number

_STEPS, _QUICK = 4_000, 400
_CLASSES = {"tanh RNN": cells.Tanh, "LSTM": cells.LSTM, "GRU": cells.GRU, "PLRNN": cells.PLRNN}


@dataclass(frozen=True, repr=False)
class Theorems:
    """Gradients of four kinds of networks in three regimes.

    Attributes
    ----------
    growths : dict of dict of GradientGrowth
        By network and regime.
    page : str
        The table, in Markdown.
    files : tuple of Path
        theorems.md and theorems.png.
    """

    growths: dict[str, dict[str, GradientGrowth]]
    page: str
    files: tuple[Path, ...]

    def __repr__(self) -> str:
        return f"Theorems({', '.join(self.growths)})"

    def __str__(self) -> str:
        return self.page

    def values(self) -> dict[str, Any]:
        """Rates, exponents and verdicts by network and regime."""
        return {
            name: {
                regime: {"exponent": g.exponent, "rate": g.rate, "stderr": g.rate_stderr, "kind": g.kind}
                for regime, g in regimes.items()
            }
            for name, regimes in self.growths.items()
        }


def theorems(out: Any, *, quick: bool = False) -> Theorems:
    """Follow gradients on stable cycles, invariant circles and chaos, and draw those of the tanh network."""
    folder, steps = make_folder(out, "folder"), _QUICK if quick else _STEPS
    growths = {name: gradients_by_regime(steps, cell_class=kind) for name, kind in _CLASSES.items()}
    text = _page(growths, steps)
    files = folder / "theorems.md", folder / "theorems.png"
    write_whole(files[0], lambda file: file.write(text.encode()))
    draw_gradients(growths["tanh RNN"], files[1])
    return Theorems(growths, text, files)


def _page(growths: dict[str, dict[str, GradientGrowth]], steps: int) -> str:
    times = next(iter(growths["tanh RNN"].values())).times
    middle = int(times[times <= steps / 2].max())
    header = [
        "network", "orbit", "largest exponent", "growth of dz_T/dz_0",
        f"ln of the largest dL_T/dtheta, T up to {middle}", f"T up to {steps}", "verdict",
    ]  # fmt: skip
    rows = [line(header), line(["---"] * len(header))]
    for name, regimes in growths.items():
        rows += [line([name, regime, *_cells(growth, middle)]) for regime, growth in regimes.items()]
    return (
        "## Gradients follow the exponent\n\n"
        f"Networks whose orbits are known by construction, {steps} steps, nats per step.\n\n"
        "![Gradients of a tanh network in three regimes](theorems.png)\n\n" + "\n".join(rows) + "\n"
    )


def _cells(growth: GradientGrowth, middle: int) -> list[str]:
    largest = ["-", "-"]
    if growth.log_loss is not None:
        until = growth.log_loss[growth.times <= middle]
        largest = [number(float(until.max())), number(float(growth.log_loss.max()))]
    return [number(growth.exponent), number(growth.rate), *largest, growth.kind]
