"""Published numbers, to stand beside ours."""

from __future__ import annotations

import math
from typing import NamedTuple


class Published(NamedTuple):
    """State-space divergences by (network, value of the axis), and where they are from.

    Infinity stands for what was published as not a number. of_the_paper: whether they have the definition of
    `chaoskit.measures.published_2021`.
    """

    divergence: dict[tuple[str, str | int], float]
    source: str = "arXiv 2110.07238"
    of_the_paper: bool = True


NONE = Published({})
LORENZ63 = Published(
    {
        ("LSTM", 5): 4.36, ("LSTM", 30): 0.062, ("LSTM", 100): 9.3, ("LSTM", 200): 12.1,
        ("tanh RNN", 5): 8.7, ("tanh RNN", 30): 0.20, ("tanh RNN", 100): 7.3, ("tanh RNN", 200): 7.0,
        ("PLRNN", 5): 9.7, ("PLRNN", 30): 0.89, ("PLRNN", 100): 10.9,
    }
)  # fmt: skip
ROESSLER = Published({("LSTM", 100): 1.65, ("PLRNN", 30): 1.27})
SCHEMES = Published(
    {
        ("LSTM", "sparse"): 0.062, ("tanh RNN", "sparse"): 0.20, ("PLRNN", "sparse"): 0.89,
        ("LSTM", "random tau"): 0.021,
        ("LSTM", "clipped by norm"): 15.4, ("tanh RNN", "clipped by norm"): 7.5,
        ("PLRNN", "clipped by norm"): math.inf,
    }
)  # fmt: skip
GENERALIZED = Published({("shPLRNN", "generalized"): 0.26}, "arXiv 2306.04406, 30 bins", of_the_paper=False)
