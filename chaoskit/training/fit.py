"""Train a network on a measured series by sparsely forced backpropagation through time."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import _check, cells
from .._progress import progress_bar
from ..cells._validate import checked_cell, is_cell
from ..errors import ChaoskitWarning, DivergenceError, InvalidInputError
from ..forcing import Forcing, Never, Sparse
from ..kernels import packing
from ..timeseries import DataLyapunov, estimate_lyapunov
from .bptt import checked_schedule
from .decoder import initial_decoder
from .latent import DecoderInversion
from .optimizer import DECAYS
from .result import FitResult
from .trainer import Trainer, TrainingState
from .validation import Validation

_SHORTEST = 200  # steps of a training window chosen automatically


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
) -> FitResult:
    """Train a network so that its free run reconstructs the dynamics behind a series.

    The series is z-scored. Windows drawn at random from it are run with the state forced back to the
    data every tau steps; the gradients of the one-step errors flow between forcings (at most tau Jacobians
    are multiplied), Adam follows them, and the learning rate decays exponentially. Of all checkpoints the
    one whose free run agrees best with the series is kept (state-space divergence plus spectral distance),
    because the loss alone does not tell a good attractor from a wrong one.

    Parameters
    ----------
    series : array_like, shape (T,) or (T, D)
        Observations, one row for each time.
    cell : str, class or instance
        "tanh", "relu", "plrnn", "shplrnn", "lstm", a cell class, or a cell to go on from
        (its decoder starts anew).
    n_states : int, optional
        Number of units. None: as many as observed dimensions, with the identity as decoder, so that
        forcing resets every state to the data. More: a linear decoder is trained as well, and forcing sets
        the states to its pseudo-inverse times the data.
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
        Called with a `TrainingState` after each epoch; training ends if it returns True.

    Returns
    -------
    FitResult
        A training run that diverges warns (ChaoskitWarning) and returns the best model so far.

    Raises
    ------
    InvalidInputError
        If arguments do not fit together; if forcing is "auto" and the series shows no chaos; if the
        forcing interval is not smaller than the sequence length.
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
    data = _check.series(series, minimum=20)
    _check.moderate(data)
    dt = _check.positive(dt, "dt")
    dtype = _float_type(dtype)
    rng = np.random.default_rng(_check.integer(seed, "seed"))
    if cell_options is not None and not isinstance(cell_options, Mapping):
        raise InvalidInputError(f"cell_options: expected a mapping of names to values, got {cell_options!r}")
    options = dict(cell_options or {})
    network, decoder, trained = _network(cell, n_states, options, data.shape[1], dtype, rng)
    schedule, estimate = choose_forcing(forcing, data, dt)
    tau = getattr(schedule, "tau", None)
    length = choose_length(sequence_length, tau, len(data))
    settings = {
        "cell": type(network).__name__,
        "n_states": decoder.shape[1],
        "cell_options": options,
        "forcing": repr(schedule),
        "sequence_length": length,
        "batch_size": _check.integer(batch_size, "batch_size", 1),
        "epochs": _check.integer(epochs, "epochs", 1),
        "batches_per_epoch": _check.integer(batches_per_epoch, "batches_per_epoch", 1),
        "learning_rate": _check.positive(learning_rate, "learning_rate"),
        "final_learning_rate": _check.positive(final_learning_rate, "final_learning_rate"),
        "gradient_clip": _clip(gradient_clip, "gradient_clip"),
        "value_clip": _clip(value_clip, "value_clip"),
        "optimizer": optimizer,
        "learning_rate_decay": _decay(learning_rate_decay),
        "weight_decay": weight_decay if weight_decay is None else _not_negative(weight_decay, "weight_decay"),
        "input_noise": _not_negative(input_noise, "input_noise"),
        "dtype": str(dtype),
        "seed": seed,
        "n_rows": len(data),
    }
    mean, scale = data.mean(axis=0), data.std(axis=0)

    def result(cell_now, decoder_now, history, best_update, diverged_at) -> FitResult:
        return FitResult(
            cell=type(cell_now)(*(a.astype(np.float64) for a in cell_now)),
            decoder=decoder_now.astype(np.float64), mean=mean, scale=scale, context=data[-1].copy(), dt=dt,
            tau=tau, lyapunov=estimate, history=history, settings=settings, best_update=best_update,
            diverged_at=diverged_at,
        )  # fmt: skip

    scored = np.ascontiguousarray((data - mean) / scale, dtype)
    run = Trainer(network, DecoderInversion(decoder), trained, scored, schedule, settings, rng)
    validation = Validation(data, result)
    epoch = _epochs(run, validation, settings, progress, on_epoch)
    return _finish(run, validation, result, epoch)


def _float_type(dtype: Any) -> np.dtype:
    try:
        kind = np.dtype(dtype)
    except TypeError:
        kind = None
    if kind not in (np.float32, np.float64):
        raise InvalidInputError(f"dtype: expected float32 or float64, got {dtype!r}")
    return np.dtype(kind)


def _clip(value: Any, name: str) -> float:
    """A number above 0; infinity switches clipping off."""
    return math.inf if value == math.inf else _check.positive(value, name)


def _not_negative(value: Any, name: str) -> float:
    return 0.0 if value == 0 else _check.positive(value, name)


def _decay(name: Any) -> str:
    if name not in DECAYS:
        raise InvalidInputError(f"learning_rate_decay: expected one of {DECAYS}, got {name!r}")
    return name


def _epochs(run: Trainer, validation: Validation, settings: dict[str, Any], progress: bool, on_epoch) -> int:
    """Train until the end, a divergence or the callback's word; returns the last epoch."""
    epochs, per_epoch = settings["epochs"], settings["batches_per_epoch"]
    bar = progress_bar(epochs * per_epoch, "training", progress)
    epoch, wanted = 0, True
    while epoch < epochs and run.diverged_at is None and wanted:
        epoch += 1
        for _ in range(per_epoch):
            run.update(run.updates / (epochs * per_epoch))
        bar.update(per_epoch)
        bar.set_postfix(loss=f"{run.losses[-1]:.2e}", refresh=False)
        if on_epoch is not None:
            wanted = on_epoch(run.state(epoch)) is not True
        if run.diverged_at is None and validation.due(epoch, epochs if wanted else epoch):
            validation.judge(run.cell, run.decoder, run.updates)
    bar.close()
    return epoch


def _network(cell, n_states, options, D: int, dtype, rng):
    """The cell to train, its decoder, and whether the decoder is trained."""
    if is_cell(cell) and options:
        raise InvalidInputError("cell_options: expected none with a cell that is there already")
    if is_cell(cell):
        network = checked_cell(type(cell)(*(np.array(a, dtype) for a in cell)))
        n = packing.sizes_of(network).n
        if n_states not in (None, n):
            raise InvalidInputError(f"n_states: the cell given has {n} units, got n_states={n_states}")
    else:
        n = D if n_states is None else _check.integer(n_states, "n_states", 1)
        try:
            network = _cell_class(cell).init(n, rng=rng, dtype=dtype, **options)
        except TypeError as error:
            raise InvalidInputError(f"cell_options: {error}") from None
    if packing.sizes_of(network).inputs:
        raise InvalidInputError("cell: expected a network without inputs; fit trains autonomous networks")
    if n < D:
        raise InvalidInputError(
            f"n_states: expected at least {D} units for {D} observed dimensions, got {n}; forcing inverts "
            "the decoder, which needs as many units as columns"
        )
    if n == D:
        return network, np.eye(D, dtype=dtype), False
    return network, initial_decoder(D, n, rng, dtype), True


def _cell_class(cell: Any) -> Any:
    if isinstance(cell, type) and isinstance(getattr(cell, "layout", None), cells.Layout):
        return cell
    names = {c.__name__.lower(): c for c in cells.ALL_CELLS}
    if isinstance(cell, str) and cell.lower() in names:
        return names[cell.lower()]
    raise InvalidInputError(
        f"cell: expected one of {', '.join(names)}, a cell class or an instance, got {cell!r}"
    )


def choose_forcing(forcing: Any, data: np.ndarray, dt: float) -> tuple[Forcing, DataLyapunov | None]:
    """The forcing asked for, or the one that the series itself asks for."""
    if not isinstance(forcing, str):
        checked_schedule(forcing, 1)
        if isinstance(forcing, Never):
            warnings.warn(
                "Never(): gradients of a chaotic series grow without bound over the window; a window "
                "restarts from data, so a short one hides the failure",
                ChaoskitWarning,
                stacklevel=3,
            )
        return forcing, None
    if forcing != "auto":
        raise InvalidInputError(f'forcing: expected "auto" or an object such as Sparse(tau), got {forcing!r}')
    estimate = estimate_lyapunov(data, dt)
    if estimate.recommended_tau is None:
        raise InvalidInputError(
            f"forcing: no predictability time in this series ({estimate.quality}; exponent "
            f"{estimate.exponent:.3g}, interval {estimate.interval[0]:.3g} to {estimate.interval[1]:.3g}); "
            "give the interval yourself: forcing=Sparse(tau)"
        )
    return Sparse(estimate.recommended_tau), estimate


def choose_length(value: int | str, tau: int | None, rows: int) -> int:
    """Steps of a training window; longer than the forcing interval, shorter than the series."""
    longest = rows - 1
    if isinstance(value, str):
        if value != "auto":
            raise InvalidInputError(f'sequence_length: expected "auto" or a number of steps, got {value!r}')
        length = min(max(4 * (tau or 0), _SHORTEST), longest)
    else:
        length = _check.integer(value, "sequence_length", 2)
    if length > longest:
        raise InvalidInputError(
            f"sequence_length: expected at most {longest} steps for {rows} rows, got {length}; give a "
            "shorter one or a longer series"
        )
    if tau is not None and tau >= length:
        raise InvalidInputError(
            f"forcing: the interval tau={tau} is not smaller than the sequence length {length}; a window "
            "restarts from data, so that the interval would never be reached: give a longer sequence_length"
        )
    return length


def _finish(run: Trainer, validation: Validation, result, epoch: int) -> FitResult:
    """The best checkpoint, with a word about a divergence."""
    history = run.history() | validation.history()
    best = validation.best()
    advice = "try a smaller learning_rate, a smaller forcing interval or a smaller gradient_clip"
    if best is None:
        raise DivergenceError(
            f"training: the loss left the finite numbers in epoch {epoch} (update {run.diverged_at}), before "
            f"any model was worth keeping; {advice}",
            step=len(run.losses),
        )
    if run.diverged_at is not None:
        warnings.warn(
            f"training diverged in epoch {epoch} (update {run.diverged_at}); the best model so far, of "
            f"update {best.update}, is kept; {advice}",
            ChaoskitWarning,
            stacklevel=3,
        )
    return result(best.cell, best.decoder, history, best.update, run.diverged_at)
