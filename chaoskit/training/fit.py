"""Train a network on a measured series by sparsely forced backpropagation through time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .result import FitResult
from .run import train_all
from .task import Task
from .trainer import TrainingState


def fit(
    series: Any,
    *,
    cell: Any = "shplrnn",
    n_states: int | None = None,
    cell_options: Mapping[str, Any] | None = None,
    forcing: Any = "auto",
    sequence_length: int | str = "auto",
    dt: float | None = None,
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
    device: str = "cpu",
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
        Observations, one row for each time; also a table of pandas or an array of xarray.
        What `chaoskit.report.load_series` cut into segments is trained on as a whole, by windows that
        cross no gap; the longest segment gives the forcing interval and judges.
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
        of the series (`estimate_lyapunov`), or `Generalized` if measurement noise is seen in it.
    sequence_length : int or "auto"
        Steps of a training window; "auto": max(4 tau, 200), or less if the series is shorter.
    dt : float, optional
        Time between two rows; by default that of the series' time index if it has one, else 1.
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
        (FitResult, series (T, D), inputs (T, M)); or "loss", the mean of an epoch; or "last", which chooses
        nothing and keeps the last parameters. There are forty to eighty
        checks in a training, one an epoch in a shorter one. What is judged must be long enough: a spectral
        distance takes 160 rows, twice that for a driven system.
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
        without a break; a training that its callback has ended goes on as well. Restarts have a file each,
        with their number before the suffix.
    checkpoint_interval : int
        Epochs between two writings: the most that a kill at any moment loses.
    checkpoint_every : int, optional
        Keep the state every so many steps of a sequence only and compute the others again on the way back:
        less memory for long sequences.
    device : {"cpu", "cuda"}
        Where losses and gradients are computed. With "cuda" parameters and windows go to the GPU and
        gradients come back once an update; optimizer, penalties and all that judges checkpoints stay on the
        CPU. It pays for large batches, large networks or many restarts: these go side by side, the updates
        of all in one launch (with `threads`, of so many at a time), and each comes to what it would come to
        alone; large networks up to round-off, where CuPy's products are installed. Two trainings on GPUs of
        one kind agree bit by bit, if the GPU is not so full that a batch must be divided. CPU and GPU differ
        by round-off, so a checkpoint goes on where it was written; a model runs anywhere.

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
    DeviceError
        If there is no GPU for "cuda", or too little memory on it.
    DivergenceError
        If training diverges before there is any model worth keeping.
    MissingDependencyError
        If a progress bar is wanted and tqdm is not installed.

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
    task = Task(dict(locals()))
    runs = [task.begin(restart) for restart in range(task.options["restarts"])]
    return task.best_of(runs, train_all(runs, task.options["threads"], progress))
