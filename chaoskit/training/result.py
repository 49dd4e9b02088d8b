"""A trained reconstruction: states from observations, free runs, exponents, a file."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import _check
from ..dynamics.model import prepare
from ..dynamics.orbits import run
from ..errors import InvalidInputError
from ..gradients.latent import DecoderInversion, Latent, ObservedStates
from ..timeseries import DataLyapunov
from .data import NO_EMBEDDING, Embedding, Scaling
from .forecasting import Forecaster, checked_contexts, checked_inputs

_CHUNK = 1 << 20  # numbers of the states that a free run keeps before they are decoded


@dataclass(frozen=True, eq=False, repr=False)
class FitResult(Forecaster):
    """A network trained on a series.

    Attributes
    ----------
    cell : cell
        Trained network, in units of the z-scored series and inputs.
    decoder : ndarray, shape (D', n)
        Reads observations from the states; the identity, or the first rows of it, if it was not trained.
        D' is D times the dimension of the embedding.
    mean, scale : ndarray, shape (D,)
        z-score of the training series.
    context : ndarray, shape (L, D)
        Last rows of the training series, in its units; free runs go on from there.
    dt : float
        Time between two rows.
    tau : int or None
        Forcing interval in steps; None for a scheme without one.
    lyapunov : DataLyapunov or None
        The estimate tau came from, None if tau was given.
    history : dict of ndarray
        "update", "loss", "gradient_norm"; "validation_update", "validation" (the measure of checkpoints);
        "exponents" (checks, k) if they were tracked; "restart_seed", "restart_validation" of restarts.
    settings : dict
        Options of the training as plain values, under the names of the arguments of `fit` and with what it
        chose for itself; objects as their repr. "n_rows" is the length of the series.
    best_update : int
        Update whose parameters are kept.
    diverged_at : int or None
        Update at which training broke off, None if it did not.
    initial_map : ndarray, shape (N - D', D'), or None
        Where the first states are the observations: from these to the others at the start of a run.
    delays : Embedding
        Delay and dimension of the embedding, (1, 1) for none.
    context_inputs : ndarray, shape (L - 1, M)
        Inputs between the rows of the context, in their own units.
    input_mean, input_scale : ndarray, shape (M,)
        z-score of the inputs.
    """

    cell: Any
    decoder: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    context: np.ndarray
    dt: float
    tau: int | None
    lyapunov: DataLyapunov | None
    history: dict[str, np.ndarray]
    settings: dict[str, Any]
    best_update: int
    diverged_at: int | None = None
    initial_map: np.ndarray | None = None
    delays: Embedding = NO_EMBEDDING
    context_inputs: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    input_mean: np.ndarray = field(default_factory=lambda: np.zeros(0))
    input_scale: np.ndarray = field(default_factory=lambda: np.zeros(0))
    path: str | None = field(default=None, compare=False)
    _remedy = "train longer or with a smaller forcing interval"

    def __post_init__(self) -> None:
        object.__setattr__(self, "context", np.atleast_2d(self.context))

    def __repr__(self) -> str:
        n = self.decoder.shape[1]
        loss = self.history["loss"]
        return (
            f"FitResult({type(self.cell).__name__}, {n} units, {len(self.mean)} observed, "
            f"tau={self.tau}, loss {loss[-1] if len(loss) else math.nan:.3g})"
        )

    @property
    def name(self) -> str:
        """Kind of the network, for tables."""
        return f"network ({type(self.cell).__name__})"

    @property
    def n_inputs(self) -> int:
        """Columns M of the inputs; 0 for an autonomous network."""
        return len(self.input_mean)

    @property
    def embedding(self) -> Embedding | None:
        """Delay and dimension if the network was trained on delay vectors."""
        return None if self.delays.dimension == 1 else self.delays

    @property
    def context_length(self) -> int:
        """Rows of context a run needs: a delay vector, and a warm-up where forcing leaves states alone."""
        return len(self.context)

    @property
    def latent(self) -> Latent:
        """How observations set the state."""
        if self.initial_map is None:
            return DecoderInversion(self.decoder.astype(np.float64))
        return ObservedStates(self.initial_map.astype(np.float64))

    @property
    def start_state(self) -> np.ndarray:
        """State (N,) at the end of the training series."""
        return self.encode(self.context[None], self.context_inputs if self.n_inputs else None)[0]

    def encode(self, contexts: Any, inputs: Any = None) -> np.ndarray:
        """States that forcing sets.

        Parameters
        ----------
        contexts : array_like, shape (batch, L, D), or (batch, D) where one row is enough
            Observations, the newest last. Where forcing sets the whole state, the newest delay vector alone
            decides; where it sets the first states only, the others are warmed up along the context.
        inputs : array_like, shape (L - 1, M) or (batch, L - 1, M), optional
            Of a driven network: row k drives the step that begins at row k of the context.

        Returns
        -------
        ndarray, shape (batch, N)

        Raises
        ------
        InvalidInputError
            If contexts or inputs have another shape or too few rows, or are not finite.
        """
        rows = checked_contexts(contexts, "observations", len(self.mean), self.delays.span + 1)
        latent, width = self.latent, self.decoder.shape[0]
        scored = Scaling(self.mean, self.scale).apply(rows)
        N = self.decoder.shape[1] * type(self.cell).layout.state
        M = latent.encoder(N)
        if isinstance(latent, DecoderInversion):
            with np.errstate(over="ignore", invalid="ignore"):  # of observations far away
                return (self.delays.vectors(scored)[:, -1] @ M.T).astype(self.cell[0].dtype)
        vectors = self.delays.vectors(scored).transpose(1, 0, 2)
        batch, steps = len(rows), len(vectors) - 1
        given = checked_inputs(inputs, self.n_inputs, rows.shape[1] - 1, batch) if steps else None
        drive = self._scaled(given, batch, steps)
        state = (vectors[0] @ M.T).astype(self.cell[0].dtype)
        model = prepare(self.cell)
        pair = np.empty((2, *state.shape), state.dtype)
        for k in range(steps):
            pair[0] = state
            run(model, pair, drive[k : k + 1], 0, np.zeros(batch, np.int64))
            state = pair[1].copy()
            state[:, :width] = vectors[k + 1]
        return state

    def observations(self, series: np.ndarray) -> np.ndarray:
        """What the decoder reads, z-scored delay vectors (T - span, D'), of a series (T, D) in its units."""
        rows = _check.real(series, "series")
        if rows.ndim != 2 or rows.shape[1] != len(self.mean) or len(rows) <= self.delays.span:
            raise InvalidInputError(
                f"series: expected shape (T, {len(self.mean)}) with T above {self.delays.span}, "
                f"got {rows.shape}"
            )
        return self.delays.vectors(Scaling(self.mean, self.scale).apply(rows))

    def scale_inputs(self, inputs: np.ndarray) -> np.ndarray:
        """Inputs in the units that the cell takes.

        Parameters
        ----------
        inputs : ndarray, shape (..., M)
            In their own units, those of the training.

        Returns
        -------
        ndarray, shape (..., M)
        """
        values = _check.real(inputs, "inputs")
        if values.ndim == 0 or values.shape[-1] != self.n_inputs:
            raise InvalidInputError(f"inputs: expected {self.n_inputs} columns, got {values.shape}")
        return Scaling(self.input_mean, self.input_scale).apply(values)

    def _scaled(self, drive: np.ndarray | None, batch: int, steps: int) -> np.ndarray:
        """The last `steps` rows of checked inputs as (steps, batch, M) in the units of the cell."""
        if drive is None:
            return np.zeros((steps, batch, self.n_inputs), self.cell[0].dtype)
        last = self.scale_inputs(drive[:, drive.shape[1] - steps :])
        return np.ascontiguousarray(last.transpose(1, 0, 2), self.cell[0].dtype)

    def decode(self, states: np.ndarray) -> np.ndarray:
        """Observations that states stand for.

        Parameters
        ----------
        states : ndarray, shape (..., N)
            Of the network; with delay vectors, the newest row of each is read.

        Returns
        -------
        ndarray, shape (..., D)
            In the units of the series.
        """
        states, width = _check.real(states, "states"), self.decoder.shape[1]
        if states.ndim == 0 or states.shape[-1] != width * type(self.cell).layout.state:
            raise InvalidInputError(
                f"states: expected {width * type(self.cell).layout.state} numbers a state, got {states.shape}"
            )
        newest = self.decoder[len(self.decoder) - len(self.mean) :].astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):  # of a run that diverges
            return Scaling(self.mean, self.scale).undo(states[..., :width] @ newest.T)

    def _continue(self, contexts: np.ndarray, steps: int, inputs: Any, seed: int) -> np.ndarray:
        warm = contexts.shape[1] - 1
        start = self.encode(contexts, None if inputs is None else inputs[:, :warm])
        model, drive = prepare(self.cell), self._scaled(inputs, len(start), steps)
        bad, found = np.zeros(len(start), np.int64), np.empty((len(start), steps, len(self.mean)))
        chunk = max(1, _CHUNK // start.size)
        for at in range(0, steps, chunk):
            count = min(chunk, steps - at)
            states = np.empty((count + 1, *start.shape), start.dtype)
            states[0] = start
            run(model, states, drive[at : at + count], at, bad)
            decoded = self.decode(states[1:].astype(np.float64, copy=False))
            found[:, at : at + count] = decoded.transpose(1, 0, 2)
            start = states[-1].copy()
        return found

    def _go_on(self, steps: int, inputs: Any, seed: int) -> np.ndarray:
        if inputs is not None:
            inputs = np.concatenate([self.context_inputs[None], inputs], axis=1)
        return self._continue(self.context[None], steps, inputs, seed)

    def save(self, path: Any) -> None:
        """Write the model to one .npz file, as a whole or not at all.

        Parameters
        ----------
        path : str or path-like

        Raises
        ------
        ModelFileError
            If the place cannot be written, the cell is not one of chaoskit's, or the decoder has lost its
            rank, so that no state could be set by data again.
        """
        from .saved_model import save  # it reads models as well, and so needs this class

        save(self, path)
