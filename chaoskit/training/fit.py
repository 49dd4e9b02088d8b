"""Train a network on a measured series by sparsely forced backpropagation through time."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .. import _check
from ..errors import ChaoskitWarning, DivergenceError, InvalidInputError, ModelFileError
from ..kernels import packing
from .data import TrainingData, prepare_data
from .latent import Latent, ObservedStates
from .network import initial_network
from .options import checked_options, choose_forcing, choose_length, float_type
from .penalties import checked_penalties
from .result import FitResult
from .run import Run, train_all
from .trainer import Trainer, TrainingState
from .validation import Checkpoint, Validation

_HORIZON = 20  # steps of forecasts where no forcing interval says how far to look
_NO_HISTORY: Mapping[str, np.ndarray] = {"loss": np.zeros(0)}


def fit(
    series: Any,
    *,
    cell: Any = "shplrnn",
    n_states: int | None = None,
    cell_options: Mapping[str, Any] | None = None,
    forcing: Any = "auto",
    sequence_length: int | str = "auto",
    dt: float = 1.0,
    batch_size: int = 16,
    epochs: int = 300,
    batches_per_epoch: int = 100,
    learning_rate: float = 3e-3,
    final_learning_rate: float = 1e-5,
    gradient_clip: float = 10.0,
    dtype: Any = np.float32,
    seed: int = 0,
    progress: bool = False,
    optimizer: str = "adam",
    learning_rate_decay: str = "exponential",
    value_clip: float = math.inf,
    weight_decay: float | None = None,
    input_noise: float = 0.0,
    on_epoch: Callable[[TrainingState], Any] | None = None,
    inputs: Any = None,
    embedding: Any = None,
    latent_state: str = "inversion",
    regularization: Any = (),
    validation_share: float = 0.0,
    validation_measure: Any = "reconstruction",
    patience: int | None = None,
    track_exponents: int = 0,
    restarts: int = 1,
    threads: int | None = None,
    checkpoint: Any = None,
    checkpoint_interval: int = 1,
    checkpoint_every: int | None = None,
) -> FitResult:
    """Train a network so that its free run reconstructs the dynamics behind a series.

    The series is z-scored. Windows drawn at random from it are run with the state forced back to the
    data every tau steps; the gradients of the one-step errors flow between forcings (at most tau Jacobians
    are multiplied), Adam follows them, and the learning rate decays exponentially. Of all checkpoints the
    one whose free run agrees best with the series is kept (state-space divergence plus spectral distance),
    because the loss alone does not tell a good attractor from a wrong one. With the same seed, thread count
    and machine two trainings agree bit by bit.

    Parameters
    ----------
    series : array_like, shape (T,) or (T, D)
        Observations, one row for each time.
    cell : str, class or instance
        Name of a class of chaoskit.cells in any case ("plrnn", "shplrnn", "lstm", "gru", ...), a cell class,
        or a cell to go on from (its decoder starts anew).
    n_states : int, optional
        Number of units. None: as many as observed dimensions, with the identity as decoder, so that
        forcing resets every state to the data. More: see `latent_state`.
    cell_options : mapping, optional
        Further arguments of the cell's `init`, such as {"n_hidden": 100}.
    forcing : object of chaoskit.forcing, or "auto"
        `Sparse` (also with jitter), `Annealed`, `Generalized`, `AdaptiveGeneralized`; the baselines
        `Windowed`, `Truncated`, `Never`. "auto": Sparse(tau) with half the predictability time ln 2 / lambda
        of the series (`estimate_lyapunov`).
    sequence_length : int or "auto"
        Steps of a training window; "auto": max(4 tau, 200), or less if the series is shorter.
    dt : float
        Time between two rows.
    batch_size, epochs, batches_per_epoch : int
        epochs * batches_per_epoch updates, each on `batch_size` windows.
    learning_rate, final_learning_rate : float
        Step size at the start and at the end.
    gradient_clip : float
        Largest norm of the gradient; infinity for none.
    dtype : float32 or float64
        Arithmetic of the training; the model that is returned is float64.
    seed : int
        Same seed, same machine, same result.
    progress : bool
        Show a progress bar (needs tqdm).
    optimizer : {"adam", "adamw", "radam"}
        See `Adam`, `AdamW` and `RAdam` of chaoskit.training.
    learning_rate_decay : {"exponential", "cosine", "constant"}
        How the step size goes from the first to the last.
    value_clip : float
        Largest absolute value of an entry of the gradient; infinity for none.
    weight_decay : float, optional
        Share of the parameters, times the step size, taken off at each update; 0, or 0.01 for "adamw".
    input_noise : float
        Standard deviation, in units of that of the series, of noise on the data that states are forced to.
    on_epoch : callable, optional
        Called with a `TrainingState` after each epoch, from the thread of the run, which ends if it returns
        True.
    inputs : array_like, shape (T,) or (T, M), optional
        What drives the system, in any units: row t acts on the step from t to t + 1. The network gets M
        inputs.
    embedding : (delay, dimension), "auto" or None
        Train on delay vectors, where a few columns of a larger system were measured; "auto" chooses both from
        the series. Context, forecasts and free runs of the result are in the columns of the series.
    latent_state : {"inversion", "identity", "learned"}
        How data set a state with more units than columns. "inversion": a linear decoder is trained, and
        forcing sets the whole state to its pseudo-inverse times the data (an LSTM's c to 0). "identity": the
        first units are the data, the others start from 0 and are never set. "learned": they start from a
        trained linear map of the first row of a window.
    regularization : object or sequence of objects
        `LatentRegularization`, `ManifoldAttractorRegularization`, `DecoderConditionPenalty` of
        chaoskit.training, added to the loss (the loss in `history` is without them).
    validation_share : float
        Part of the series, at its end, that is held out of training and judges the checkpoints. 0: they are
        judged by the series trained on.
    validation_measure : str or callable
        What judges checkpoints, lower is better: "reconstruction" (state-space divergence plus spectral
        distance of free runs), either of the two, "prediction_error" (tau steps ahead), or a function of
        (FitResult, series (T, D), inputs (T, M)). There are about forty checks in a training.
    patience : int, optional
        Training ends after so many checks without improvement.
    track_exponents : int
        Leading exponents of the network's free run to record at each check, per unit time, in
        `history["exponents"]`.
    restarts : int
        Trainings from the seeds seed, seed + 1, ...; the best by validation is returned.
    threads : int, optional
        Restarts are trained side by side on so many threads, by default one for each core. A single
        training divides its batches among them if they are large enough to gain by it; by default it takes
        one.
    checkpoint : path, optional
        File (.npz) that the training is written to and, if it is there, goes on from, to the same bits as
        without a break. Restarts have a file each, with their number before the suffix.
    checkpoint_interval : int
        Epochs between two writings: the most that a kill at any moment loses.
    checkpoint_every : int, optional
        Keep the state every so many steps of a sequence only and compute the others again on the way back:
        less memory for long sequences.

    Returns
    -------
    FitResult
        A training run that diverges warns (ChaoskitWarning) and returns the best model so far.

    Raises
    ------
    InvalidInputError
        If arguments do not fit together; if forcing is "auto" and the series shows no chaos; if the
        forcing interval is not smaller than the sequence length; if the checkpoint belongs to another
        training.
    ModelFileError
        If the checkpoint cannot be written, or is damaged.
    DivergenceError
        If training diverges before there is any model worth keeping.

    References
    ----------
    Monfared, Mikhaeil, Durstewitz, arXiv 2110.07238, section 4; Hess et al. 2023, arXiv 2306.04406.

    Examples
    --------
    >>> from chaoskit.forcing import Sparse
    >>> from chaoskit.systems import Henon
    >>> from chaoskit.dynamics import simulate
    >>> series = simulate(Henon(), [0.1, 0.1], 500)
    >>> model = fit(series, forcing=Sparse(2), epochs=1, batches_per_epoch=5)
    >>> model.generate(10).series.shape
    (10, 2)
    """
    arguments = dict(locals())
    data = prepare_data(series, inputs, embedding, validation_share, float_type(dtype))
    dt, seed = _check.positive(dt, "dt"), _check.integer(seed, "seed")
    if cell_options is not None and not isinstance(cell_options, Mapping):
        raise InvalidInputError(f"cell_options: expected a mapping of names to values, got {cell_options!r}")
    options = checked_options(arguments)
    schedule, estimate = choose_forcing(forcing, data.series[: data.judged_from or None], dt)
    tau = getattr(schedule, "tau", None)
    length = choose_length(sequence_length, tau, len(data.rows))
    settings = {
        "cell_options": dict(cell_options or {}), "forcing": repr(schedule), "sequence_length": length,
        **options, "dtype": str(data.rows.dtype), "n_rows": len(data.series),
        "embedding": data.embedding._asdict(), "latent_state": latent_state,
        "regularization": repr(regularization), "validation_share": float(validation_share),
    }  # fmt: skip
    warm_up = 0 if latent_state == "inversion" else min(length, len(data.judged) // 4)
    finished = partial(_result, data, data.embedding.span + 1 + warm_up, dt, tau, estimate)

    def begin(restart: int) -> Run:
        own = {**settings, "seed": seed + restart}
        rng = np.random.default_rng(own["seed"])
        network = initial_network(cell, n_states, settings["cell_options"], latent_state, data, rng)
        own |= {
            "cell": type(network.cell).__name__, "n_states": packing.sizes_of(network.cell).n,
            # restarts share the threads, a single training divides its batches among them
            "threads": 1 if options["restarts"] > 1 else options["threads"] or 1,
        }  # fmt: skip
        penalties = checked_penalties(regularization, *network)
        trainer = Trainer(*network, data, schedule, penalties, own, rng)
        validation = Validation(
            data, partial(finished, own), validation_measure, data.embedding.span + 1 + warm_up,
            tau or _HORIZON, options["track_exponents"],
        )  # fmt: skip
        return Run(trainer, validation, on_epoch, _file(checkpoint, restart, options["restarts"]))

    runs = [begin(k) for k in range(options["restarts"])]
    best = train_all(runs, options["threads"], progress)
    return _best_of(runs, best, finished)


def _file(path: Any, restart: int, restarts: int) -> Path | None:
    """Where a run keeps its state; restarts have a file each."""
    if path is None:
        return None
    try:
        file = Path(path)
    except TypeError:
        raise InvalidInputError(f"checkpoint: expected a file name, got {path!r}") from None
    if not file.parent.is_dir():
        raise ModelFileError(f"checkpoint: {file}: the folder {file.parent} is not there; make it first")
    return file if restarts == 1 else file.with_name(f"{file.stem}.{restart}{file.suffix}")


def _result(
    data: TrainingData,
    context_length: int,
    dt: float,
    tau: int | None,
    estimate: Any,
    settings: dict[str, Any],
    cell: Any,
    latent: Latent,
    history: Mapping[str, np.ndarray] = _NO_HISTORY,
    best_update: int = 0,
    diverged_at: int | None = None,
) -> FitResult:
    """The model of these parameters, in float64."""
    cell = type(cell)(*(a.astype(np.float64) for a in cell))
    n = settings["n_states"]
    return FitResult(
        cell=cell, decoder=latent.readout(n).astype(np.float64), mean=data.scaling.mean,
        scale=data.scaling.scale, context=data.series[-context_length:].copy(), dt=dt, tau=tau,
        lyapunov=estimate, history=dict(history), settings=settings, best_update=best_update,
        diverged_at=diverged_at, delays=data.embedding,
        initial_map=latent[0].astype(np.float64) if isinstance(latent, ObservedStates) else None,
        context_inputs=data.inputs[len(data.inputs) - context_length : -1].copy(),
        input_mean=data.input_scaling.mean, input_scale=data.input_scaling.scale,
    )  # fmt: skip


def _best_of(runs: list[Run], checkpoints: list[Checkpoint | None], finished: Callable) -> FitResult:
    """The best run by validation, with a word about divergences."""
    advice = "try a smaller learning_rate, a smaller forcing interval or a smaller gradient_clip"
    scores = np.array([math.inf if c is None else c.score for c in checkpoints])
    kept = [k for k, c in enumerate(checkpoints) if c is not None]
    if not kept:
        run = runs[0]
        raise DivergenceError(
            f"training: the loss left the finite numbers in epoch {run.epoch} (update "
            f"{run.trainer.diverged_at}), before any model was worth keeping; {advice}",
            step=len(run.trainer.losses),
        )
    chosen = min(kept, key=lambda k: scores[k])
    run, best = runs[chosen], checkpoints[chosen]
    assert best is not None
    history = run.history()
    if len(runs) > 1:
        history["restart_seed"] = np.array([r.trainer.settings["seed"] for r in runs])
        history["restart_validation"] = scores
    if run.trainer.diverged_at is not None:
        warnings.warn(
            f"training diverged in epoch {run.epoch} (update {run.trainer.diverged_at}); the best model so "
            f"far, of update {best.update}, is kept; {advice}",
            ChaoskitWarning,
            stacklevel=3,
        )
    return finished(
        run.trainer.settings, best.cell, best.latent, history, best.update, run.trainer.diverged_at
    )
