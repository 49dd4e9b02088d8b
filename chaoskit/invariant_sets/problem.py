"""What a search has to solve: states that one step of a model takes to each other, in a ring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _check
from ..cells._validate import whole_cell
from ..cells.stack import whole_stack
from ..dynamics.model import Model, checked_inputs, prepare
from ..dynamics.orbits import run, state_jacobians
from ..errors import InvalidInputError
from ..systems import System

ROWS = 1 << 12  # states advanced by one kernel call, at most


@dataclass(frozen=True)
class Ring:
    """Find z_0 .. z_{k-1} with F(z_i) = z_{i+1} and F(z_{k-1}) = z_0.

    `images` (n, k, N) -> (n, k, N) is F at each place of n rings, `jacobians` its derivative (n, k, N, N).
    `inputs` (k, M): those of each place, in the units of the cell. `input_period`: places after which they
    repeat, so that a ring turned by so many is the same ring.
    `newton_steps` (rings, gaps) -> steps (n, k, N), where these are made without the Jacobians being seen;
    None: from `jacobians`. `numbers`: of the Jacobians of rings that are worked on together; `side_by_side`:
    pieces of so many share the cores.
    """

    model: Model
    period: int
    inputs: np.ndarray
    input_period: int
    images: Callable[[np.ndarray], np.ndarray]
    jacobians: Callable[[np.ndarray], np.ndarray]
    newton_steps: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    numbers: int = 1 << 19  # stay in the cache
    side_by_side: bool = True

    @property
    def dim(self) -> int:
        """Number N of states."""
        return self.model.dim

    def gaps(self, rings: np.ndarray) -> np.ndarray:
        """F(z_i) - z_{i+1}, shape (n, k, N)."""
        return self.images(rings) - np.roll(rings, -1, axis=1)


def prepared_model(model: Any, dt: Any) -> Model:
    """The model in float64, in which a search can reach the digits that tell one point from two."""
    if isinstance(model, System) and model.batch not in (None, 1):
        raise InvalidInputError("model: expected scalar parameters, got a batch; give one system at a time")
    prepared = prepare(model, dt=dt, rows=ROWS if isinstance(model, System) else 1, double=True)
    stack, cell = whole_stack(model), whole_cell(model)
    for part in stack.layers if stack is not None else () if cell is None else (cell,):
        for name, value in part._asdict().items():
            _check.squarable(np.asarray(value), f"{type(part).__name__}.{name}")
    return prepared


def ring_of(model: Any, prepared: Model, period: int, inputs: Any, device: str = "cpu") -> Ring:
    """The ring of `period` steps of a map or cell; equilibria of a flow, whose only period is 1.

    device: "cuda" for a cell on a GPU.
    """
    if prepared.is_flow:
        return _equilibria(model, prepared, period)
    rows, input_period = _input_rows(inputs, prepared, period)
    if device == "cuda":
        from .device_ring import DeviceRing

        there = DeviceRing(prepared, rows)
        return Ring(
            prepared, period, rows, input_period, there.images, there.jacobians, there.newton_steps,
            there.numbers(), side_by_side=False,
        )  # fmt: skip

    def images(rings: np.ndarray) -> np.ndarray:
        states = rings.reshape(-1, prepared.dim)
        driving = np.tile(rows, (len(rings), 1))
        out = np.empty_like(states)
        for at in range(0, len(states), ROWS):
            pair = np.empty((2, len(states[at : at + ROWS]), prepared.dim))
            pair[0] = states[at : at + ROWS]
            run(prepared, pair, driving[None, at : at + ROWS], 0, np.zeros(pair.shape[1], np.int64))
            out[at : at + ROWS] = pair[1]
        return out.reshape(rings.shape)

    def jacobians(rings: np.ndarray) -> np.ndarray:
        driving = np.tile(rows, (len(rings), 1))
        found = state_jacobians(prepared, rings.reshape(-1, prepared.dim), driving)
        return found.reshape(*rings.shape, prepared.dim)

    return Ring(prepared, period, rows, input_period, images, jacobians)


def _input_rows(inputs: Any, model: Model, period: int) -> tuple[np.ndarray, int]:
    """Inputs of each place (period, M) in the units of the cell, and after how many places they repeat."""
    if inputs is None or not model.n_inputs:
        return checked_inputs(inputs, model, period, 1)[:, 0], 1
    given = _check.array(inputs, "inputs", np.float64)
    if given.ndim == 1 and given.size == model.n_inputs:
        given = given[None]
    elif given.ndim == 1 and model.n_inputs == 1:
        given = given[:, None]
    if given.ndim != 2 or given.shape[1] != model.n_inputs or len(given) == 0:
        raise InvalidInputError(
            f"inputs: expected one row of {model.n_inputs} numbers, or one period of such rows, for "
            f"{model.name}; got shape {given.shape}"
        )
    own = next(p for p in range(1, len(given) + 1) if len(given) % p == 0 and _repeats(given, p))
    if period % own:
        raise InvalidInputError(
            f"period: expected a multiple of {own}, after which the inputs repeat, got {period}; no orbit "
            "of a driven network can return sooner"
        )
    return checked_inputs(np.tile(given[:own], (period // own, 1)), model, period, 1)[:, 0], own


def _repeats(rows: np.ndarray, period: int) -> bool:
    return np.array_equal(rows, np.roll(rows, -period, axis=0))


def _equilibria(system: System, model: Model, period: int) -> Ring:
    """Zeros of the right-hand side f, as fixed points of x + f(x)."""
    if period != 1:
        raise InvalidInputError(
            f"period: expected 1 for {model.name}, a flow, of which only equilibria are sought, got "
            f"{period}; a closed orbit is a fixed point of the Poincare map, which you can give as a Map"
        )
    probe = np.linspace(0.1, 0.2, model.dim)
    if any(not np.array_equal(system.evaluate(probe), system.evaluate(probe, t)) for t in (0.7, 1.9)):
        raise InvalidInputError(
            f"model: expected a flow whose right-hand side does not depend on time, got {model.name}; a "
            "driven flow has no equilibria"
        )

    def images(rings: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return rings + np.array([system.evaluate(x) for x in rings[:, 0]]).reshape(rings.shape)

    def jacobians(rings: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            found = np.array([system.evaluate_jacobian(x) for x in rings[:, 0]])
        return np.eye(model.dim) + found.reshape(*rings.shape, model.dim)

    return Ring(model, 1, np.zeros((1, 0)), 1, images, jacobians)
