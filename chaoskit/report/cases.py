"""The two measured series of the demo: how each is prepared, embedded and trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter1d

from . import examples

TRAIN_SHARE = 0.6  # the first part is trained on, the rest judges
ECG_STEP = 6  # of 360 samples a second 60 are left: above 25 Hz there is nothing but noise
ECG_NOISE, ECG_WANDER = 0.012, 0.5  # seconds: finer is muscle noise, slower is the electrode's drift


@dataclass(frozen=True)
class Case:
    """One series and everything that is decided about it beforehand.

    Attributes
    ----------
    name, title : str
        For file names, and for people.
    prepare : callable
        Returns the scalar series, shape (T,), and the time between two samples.
    time_unit : str
    delay, dimension : int
        Delay vectors that the network sees. There are many of them because forcing sets the whole state
        from one vector: what the vector does not tell, the network cannot know.
    view_delay : int
        Delay of the coordinates in which all models are compared and drawn.
    options : mapping
        Arguments of `fit`, the same for the network and for its baseline.
    far_too_large : int
        Forcing interval of the baseline, in steps.
    start : {"random", "linear"}
        Where trainings start: from random weights, or from the linear map that predicts one step best,
        written into the hidden units. The latter is far ahead where the series has little noise; where it
        has much, that map shrinks everything to the mean and is hard to leave.
    noise : float
        In standard deviations: a copy of the training series with so much noise is trained on as well. A
        clean series shows its attractor only, and not the way back from beside it.
    """

    name: str
    title: str
    prepare: Callable[[], tuple[np.ndarray, float]]
    time_unit: str
    delay: int
    dimension: int
    view_delay: int
    options: Mapping[str, Any] = field(default_factory=dict)
    far_too_large: int = 200
    start: str = "random"
    noise: float = 0.0


def electrocardiogram() -> tuple[np.ndarray, float]:
    """The ECG without drift and muscle noise, at 60 samples a second."""
    x = examples.electrocardiogram()
    x = x - gaussian_filter1d(x, ECG_WANDER * examples.ECG_RATE)
    x = gaussian_filter1d(x, ECG_NOISE * examples.ECG_RATE)
    return x[::ECG_STEP].copy(), ECG_STEP / examples.ECG_RATE


def laser() -> tuple[np.ndarray, float]:
    """The laser as recorded; the unit of time is one sample."""
    return examples.laser(), 1.0


_OPTIONS = {
    "cell": "shplrnn", "cell_options": {"n_hidden": 150}, "batch_size": 16, "sequence_length": 60,
    "batches_per_epoch": 100, "epochs": 150, "learning_rate": 1e-3, "final_learning_rate": 1e-5,
    "gradient_clip": 10.0,
}  # fmt: skip

CASES = (
    Case("ecg", "Electrocardiogram", electrocardiogram, "s", 1, 20, 4, _OPTIONS),
    Case("laser", "Santa Fe laser", laser, "sample", 1, 10, 2, _OPTIONS, start="linear", noise=0.02),
)


def shortened(case: Case) -> Case:
    """The case with a training of seconds, to see that everything runs; its numbers mean nothing."""
    return replace(case, options={**case.options, "epochs": 4, "batches_per_epoch": 50})
