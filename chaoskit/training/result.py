"""A trained reconstruction: runs freely, forecasts, saves and loads."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from .. import _check, cells
from ..cells._validate import checked_cell
from ..dynamics.model import prepare
from ..dynamics.orbits import run
from ..errors import InvalidInputError, ModelFileError
from ..kernels import packing
from ..timeseries import DataLyapunov
from . import model_file
from .decoder import checked_decoder, inverse
from .forecasting import Forecaster


@dataclass(frozen=True, eq=False, repr=False)
class FitResult(Forecaster):
    """A network trained on a series.

    Attributes
    ----------
    cell : cell
        Trained network, in units of the z-scored series.
    decoder : ndarray, shape (D, n)
        Reads observations from the states; the identity if it was not trained.
    mean, scale : ndarray, shape (D,)
        z-score of the training series.
    context : ndarray, shape (D,)
        Last row of the training series, in its units; free runs go on from there.
    dt : float
        Time between two rows.
    tau : int or None
        Forcing interval in steps; None for Never().
    lyapunov : DataLyapunov or None
        The estimate tau came from, None if tau was given.
    history : dict of ndarray
        "update", "loss", "gradient_norm"; and "validation_update", "validation" (state-space divergence
        plus spectral distance of a free run against the training series).
    settings : dict
        What `fit` was called with.
    best_update : int
        Update whose parameters are kept.
    diverged_at : int or None
        Update at which training broke off, None if it did not.
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
    path: str | None = field(default=None, compare=False)

    _remedy = "train longer or with a smaller forcing interval"

    def __repr__(self) -> str:
        n = self.decoder.shape[1]
        loss = self.history["loss"]
        return (
            f"FitResult({type(self.cell).__name__}, {n} units, {self.decoder.shape[0]} observed, "
            f"tau={self.tau}, loss {loss[-1] if len(loss) else math.nan:.3g})"
        )

    @property
    def start_state(self) -> np.ndarray:
        """State (N,) at the end of the training series."""
        return self.encode(self.context[None])[0]

    def encode(self, observations: Any) -> np.ndarray:
        """States (batch, N) that forcing sets for observations (batch, D): pinv(B) x, other planes 0."""
        data = _check.array(observations, "observations", np.float64)
        if data.ndim != 2 or data.shape[1] != len(self.mean):
            raise InvalidInputError(
                f"observations: expected shape (batch, {len(self.mean)}), got {data.shape}"
            )
        h = ((data - self.mean) / self.scale) @ inverse(self.decoder.astype(np.float64)).T
        planes = type(self.cell).layout.state
        return np.concatenate([h] + [np.zeros_like(h)] * (planes - 1), axis=1).astype(self.cell[0].dtype)

    def decode(self, states: np.ndarray) -> np.ndarray:
        """Observations (..., D) of states (..., N), in the units of the series."""
        return (
            states[..., : self.decoder.shape[1]] @ self.decoder.T.astype(np.float64) * self.scale + self.mean
        )

    @property
    def name(self) -> str:
        """Kind of the network, for tables."""
        return f"network ({type(self.cell).__name__})"

    @property
    def context_length(self) -> int:
        """1: forcing resets the whole state, so that the last row of a context alone decides."""
        return 1

    def _go_on(self, steps: int, inputs: Any, seed: int) -> np.ndarray:
        return self._continue(self.context[None, None], steps, inputs, seed)

    def _continue(self, contexts: np.ndarray, steps: int, inputs: Any, seed: int) -> np.ndarray:
        start = self.encode(contexts[:, -1])
        model = prepare(self.cell)
        out = np.empty((steps + 1, *start.shape), start.dtype)
        out[0] = start
        run(model, out, np.zeros((steps, len(start), 0), start.dtype), 0, np.zeros(len(start), np.int64))
        return np.ascontiguousarray(self.decode(out[1:].astype(np.float64)).transpose(1, 0, 2))

    def save(self, path: Any) -> None:
        """Write the model to one .npz file, as a whole or not at all.

        Raises ModelFileError if the place cannot be written or the cell is not one of chaoskit's.
        """
        cls = type(self.cell)
        if getattr(cells, cls.__name__, None) is not cls:
            raise ModelFileError(f"{cls.__name__}: only cells of chaoskit.cells can be saved")
        arrays = {f"cell.{name}": array for name, array in self.cell._asdict().items()}
        arrays |= {"decoder": self.decoder, "mean": self.mean, "scale": self.scale, "context": self.context}
        arrays |= {f"history.{name}": values for name, values in self.history.items()}
        header: dict[str, Any] = {
            "cell": cls.__name__, "dt": self.dt, "tau": self.tau, "settings": self.settings,
            "best_update": self.best_update, "diverged_at": self.diverged_at, "lyapunov": None,
        }  # fmt: skip
        if self.lyapunov is not None:
            header["lyapunov"] = asdict(self.lyapunov)
            arrays["lyapunov.curve"] = header["lyapunov"].pop("curve")
        model_file.write(path, header, arrays)


def load(path: Any) -> FitResult:
    """Read a model saved by `FitResult.save`.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    FitResult

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, of another version, or holds arrays that do not fit together.
        Nothing in the file is ever executed.
    """
    header, arrays = model_file.read(path)
    try:
        cls = getattr(cells, str(header["cell"]), None)
        if cls not in cells.ALL_CELLS:
            raise InvalidInputError(f"unknown cell {header['cell']!r}")
        cell = checked_cell(cls(*(arrays[f"cell.{name}"] for name in cls._fields)))
        n = packing.sizes_of(cell).n
        decoder = checked_decoder(arrays["decoder"], n, cell[0].dtype)
        D = len(decoder)
        rows: dict[str, Any] = {}
        for name in ("mean", "scale", "context"):
            rows[name] = _check.array(arrays[name], name, np.float64)
            if rows[name].shape != (D,):
                raise InvalidInputError(f"{name}: expected shape ({D},), got {rows[name].shape}")
        estimate = header["lyapunov"]
        if estimate is not None:
            pairs = {key: tuple(estimate[key]) for key in ("interval", "fit_range", "fit")}
            estimate = DataLyapunov(**{**estimate, **pairs, "curve": arrays["lyapunov.curve"]})
        if not isinstance(header["settings"], dict):
            raise InvalidInputError("settings: expected a mapping")
        counts: dict[str, Any] = {"best_update": _check.integer(header["best_update"], "best_update")}
        for name in ("tau", "diverged_at"):
            counts[name] = None if header[name] is None else _check.integer(header[name], name, 1)
        if not (rows["scale"] > 0).all():
            raise InvalidInputError("scale: expected numbers above 0")
        prefix = "history."
        history = {k[len(prefix) :]: v for k, v in arrays.items() if k.startswith(prefix)}
        for name in ("update", "loss", "gradient_norm", "validation_update", "validation"):
            if history[name].ndim != 1 or history[name].dtype.kind not in "fi":
                raise InvalidInputError(f"history.{name}: expected one column of numbers")
        return FitResult(
            cell=cell, decoder=decoder, **rows, dt=_check.positive(header["dt"], "dt"), **counts,
            lyapunov=estimate, history=history, settings=header["settings"], path=str(path),
        )  # fmt: skip
    except (InvalidInputError, KeyError, TypeError) as error:
        raise ModelFileError(f"{path}: expected a complete chaoskit model, got a flaw: {error}") from None
