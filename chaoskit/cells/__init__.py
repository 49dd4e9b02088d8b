"""Recurrent cells: each is a NamedTuple of parameter arrays with its mathematics beside it, in one file.

To add your own, write a NamedTuple with the rules of ``chaoskit.cells.protocol``; the helpers
`tanh`, `sigmoid`, `relu` and `like` may be called from them. `chaoskit.testing.check_cell` tests it.
"""

from . import protocol
from ._math import like, relu, relu_slope, sigmoid, sigmoid_slope, tanh, tanh_and_slope, tanh_slope
from .alrnn import ALRNN
from .antisymmetric import Antisymmetric
from .clipped_shplrnn import ClippedShPLRNN
from .constructed import Constructed, chaotic, contracting, cyclic, quasi_periodic, tent
from .dendplrnn import DendPLRNN
from .gru import GRU
from .linear import DiagonalLinear, Linear
from .lstm import LSTM
from .plrnn import PLRNN
from .protocol import Layout
from .relu_network import ReLU
from .shplrnn import ShPLRNN
from .stack import Stack
from .tanh_network import Tanh

#: The classes of all networks here, a tuple.
ALL_CELLS = (
    Tanh, ReLU, PLRNN, ShPLRNN, ClippedShPLRNN, DendPLRNN, ALRNN, LSTM, GRU, Antisymmetric, Linear,
    DiagonalLinear,
)  # fmt: skip

__all__ = [
    "ALL_CELLS",
    "ALRNN",
    "GRU",
    "LSTM",
    "PLRNN",
    "Antisymmetric",
    "ClippedShPLRNN",
    "Constructed",
    "DendPLRNN",
    "DiagonalLinear",
    "Layout",
    "Linear",
    "ReLU",
    "ShPLRNN",
    "Stack",
    "Tanh",
    "chaotic",
    "contracting",
    "cyclic",
    "like",
    "protocol",
    "quasi_periodic",
    "relu",
    "relu_slope",
    "sigmoid",
    "sigmoid_slope",
    "tanh",
    "tanh_and_slope",
    "tanh_slope",
    "tent",
]
