"""Loss and gradients of forced sequences: the Python side of backpropagation through time."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _check
from ..cells._validate import checked_cell, is_cell
from ..errors import DivergenceError, InvalidInputError
from ..forcing import Forcing, Schedule
from ..kernels import packing
from ..kernels.cpu_adjoint import adjoint_work, backpropagate
from .latent import Latent, ObservedStates, checked_latent, widths


class Backpropagation:
    """Memory and packed weights for batches of B sequences of T steps.

    `slots`: the largest number of forced states that a schedule may have. Call it with a cell, a latent
    state, data and a schedule; the gradients it returns live in memory that the next call writes over.
    """

    def __init__(self, cell: Any, latent: Latent, T: int, B: int, slots: int):
        self.tag = packing.tag(cell)
        self.packed = packing.empty_pack(cell)
        D = latent.readout(self.packed.sizes.n).shape[0]
        self.shape = (T, B, D)
        self.work = adjoint_work(self.tag, self.packed, T, B, D, slots)
        self.gradient = type(cell)(*(np.zeros_like(a) for a in cell))
        self.latent_gradient = type(latent)(*(np.zeros_like(a) for a in latent))

    def __call__(
        self,
        cell: Any,
        latent: Latent,
        X: np.ndarray,
        schedule: Schedule,
        inputs: np.ndarray | None = None,
        noise: np.ndarray | None = None,
    ):
        """(loss, gradient of the cell, gradient of the latent state).

        X (T + 1, batch, D) and inputs (T, batch, M) are contiguous and of the cell's dtype; noise
        (slots, batch, D) is added to the data that the state is forced to. The loss is the mean of squared
        errors over time, batch and dimension.
        """
        T, batch, D = self.shape
        sizes, dtype = self.packed.sizes, self.packed.P.dtype
        packing.pack(cell, self.packed)
        if sizes.inputs:
            operand = self.work.R.reshape(-1)[: (T + 1) * batch * (sizes.m + sizes.inputs)]
            operand.reshape(T + 1, batch, sizes.m + sizes.inputs)[:T, :, sizes.m :] = inputs
        observed = X[schedule.times]
        if noise is not None:
            observed += noise
        if schedule.source is not None:
            observed = observed * schedule.source.astype(dtype)[:, None, None]
        target = observed @ latent.encoder(sizes.nx).T
        keep = schedule.keep.astype(dtype)
        flow = keep if schedule.flow is None else schedule.flow.astype(dtype)
        count = T * batch * D
        total = backpropagate(
            self.tag, self.packed, self.work, latent.readout(sizes.n).reshape(-1), X.reshape(-1), batch, D, T,
            schedule.slot, widths(latent, schedule, sizes.nx), keep, flow, target.reshape(-1),
            dtype.type(2.0 / count),
        )  # fmt: skip
        w = self.work
        packing.unpack_gradient(self.gradient, sizes, w.GW, w.GH, w.GP, w.GF)
        to_target = w.GT[: target.size].reshape(-1, sizes.nx)
        encoder_gradient = to_target.T @ observed.reshape(-1, D)
        latent.add_gradient(self.latent_gradient, w.GB.reshape(D, sizes.n), encoder_gradient)
        return total / count, self.gradient, self.latent_gradient


def loss_and_gradient(
    cell: Any, decoder: Any, series: Any, *, forcing: Forcing, inputs: Any = None
) -> tuple[float, Any, Any]:
    """Loss of one batch of forced sequences and all its gradients, by backpropagation through time.

    The state starts at pinv(B) x_0. Each step predicts B z_t from z_t = F(z~_{t-1}, inputs[t-1]); where
    t is a forcing time, z~_t = pinv(B) x_t, otherwise z~_t = z_t. An LSTM's c is 0 at the start and after
    each forcing. The loss is taken before forcing.

    Parameters
    ----------
    cell : cell
        Network; float32 or float64.
    decoder : array_like, shape (D, n), or ObservedStates
        B, without bias, of full row rank. It reads the first state plane: h alone for an LSTM. With
        `ObservedStates` the first D states are the observations: forcing sets them alone, the others start
        from a linear map of x_0 and are never set again.
    series : array_like, shape (T + 1, D) or (batch, T + 1, D)
        Observations x_0 .. x_T.
    forcing : Sparse, Generalized, Windowed, Truncated or Never
        When the state is forced, and how (chaoskit.forcing). Of what changes in training (`Sparse` with
        jitter, `Annealed`, `AdaptiveGeneralized`) its `schedule`.
    inputs : array_like, shape (T, M) or (batch, T, M), optional
        inputs[t] drives the step from t to t + 1.

    Returns
    -------
    loss : float
        Mean of (x_t - B z_t)^2 over batch, t = 1..T and dimensions.
    gradient : cell
        Derivatives, as an instance of the cell's own class.
    decoder_gradient : ndarray, shape (D, n), or ObservedStates
        Including the part that flows through pinv(B); of the initial map where states are observed.

    Raises
    ------
    InvalidInputError
        If shapes do not fit, numbers are not finite, or the decoder cannot be inverted.
    DivergenceError
        If the orbit or its gradients leave the finite numbers.

    References
    ----------
    Monfared et al., arXiv 2110.07238, Eqs. 8-10.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.cells import Tanh
    >>> from chaoskit.forcing import Sparse
    >>> loss, gradient, _ = loss_and_gradient(
    ...     Tanh.init(2, rng=0), np.eye(2), np.zeros((5, 2)), forcing=Sparse(2))
    >>> loss, gradient.W.shape
    (0.0, (2, 2))
    """
    if not is_cell(cell):
        raise InvalidInputError(f"cell: expected an instance of a cell class, got {type(cell).__name__}")
    cell = checked_cell(cell)
    sizes = packing.sizes_of(cell)
    dtype = cell[0].dtype
    latent = checked_latent(decoder, sizes.n, sizes.nx, dtype)
    D = len(latent.readout(sizes.n))
    data = _check.array(series, "series", dtype)
    data = data[None] if data.ndim == 2 else data
    if data.ndim != 3 or data.shape[2] != D or data.shape[1] < 2 or len(data) == 0:
        raise InvalidInputError(
            f"series: expected shape (T + 1, {D}) or (batch, T + 1, {D}) with T >= 1 for this "
            f"decoder, got {np.shape(series)}"
        )
    batch, T = len(data), data.shape[1] - 1
    driving = _driving(inputs, sizes.inputs, T, batch, dtype)
    schedule = checked_schedule(forcing, T)
    run = Backpropagation(cell, latent, T, batch, len(schedule.keep))
    X = np.ascontiguousarray(data.transpose(1, 0, 2))
    loss, gradient, latent_gradient = run(cell, latent, X, schedule, driving)
    if not (np.isfinite(loss) and all(np.isfinite(a).all() for a in (*gradient, *latent_gradient))):
        raise DivergenceError(
            "cell: expected an orbit and gradients that stay finite, got infinity or NaN within "
            f"{T} steps; force more often, shorten the series or scale the weights down"
        )
    whole = latent_gradient if isinstance(latent, ObservedStates) else latent_gradient[0]
    return loss, gradient, whole


def checked_schedule(forcing: Any, T: int) -> Schedule:
    """Schedule of a forcing object for sequences of T steps."""
    if isinstance(forcing, type) or not isinstance(forcing, Forcing):
        raise InvalidInputError(
            f"forcing: expected an object of chaoskit.forcing such as Sparse(tau) or Never(), got {forcing!r}"
        )
    return forcing.schedule(T)


def _driving(inputs: Any, n_inputs: int, T: int, batch: int, dtype: Any) -> np.ndarray | None:
    if n_inputs == 0 and inputs is None:
        return None
    values = np.zeros((0, 0)) if inputs is None else _check.array(inputs, "inputs", dtype)
    if values.shape not in ((T, n_inputs), (batch, T, n_inputs)) or n_inputs == 0:
        raise InvalidInputError(
            f"inputs: expected shape ({T}, {n_inputs}) or ({batch}, {T}, {n_inputs}) for this cell, got "
            f"{None if inputs is None else values.shape}"
        )
    values = values[:, None] if values.ndim == 2 else values.transpose(1, 0, 2)
    return np.ascontiguousarray(np.broadcast_to(values, (T, batch, n_inputs)))
