"""Any model - cell, map, flow, fitted network - in the one form that the kernels take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _check
from .._device import checked_device
from ..cells._validate import batch_size, checked_cell, whole_cell
from ..cells.stack import double_precision, whole_stack
from ..errors import InvalidInputError
from ..kernels import packing
from ..kernels.stack_steps import StackPack, pack_stack, stack_work
from ..kernels.system_steps import AdaptivePack, SystemPack, system_work
from ..systems import DormandPrince, System
from ..systems.integrators import Integrator, checked_integrator


@dataclass(frozen=True)
class Model:
    """A checked model: what selects its rules, its packed parameters, its sizes.

    `scale_inputs`: from the units in which a fitted model's inputs were measured to those of its cell.
    """

    name: str
    tag: Any
    pack: Any
    dim: int
    n_inputs: int
    dtype: Any
    is_flow: bool
    dt: float | None
    jacobian: str
    default_state: np.ndarray | None
    batch: int | None = None
    scale_inputs: Callable[[np.ndarray], np.ndarray] | None = None

    def work(self, rows: int, tangents: int = 0) -> Any:
        """Scratch for `rows` states, or for one state with `tangents` tangents."""
        if isinstance(self.pack, packing.Packed):
            return packing.work_for(self.pack, max(rows, tangents + 1), self.tag)
        if isinstance(self.pack, StackPack):
            return stack_work(self.pack, max(rows, tangents + 1))
        return system_work(self.dim, tangents, type(self.tag).tangent is None)


def prepare(
    model: Any, *, dt: Any = None, rows: int = 1, integrator: Any = None, double: bool = False
) -> Model:
    """Check a model and pack it.

    Parameters
    ----------
    model : cell, Stack, System, or an object with a `cell` attribute (a fitted model)
    dt : float, optional
        Integration step of a flow (default: the system's own); time per step of anything else.
    rows : int
        Number of states that will be advanced together.
    integrator : RungeKutta4 or DormandPrince, optional
        How a flow is integrated.
    double : bool
        Take a network in float64, whatever its own arithmetic.

    Raises
    ------
    InvalidInputError
        If it is none of these, or its arrays do not fit together.
    """
    if dt is not None:
        dt = _check.positive(dt, "dt")
        if not 1e-100 < dt < 1e100:  # rates per time are divided by it
            raise InvalidInputError(f"dt: expected a time step from 1e-100 to 1e100, got {dt:g}")
    is_flow = isinstance(model, System) and model.is_flow
    integrator = checked_integrator(integrator, is_flow)
    if isinstance(model, System):
        return _prepare_system(model, dt, rows, integrator)
    stack = whole_stack(model)
    if stack is not None:
        stack = double_precision(stack) if double else stack
        tag, pack = packing.tag(stack.layers[-1]), pack_stack(stack)
        return _network(model, stack, dt, tag, pack, (stack.n_states, stack.n_inputs, pack.d.dtype))
    cell = whole_cell(model)
    if cell is None:
        raise InvalidInputError(
            "model: expected a cell or a stack (chaoskit.cells), a system (chaoskit.systems) or a fitted "
            f"model, got {type(model).__name__}"
        )
    if batch_size(cell) is not None:
        raise InvalidInputError(
            f"model: expected one {type(cell).__name__}, got a batch of {batch_size(cell)}, which only "
            "`simulate` and `lyapunov_spectrum` take; give its members one at a time"
        )
    checked = checked_cell(cell)
    checked = double_precision(checked) if double else checked
    pack = packing.pack(checked)
    sizes = pack.sizes.nx, pack.sizes.inputs, pack.P.dtype
    return _network(model, cell, dt, packing.tag(checked), pack, sizes)


def _network(model: Any, network: Any, dt: float | None, tag: Any, pack: Any, sizes) -> Model:
    """A cell or a stack, by itself or in a fitted model; sizes: numbers of states and inputs, dtype."""
    dim, n_inputs, dtype = sizes
    fitted = network is not model
    return Model(
        name=type(network).__name__,
        tag=tag,
        pack=pack,
        dim=dim,
        n_inputs=n_inputs,
        dtype=dtype,
        is_flow=False,
        dt=dt,
        jacobian="analytic",
        default_state=getattr(model, "start_state", None) if fitted else None,
        scale_inputs=getattr(model, "scale_inputs", None) if fitted else None,
    )


def device_for(device: Any, model: Any) -> str:
    """ "cpu" or "cuda"; stacks, maps and flows do not run on "cuda"."""
    only_here = isinstance(model, System) or whole_stack(model) is not None
    if only_here and isinstance(device, str) and device == "cuda":
        raise InvalidInputError(
            f'device: expected a cell or a fitted model for device="cuda", got {type(model).__name__}; '
            'stacks, maps and flows take device="cpu"'
        )
    return checked_device(device)


def _prepare_system(system: System, dt: float | None, rows: int, integrator: Integrator) -> Model:
    if system.is_flow and dt is None:
        dt = system.default_dt
        if dt is None:
            raise InvalidInputError(
                f"dt: {system!r} has no default integration step; give dt, or default_dt to the flow"
            )
    if system.batch is not None and rows not in (1, system.batch):
        raise InvalidInputError(
            f"x0: expected 1 or {system.batch} states for parameters with a batch axis of "
            f"{system.batch}, got {rows}"
        )
    rows = max(rows, system.batch or 1)
    return Model(
        name=type(system).__name__,
        tag=system.tag,
        pack=_system_pack(system.parameter_rows(rows), 1.0 if dt is None else dt, integrator),
        dim=system.dim,
        n_inputs=0,
        dtype=np.dtype(np.float64),
        is_flow=system.is_flow,
        dt=dt,
        jacobian=system.jacobian_kind,
        default_state=system.default_state,
        batch=system.batch,
    )


def _system_pack(rows: np.ndarray, dt: float, integrator: Integrator) -> SystemPack | AdaptivePack:
    """Parameters and step in the form that selects the integrator."""
    if isinstance(integrator, DormandPrince):
        return AdaptivePack(rows, dt, integrator.rtol, integrator.atol, integrator.most_substeps)
    return SystemPack(rows, dt)


def checked_state(x0: Any, model: Model, name: str = "x0") -> np.ndarray:
    """x0 as (N,) or (batch, N) in the dtype of the model."""
    state = _check.array(x0, name, model.dtype)
    if state.ndim not in (1, 2) or state.shape[-1] != model.dim or state.size == 0:
        raise InvalidInputError(
            f"{name}: expected shape ({model.dim},) or (batch, {model.dim}) for {model.name}, "
            f"got {state.shape}"
        )
    return state


def checked_inputs(inputs: Any, model: Model, steps: int, rows: int) -> np.ndarray:
    """Inputs of the first `steps` steps as (steps, rows, M) in the dtype of the model."""
    if inputs is None:
        if model.n_inputs:
            raise InvalidInputError(
                f"inputs: {model.name} takes {model.n_inputs} inputs; give an array of shape "
                f"({steps}, {model.n_inputs})"
            )
        return np.zeros((steps, rows, 0), model.dtype)
    values = _check.array(inputs, "inputs", model.dtype)
    if values.ndim == 1 and model.n_inputs == 1:
        values = values[:, None]
    per_row = values.ndim == 3
    shape = values.shape[1:] if per_row else values.shape
    if (
        len(shape) != 2
        or shape[1] != model.n_inputs
        or shape[0] < steps
        or (per_row and values.shape[0] != rows)
    ):
        raise InvalidInputError(
            f"inputs: expected at least {steps} rows (one for each step, the transient included) of "
            f"{model.n_inputs} columns, shape (T, M) or (batch, T, M), for {model.name} and a batch of "
            f"{rows}; got {values.shape}"
        )
    if model.scale_inputs is not None:
        values = _check.array(model.scale_inputs(values), "inputs", model.dtype)
    by_step = values[:, :steps].transpose(1, 0, 2) if per_row else values[:steps, None]
    # a copy: arrays that cannot be written are a type of their own to the compiler
    return np.array(np.broadcast_to(by_step, (steps, rows, shape[1])), order="C")
