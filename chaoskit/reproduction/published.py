"""Published numbers, to stand beside ours."""

from __future__ import annotations

from typing import NamedTuple


class Published(NamedTuple):
    """State-space divergences by (network, value of the axis), and where they are from."""

    divergence: dict[tuple[str, str | int], float]
    source: str = "Monfared, Mikhaeil, Durstewitz, arXiv 2110.07238"


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
    }
)  # fmt: skip
GENERALIZED = Published(
    {("shPLRNN", "generalized"): 0.26}, "Hess, Monfared, Brenner, Durstewitz 2023, arXiv 2306.04406"
)
