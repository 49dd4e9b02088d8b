"""How strongly generalized forcing must draw: estimates of how much the Jacobians along the data grow."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..cells import protocol
from ..dynamics.model import Model
from ..dynamics.orbits import state_jacobians
from ..errors import InvalidInputError
from ..forcing import AdaptiveGeneralized
from ..kernels import packing

_MOST = 240  # Jacobians an estimate looks at


def growth(
    forcing: AdaptiveGeneralized, cell: Any, states: np.ndarray, inputs: np.ndarray | None = None
) -> float:
    """sigma of the estimator.

    states (T, batch, N): what forcing sets along the sequences of a batch; inputs (T, batch, M) beside them.
    With observed states the others are `initial_map @ x` in every row, which forcing sets at a start only.
    Of long batches the first sequences are taken, whole where their order matters, thinned out otherwise.
    """
    if forcing.estimator == "weights":
        return weight_bound(cell)
    T, batch, N = states.shape
    in_order = forcing.estimator == "product"
    rows = min(batch, max(1, _MOST // T) if in_order else 16)
    every = 1 if in_order else max(1, T * rows // _MOST)
    part = np.ascontiguousarray(states[::every, :rows])
    inputs = np.zeros((T, batch, 0), states.dtype) if inputs is None else inputs
    driving = np.ascontiguousarray(inputs[::every, :rows]).reshape(len(part) * rows, -1)
    J = state_jacobians(_model(cell), part.reshape(-1, N), driving)
    J = J.reshape(part.shape[0], rows, N, N).astype(np.float64)
    if in_order:
        return float(np.exp(_product_rates(J).max()))
    norms = np.linalg.norm(J, 2, axis=(2, 3))
    if forcing.estimator == "maximum":
        return float(norms.max())
    if forcing.estimator == "mean":
        return float(norms.mean())
    with np.errstate(divide="ignore"):
        return float(np.exp(np.log(norms).mean(axis=0)).max())


def _product_rates(J: np.ndarray) -> np.ndarray:
    """(1/T) ln ||J_T ... J_1|| of each sequence of J (T, batch, N, N)."""
    product, logs = J[0].copy(), np.zeros(J.shape[1])
    for t in range(len(J)):
        if t:
            product = J[t] @ product
        size = np.abs(product).max(axis=(1, 2))
        with np.errstate(divide="ignore", invalid="ignore"):
            logs += np.log(size)
            product = np.where(size[:, None, None] > 0, product / size[:, None, None], 0.0)
    with np.errstate(divide="ignore"):
        return (logs + np.log(np.linalg.norm(product, 2, axis=(1, 2)))) / len(J)


def weight_bound(cell: Any) -> float:
    """`protocol.jacobian_bound`; InvalidInputError for a cell whose class gives none."""
    bound = protocol.jacobian_bound(cell)
    if bound is None:
        raise InvalidInputError(
            f"estimator: {type(cell).__name__} gives no bound from its weights; take another estimator, "
            "such as 'geometric_mean'"
        )
    return bound


def _model(cell: Any) -> Model:
    """The cell as it is, without checking its numbers again."""
    pack = packing.pack(cell)
    return Model(
        name=type(cell).__name__, tag=packing.tag(cell), pack=pack, dim=pack.sizes.nx,
        n_inputs=pack.sizes.inputs,
        dtype=protocol.weights(cell).dtype, is_flow=False, dt=None, jacobian="analytic", default_state=None,
    )  # fmt: skip
