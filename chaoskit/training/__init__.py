"""Training on measured series: forced backpropagation through time, `fit`, models on disk, evaluation."""

from ..gradients.backpropagation import loss_and_gradient
from ..gradients.latent import ObservedStates
from .baselines import LinearAutoregression, fit_linear_autoregression
from .bifurcation_watch import BifurcationWatch
from .comparison import Comparison, compare_with_baselines
from .evaluate import evaluate
from .evaluation import Evaluation
from .fit import fit
from .fit_baselines import fit_baselines
from .forecasting import ForecastEnsemble, Forecaster
from .generated import Generated
from .optimizer import Adam, AdamW, RAdam
from .penalties import DecoderConditionPenalty, LatentRegularization, ManifoldAttractorRegularization
from .reservoirs import (
    EchoStateNetwork,
    GaussianNoise,
    NextGenerationReservoir,
    fit_echo_state_network,
    fit_gaussian_noise,
    fit_next_generation_reservoir,
)
from .result import FitResult
from .saved_model import load
from .split import split_in_time
from .trainer import TrainingState
from .watch_result import Track, WatchEvent, WatchResult

__all__ = [
    "Adam", "AdamW", "BifurcationWatch", "Comparison", "DecoderConditionPenalty", "EchoStateNetwork",
    "Evaluation", "FitResult", "ForecastEnsemble", "Forecaster", "GaussianNoise", "Generated",
    "LatentRegularization", "LinearAutoregression", "ManifoldAttractorRegularization",
    "NextGenerationReservoir", "ObservedStates", "RAdam", "Track", "TrainingState", "WatchEvent",
    "WatchResult", "compare_with_baselines", "evaluate", "fit", "fit_baselines",
    "fit_echo_state_network", "fit_gaussian_noise", "fit_linear_autoregression",
    "fit_next_generation_reservoir", "load", "loss_and_gradient", "split_in_time",
]  # fmt: skip
