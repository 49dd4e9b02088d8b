"""What the experiments train: the published settings, and the grids over them.

Settings are those of arXiv 2110.07238 and of the code of its experiments: Adam with a constant rate and no
clipping, the last parameters kept, whatever they are. What they leave open is said in `docs/paper.md`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..forcing import AdaptiveGeneralized, Annealed, Forcing, Never, Sparse, Truncated, Windowed
from ..sweeps import Labelled, Together
from ..training import LatentRegularization
from . import published
from .data import ROWS

# From so many steps on, and for plain backpropagation, windows are longer: one that is shorter than the
# forcing interval starts from data each time and hides what the interval does.
_FROM, _SHORT, _LONG = 100, 100, 1000
_STATES = 30
_MODELS = {"LSTM": "lstm", "tanh RNN": "tanh", "PLRNN": "plrnn"}
_PUBLISHED = {
    "n_states": _STATES, "batch_size": 32, "batches_per_epoch": 10, "learning_rate": 1e-3,
    "learning_rate_decay": "constant", "gradient_clip": math.inf, "validation_measure": "last",
}  # fmt: skip
DEFAULT = "shPLRNN, defaults of fit"
_BEST = 30  # interval that the published schemes were compared at
_WINDOW = 46
_GENERALIZED = {
    "cell": "shplrnn", "forcing": AdaptiveGeneralized(), "sequence_length": 200, "batch_size": 16,
    "batches_per_epoch": 50, "optimizer": "radam", "learning_rate": 1e-3, "final_learning_rate": 1e-6,
    "input_noise": 0.05, "regularization": LatentRegularization(1e-5), "gradient_clip": math.inf,
}  # fmt: skip


class Size(NamedTuple):
    """How much is computed: rows of the series, trainings of each setting, share of the published epochs."""

    rows: int = ROWS
    seeds: int = 3
    share: float = 1.0
    all_points: bool = True

    def epochs(self, published: int) -> int:
        return max(1, round(self.share * published))

    def picked(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """All of them, or the first, the middle and the last."""
        return values if self.all_points else (values[0], values[len(values) // 2], values[-1])


QUICK = Size(rows=4_000, seeds=1, share=0.004, all_points=False)


class Experiment(NamedTuple):
    """Trainings on a data set.

    points: for a size, the points of the sweep; each names "network", what else varies, and "seed".
    across: the name that varies beside network and seed; numbers are drawn as an axis.
    """

    title: str
    data: str
    points: Callable[[Size], Iterator[dict[str, Any]]]
    across: str = "interval"
    published: published.Published = published.NONE


def _training(cell: str, forcing: Forcing, length: int, size: Size, **more: Any) -> Together:
    options = _PUBLISHED | {"cell": cell, "forcing": forcing, "sequence_length": length}
    return Together(options | {"epochs": size.epochs(3000)} | more)


def _point(network: str, setting: Together, seed: int, **place: Any) -> dict[str, Any]:
    """A point; its place on the axis is a label alone, because the setting holds what it means."""
    ((axis, label),) = place.items()
    return {"network": Labelled(network, setting), axis: Labelled(label, Together()), "seed": seed}


def _length(tau: int) -> int:
    return _LONG if tau >= _FROM else _SHORT


def intervals(*taus: int) -> Callable[[Size], Iterator[dict[str, Any]]]:
    """Sparse forcing at several intervals, of the three published networks; and the way of `chaoskit.fit`."""

    def points(size: Size) -> Iterator[dict[str, Any]]:
        for seed in range(size.seeds):
            for name, cell in _MODELS.items():
                for tau in size.picked(taus):
                    setting = _training(cell, Sparse(tau), _length(tau), size)
                    yield _point(name, setting, seed, interval=tau)
            yield _point(DEFAULT, Together(forcing="auto", epochs=size.epochs(300)), seed, interval="auto")

    return points


def _schemes(size: Size) -> dict[str, tuple[Forcing, int, dict[str, Any]]]:
    """By name: forcing, length of the windows, further options."""
    return {
        "sparse": (Sparse(_BEST), _SHORT, {}),
        "random tau": (Sparse(_BEST, jitter=10), _SHORT, {}),
        "annealed": (Annealed(1, _BEST), _SHORT, {}),
        "windowed": (Windowed(_WINDOW), _SHORT, {}),
        "truncated": (Truncated(_BEST), _SHORT, {}),
        "clipped by norm": (Never(), _LONG, {"gradient_clip": 5.0}),
        "clipped by value": (Never(), _LONG, {"value_clip": 0.5}),
    }


def schemes(size: Size) -> Iterator[dict[str, Any]]:
    """What sparse forcing was compared with, of the three published networks."""
    known = _schemes(size)
    for seed in range(size.seeds):
        for name, cell in _MODELS.items():
            for scheme in size.picked(tuple(known)):
                forcing, length, more = known[scheme]
                setting = _training(cell, forcing, length, size, **more)
                yield _point(name, setting, seed, scheme=scheme)


def generalized(n_hidden: int, epochs: int) -> Callable[[Size], Iterator[dict[str, Any]]]:
    """Adaptive generalized forcing of a shallow piecewise-linear network, as published."""

    def points(size: Size) -> Iterator[dict[str, Any]]:
        for seed in range(size.seeds):
            setting = Together(
                _GENERALIZED | {"epochs": size.epochs(epochs), "cell_options": {"n_hidden": n_hidden}}
            )
            yield _point("shPLRNN", setting, seed, scheme="generalized")

    return points


EXPERIMENTS = {
    "lorenz63": Experiment(
        "Lorenz-63", "lorenz63", intervals(5, 10, 20, 30, 46, 62, 100, 200), published=published.LORENZ63
    ),
    "roessler": Experiment(
        "Rössler", "roessler", intervals(5, 15, 30, 50, 78, 100), published=published.ROESSLER
    ),
    "duffing": Experiment("Duffing", "duffing", intervals(2, 5, 10, 15, 29, 60)),
    "lorenz2d": Experiment("Lorenz-63, x and y alone", "lorenz2d", intervals(5, 15, 30, 46, 62, 90)),
    "mackey_glass": Experiment("Mackey-Glass", "mackey_glass", intervals(10, 30, 60, 90, 148)),
    "baselines": Experiment("Other schemes on Lorenz-63", "lorenz63", schemes, "scheme", published.SCHEMES),
    "gtf_lorenz63": Experiment(
        "Generalized forcing on Lorenz-63", "usual_lorenz63", generalized(50, 5000), "scheme",
        published.GENERALIZED,
    ),
    "gtf_lorenz96": Experiment(
        "Generalized forcing on Lorenz-96", "lorenz96", generalized(100, 5000), "scheme"
    ),
}  # fmt: skip
GROUPS = {"gtf": ("gtf_lorenz63", "gtf_lorenz96")}
