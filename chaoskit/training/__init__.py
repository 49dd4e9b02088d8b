"""Training on measured series: forced backpropagation through time, `fit`, models on disk, evaluation."""

from .baselines import LinearAutoregression, fit_linear_autoregression
from .bptt import loss_and_gradient
from .evaluate import Evaluation, evaluate
from .fit import fit
from .generated import Generated
from .optimizer import Adam, AdamW, RAdam
from .result import FitResult, load
from .trainer import TrainingState

__all__ = [
    "Adam", "AdamW", "Evaluation", "FitResult", "Generated", "LinearAutoregression", "RAdam",
    "TrainingState", "evaluate", "fit", "fit_linear_autoregression", "load", "loss_and_gradient",
]  # fmt: skip
