"""Loss and gradients of forced sequences: the Python side of backpropagation through time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from .. import _check
from .._device import beside, checked_device
from ..cells._validate import checked_cell, is_cell
from ..errors import DivergenceError, InvalidInputError
from ..forcing import Forcing, Schedule
from ..kernels import packing, pieces
from ..kernels.adjoint_memory import AdjointWork, Batch, Room, adjoint_work, cell_gradients, gradients, room
from ..kernels.cpu_adjoint import backpropagate
from ..kernels.pieces import Plan
from .latent import Latent, ObservedStates, checked_latent, widths

_LEAST_WORK = 20_000_000  # operations worth a thread
_PLANS = 16  # schedules remembered
_NONE = {np.dtype(t).char: np.zeros(0, t) for t in (np.float32, np.float64)}


class Call(NamedTuple):
    """One system's share of a call: packed cell, data and plan; arrays are flat but for X."""

    packed: packing.Packed
    plan: Plan
    X: np.ndarray  # (T + 1, B, D)
    observed: np.ndarray
    inputs: np.ndarray
    readout: np.ndarray  # (D, n)
    encoder: np.ndarray  # (D, nx), transposed


class Backpropagation:
    """Memory and packed weights for batches of B sequences of T steps.

    Call it with a cell, a latent state, data and a schedule; the gradient of the cell that it returns lives
    in memory that the next call writes over.

    Parameters
    ----------
    cell, latent
        Of the shapes to come.
    T, B : int
        Steps and sequences.
    threads : int
        The batch is shared among so many threads, if there is enough work for them. Gradients are added in
        the order of the shares: the same number of threads gives the same bits.
    checkpoint_every : int, optional
        Keep the states of every so many steps only, and make the others again on the way back: a third more
        work, and memory for (T / checkpoint_every + checkpoint_every) B states in place of T B.
    device : {"cpu", "cuda"}
        On a GPU parameters and data go up and gradients come down once a call. Batches that do not fit into
        its memory are worked on in shares.
    """

    def __init__(
        self,
        cell: Any,
        latent: Latent,
        T: int,
        B: int,
        *,
        threads: int = 1,
        checkpoint_every: int | None = None,
        device: str = "cpu",
    ):
        self.tag = packing.tag(cell)
        self.packs = [packing.empty_pack(cell)]
        sizes = self.packs[0].sizes
        D = latent.readout(sizes.n).shape[0]
        self.shape = (T, B, D)
        self.segment = T if checkpoint_every is None else min(T, checkpoint_every)
        enough = 6 * T * B * sizes.na * (sizes.m + sizes.inputs) // _LEAST_WORK
        shares = max(1, min(threads, B, enough)) if device == "cpu" else 1
        self.bounds = [B * i // shares for i in range(shares + 1)]
        self.pool = ThreadPoolExecutor(shares - 1) if shares > 1 else None
        self.compiled = False
        self.plans: dict[bytes, Plan] = {}
        self.work: list[AdjointWork] = []
        self.room = Room()
        self.gradients = [_zeros_like(cell)]
        self.gpu: Any = None
        if device == "cuda":
            from .gpu_engine import GpuEngine

            self.gpu = GpuEngine(self.tag, self.packs[0], self.shape, self.segment)

    def __call__(
        self,
        cell: Any,
        latent: Latent,
        X: np.ndarray,
        schedule: Schedule,
        inputs: np.ndarray | None = None,
        noise: np.ndarray | None = None,
    ) -> tuple[float, Any, Any]:
        """(loss, gradient of the cell, gradient of the latent state).

        X (T + 1, batch, D) and inputs (T, batch, M) are contiguous and of the cell's dtype; noise
        (slots, batch, D) is added to the data that the state is forced to. The loss is the mean of squared
        errors over time, batch and dimension.
        """
        return self.several([(cell, latent, X, schedule, inputs, noise)])[0]

    def several(self, calls: Sequence[tuple]) -> list[tuple[float, Any, Any]]:
        """The results of several calls, each with the arguments of one and a network of its own.

        On a GPU they go through time together where their schedules force the same numbers at the same steps.
        What comes out of a call does not depend on the others.
        """
        while len(self.packs) < len(calls):
            self.packs.append(packing.empty_pack(calls[0][0]))
            self.gradients.append(_zeros_like(calls[0][0]))
        packed = [self._packed(k, *call) for k, call in enumerate(calls)]
        T, B, D = self.shape
        sizes, count = self.packs[0].sizes, T * B * D
        found = []
        totals = (
            self.gpu.run(packed, 2.0 / count)
            if self.gpu is not None
            else (self._run(call, 2.0 / count) for call in packed)
        )
        for k, (total, (*of_cell, GB, GM)) in enumerate(totals):
            gradient = packing.unpack_gradient(self.gradients[k], sizes, *of_cell)
            readout, encoder = GB.reshape(D, sizes.n), GM.reshape(D, sizes.nx).T
            of_latent = calls[k][1].gradient(readout, encoder, packed[k].encoder.T)
            found.append((total / count, gradient, of_latent))
        return found

    def _packed(self, k: int, cell, latent: Latent, X, schedule: Schedule, inputs=None, noise=None) -> Call:
        """What the kernels take of call number k."""
        plan = self._plan(latent, schedule)
        pack = packing.pack(cell, self.packs[k])
        sizes, dtype = pack.sizes, pack.P.dtype
        observed = X[schedule.times]
        if noise is not None:
            observed += noise
        if schedule.source is not None:
            observed *= schedule.source.astype(dtype)[:, None, None]
        return Call(
            pack, plan, X, observed.reshape(-1), _NONE[dtype.char] if inputs is None else inputs.reshape(-1),
            latent.readout(sizes.n), latent.encoder(sizes.nx).T,
        )  # fmt: skip

    def _plan(self, latent: Latent, schedule: Schedule) -> Plan:
        """How the schedule cuts sequences into pieces, with memory that is large enough for it."""
        key = b"-".join(b"" if a is None else a.tobytes() for a in schedule)
        plan = self.plans.get(key)
        if plan is None:
            check_schedule(schedule, self.shape[0])
            if len(self.plans) == _PLANS:
                self.plans.clear()
            packed = self.packs[0]
            sizes, dtype = packed.sizes, packed.P.dtype
            keep = schedule.keep.astype(dtype)
            flow = keep if schedule.flow is None else schedule.flow.astype(dtype)
            columns = -(-self.shape[1] // (len(self.bounds) - 1))
            width = widths(latent, schedule, sizes.nx)
            plan = pieces.plan(schedule.slot, width, keep, flow, sizes.nx, columns, self.segment)
            self.plans[key] = plan
            needed = Room(*map(max, self.room, room(plan, columns)))
            if needed != self.room and self.gpu is None:
                self.room = needed
                self.work = [adjoint_work(self.tag, packed, self.shape[2], needed) for _ in self.bounds[1:]]
        return plan

    def _run(self, call: Call, scale: float) -> tuple[float, tuple[np.ndarray, ...]]:
        """Sum of squared errors, and the gradients, which are in the first work memory."""
        _, B, D = self.shape
        flat = (call.X.reshape(-1), call.observed, call.inputs)
        latent = call.readout.reshape(-1), call.encoder.reshape(-1)

        def share(i: int) -> float:
            first, end = self.bounds[i : i + 2]
            return backpropagate(
                self.tag, call.packed, self.work[i], Batch(*flat, *latent, B, D, first, end - first),
                call.plan, call.packed.P.dtype.type(scale),
            )  # fmt: skip

        total, mine = 0.0, self.work
        if self.pool is None:
            total = share(0)
        else:
            if not self.compiled:
                share(0)  # two threads must not compile at once
                self.compiled = True
            others = [self.pool.submit(share, i) for i in range(1, len(mine))]
            total = share(0)
            for i, other in enumerate(others, 1):
                total += other.result()
                for sums, theirs in zip(gradients(mine[0]), gradients(mine[i]), strict=True):
                    sums += theirs
        return total, (*cell_gradients(mine[0], call.packed), mine[0].GB, mine[0].GM)


def _zeros_like(cell: Any) -> Any:
    return type(cell)(*(np.zeros_like(a) for a in cell))


def loss_and_gradient(
    cell: Any, decoder: Any, series: Any, *, forcing: Forcing, inputs: Any = None, device: str = "cpu"
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
    device : {"cpu", "cuda"}
        Where the loss and its gradients are computed. On the GPU sums are taken in another order, always the
        same one. Gradients are NumPy arrays, or Numba device arrays where `series` is in the memory of the
        GPU that computes them.

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
    DeviceError
        If there is no GPU for "cuda", or too little memory on it.

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
    device = checked_device(device)
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
    run = Backpropagation(cell, latent, T, batch, device=device)
    X = np.ascontiguousarray(data.transpose(1, 0, 2))
    loss, gradient, latent_gradient = run(cell, latent, X, schedule, driving)
    if not (np.isfinite(loss) and all(np.isfinite(a).all() for a in (*gradient, *latent_gradient))):
        raise DivergenceError(
            "cell: expected an orbit and gradients that stay finite, got infinity or NaN within "
            f"{T} steps; force more often, shorten the series or scale the weights down"
        )
    if device == "cuda":
        gradient, latent_gradient = (
            type(g)(*(beside(series, a) for a in g)) for g in (gradient, latent_gradient)
        )
    whole = latent_gradient if isinstance(latent, ObservedStates) else latent_gradient[0]
    return loss, gradient, whole


def checked_schedule(forcing: Any, T: int) -> Schedule:
    """Schedule of a forcing object for sequences of T steps."""
    check_forcing(forcing)
    schedule = forcing.schedule(T)
    check_schedule(schedule, T)
    return schedule


def check_forcing(forcing: Any) -> None:
    """Raise InvalidInputError for what makes no schedules."""
    if isinstance(forcing, type) or not isinstance(forcing, Forcing):
        raise InvalidInputError(
            f"forcing: expected an object of chaoskit.forcing such as Sparse(tau) or Never(), got {forcing!r}"
        )


def check_schedule(schedule: Schedule, T: int) -> None:
    """Raise InvalidInputError for a schedule of somebody's own that the kernels cannot follow."""
    slot, keep = np.asarray(schedule.slot), np.asarray(schedule.keep)
    forced = slot[slot >= 0] if slot.dtype.kind == "i" else np.zeros(0)
    shares = [keep, *(np.asarray(a) for a in (schedule.flow, schedule.source) if a is not None)]
    if (
        slot.shape != (T,)
        or not np.array_equal(forced, np.arange(len(keep)))
        or any(a.shape != keep.shape or a.dtype.kind != "f" or not np.isfinite(a).all() for a in shares)
        or slot[0] != 0
        or keep[0] != 0.0
        or (schedule.flow is not None and schedule.flow[0] != 0.0)
    ):
        raise InvalidInputError(
            f"forcing: expected a schedule of {T} steps: slot with 0, 1, 2, ... at the forced ones and -1 at "
            "the others, the first 0; keep, flow and source with one number for each of these, keep[0] = 0 "
            f"and flow[0] = 0; got {schedule!r}"
        )


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
