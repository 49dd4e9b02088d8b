"""What a gradient through time is taken of: model, start, inputs, data and forcing, checked together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _check
from ..cells._validate import checked_cell, whole_cell
from ..cells.stack import double_precision
from ..dynamics.lyapunov import initial_state
from ..dynamics.model import Model, checked_inputs, prepare
from ..dynamics.orbits import last_state
from ..dynamics.tangent_run import diverged
from ..errors import InvalidInputError
from .backpropagation import checked_schedule
from .latent import Latent, ObservedStates, checked_latent
from .orbit_walk import Forced, forced_by


@dataclass(frozen=True)
class Setting:
    """A model in float64 and the orbit that is asked about.

    cell is None for a system; series (T + 1, D) and latent are None without data; inputs (T, M).
    """

    model: Model
    cell: Any
    start: np.ndarray
    inputs: np.ndarray
    latent: Latent | None
    series: np.ndarray | None
    forced: Forced | None

    @property
    def readout(self) -> np.ndarray:
        """B (D, N) of the loss over the whole state; without data one row, the unit vector (1, ..., 1)."""
        n = self.model.dim
        if self.latent is None:
            return np.full((1, n), 1.0 / np.sqrt(n))
        B = self.latent.readout(self.model.pack.sizes.n)
        return np.concatenate([B, np.zeros((len(B), n - B.shape[1]))], axis=1)

    def loss_gradient(self, z: np.ndarray, t: int) -> np.ndarray:
        """dL_t/dz_t (N,) of the loss at time t alone."""
        B = self.readout
        if self.series is None:
            return B[0]
        return 2.0 / len(B) * (B @ z - self.series[t]) @ B


def prepare_double(model: Any, *, dt: Any = None, integrator: Any = None) -> tuple[Model, Any]:
    """(model, its cell or None), the arithmetic of a cell in float64 whatever its own."""
    prepared = prepare(model, dt=dt, integrator=integrator, double=True)
    cell = whole_cell(model)
    return prepared, None if cell is None else double_precision(checked_cell(cell))


def setting(
    model: Any,
    x0: Any,
    steps: int,
    *,
    series: Any = None,
    decoder: Any = None,
    inputs: Any = None,
    forcing: Any = None,
    transient: int = 0,
    dt: Any = None,
    integrator: Any = None,
    seed: int = 0,
) -> Setting:
    """Check what belongs together; see `gradient_growth` for the arguments.

    Raises InvalidInputError where it does not, DivergenceError if the transient leaves the finite numbers.
    """
    prepared, cell = prepare_double(model, dt=dt, integrator=integrator)
    rng = np.random.default_rng(_check.integer(seed, "seed"))
    if cell is None and any(v is not None for v in (series, decoder, forcing)):
        raise InvalidInputError(
            f"model: expected a cell or a fitted model for a series, decoder or forcing, got "
            f"{prepared.name}, which is not trained here; leave them out"
        )
    latent, data = _data(model, prepared, series, decoder, steps)
    if data is not None and transient:
        raise InvalidInputError(
            f"transient: expected 0 with a series, whose row t belongs to the state at time t, got "
            f"{transient}"
        )
    if forcing is not None and (data is None or latent is None):
        raise InvalidInputError("series: forcing draws the state to data; give the series (T + 1, D)")
    if data is not None and inputs is not None:
        inputs = shifted(model, inputs)
    driving = checked_inputs(inputs, prepared, transient + steps, 1)
    if x0 is None and data is not None and latent is not None:
        start = data[0] @ latent.encoder(prepared.dim).T
    else:
        start = initial_state(prepared, x0, rng)
    bad = np.zeros(1, np.int64)
    start = last_state(prepared, start[None], driving, transient, bad)[0]
    if bad[0]:
        raise diverged(prepared, int(bad[0]))
    forced = None
    if forcing is not None and latent is not None and data is not None:
        forced = forced_by(checked_schedule(forcing, steps), latent, data, prepared.dim)
    return Setting(prepared, cell, start, driving[transient:, 0], latent, data, forced)


def _data(model: Any, prepared: Model, series: Any, decoder: Any, steps: int):
    """(latent, series (steps + 1, D) in the units of the network), or (None, None)."""
    if series is None:
        if decoder is not None:
            raise InvalidInputError("series: a decoder reads states to compare them with data; give both")
        return None, None
    rows = _check.array(series, "series", np.float64)
    rows = rows[:, None] if rows.ndim == 1 else rows
    if rows.ndim != 2:
        raise InvalidInputError(f"series: expected shape (T + 1, D), got {np.shape(series)}")
    observations = getattr(model, "observations", None)
    if observations is not None:
        if rows.shape[1] != len(model.mean):
            raise InvalidInputError(
                f"series: expected {len(model.mean)} columns as in training, got {rows.shape[1]}"
            )
        rows = observations(rows)
    n, nx = prepared.pack.sizes.n, prepared.dim
    latent = getattr(model, "latent", None) if decoder is None else decoder
    if latent is None:  # the first states
        D = rows.shape[1]
        if n < D:
            raise InvalidInputError(f"series: expected at most {n} columns for {n} units, got {D}")
        latent = ObservedStates(np.zeros((nx - D, D)))
    latent = checked_latent(latent, n, nx, np.float64)
    D = len(latent.readout(n))
    if rows.shape[1] != D or len(rows) < steps + 1:
        raise InvalidInputError(
            f"series: expected at least steps + 1 = {steps + 1} rows of {D} columns for this decoder, got "
            f"{rows.shape} (rows left by the delay embedding, if there is one)"
        )
    return latent, np.ascontiguousarray(rows[: steps + 1])


def shifted(model: Any, inputs: Any) -> Any:
    """Inputs from the row on at which the first delay vector is whole."""
    span = getattr(getattr(model, "delays", None), "span", 0)
    return np.asarray(inputs)[..., span:, :] if span and np.ndim(inputs) > 1 else inputs
