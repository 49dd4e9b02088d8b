"""The network that a training begins with, and how observations set its state."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import _check, cells
from ..cells._validate import checked_cell, is_cell
from ..errors import InvalidInputError
from ..gradients.decoder import initial_decoder
from ..gradients.latent import DecoderInversion, Latent, ObservedStates
from ..kernels import packing
from .data import TrainingData

LATENT_STATES = ("inversion", "identity", "learned")


class Network(NamedTuple):
    """A cell, its latent state, and whether the arrays of the latter are trained."""

    cell: Any
    latent: Latent
    trained: bool


def initial_network(
    cell: Any,
    n_states: int | None,
    options: dict[str, Any],
    latent_state: str,
    data: TrainingData,
    rng: np.random.Generator,
) -> Network:
    """The network of `fit`'s arguments, in the dtype of the data."""
    _check.choice(latent_state, "latent_state", LATENT_STATES)
    D, M, dtype = data.rows.shape[1], data.inputs.shape[1], data.rows.dtype
    network = _cell(cell, n_states, options, D, M, dtype, rng)
    sizes = packing.sizes_of(network)
    if sizes.inputs != M:
        raise InvalidInputError(
            f"cell: expected a network with {M} inputs, as many as columns of inputs, got one with "
            f"{sizes.inputs}; give inputs=, or another cell"
        )
    if sizes.n < D:
        raise InvalidInputError(
            f"n_states: expected at least {D} units for {D} observed dimensions, got {sizes.n}; forcing sets "
            "at least as many states as there are columns"
        )
    if latent_state != "inversion":
        latent: Latent = ObservedStates(np.zeros((sizes.nx - D, D), dtype))
        return Network(network, latent, latent_state == "learned" and sizes.nx > D)
    if sizes.n == D:
        return Network(network, DecoderInversion(np.eye(D, dtype=dtype)), False)
    return Network(network, DecoderInversion(initial_decoder(D, sizes.n, rng, dtype)), True)


def _cell(cell, n_states, options, D: int, M: int, dtype, rng) -> Any:
    if is_cell(cell):
        if options:
            raise InvalidInputError("cell_options: expected none with a cell that is there already")
        network = checked_cell(type(cell)(*(np.array(a, dtype) for a in cell)))
        n = packing.sizes_of(network).n
        if n_states not in (None, n):
            raise InvalidInputError(f"n_states: the cell given has {n} units, got n_states={n_states}")
        return network
    if "n_inputs" in options:
        raise InvalidInputError(
            "cell_options: expected none for n_inputs; it is the number of columns of inputs"
        )
    n = D if n_states is None else _check.integer(n_states, "n_states", 1)
    try:
        return _cell_class(cell).init(n, M, rng=rng, dtype=dtype, **options)
    except TypeError as error:
        raise InvalidInputError(f"cell_options: {error}") from None


def _cell_class(cell: Any) -> Any:
    if isinstance(cell, type) and isinstance(getattr(cell, "layout", None), cells.Layout):
        return cell
    names = {c.__name__.lower(): c for c in cells.ALL_CELLS}
    if isinstance(cell, str) and cell.lower() in names:
        return names[cell.lower()]
    raise InvalidInputError(
        f"cell: expected one of {', '.join(names)}, a cell class or an instance, got {cell!r}"
    )
