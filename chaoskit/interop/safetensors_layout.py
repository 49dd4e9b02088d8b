"""Safetensors files, whichever framework has named the tensors in them."""

from __future__ import annotations

from typing import Any

from .._files import real_path
from .flax_layout import from_flax_tensors, has_flax_names
from .safetensors_file import read_safetensors
from .torch_layout import from_torch_tensors, has_torch_names


def from_safetensors(
    path: Any, *, prefix: Any = None, activation: str = "tanh", readout: str | None = None
) -> Any:
    """The network of a .safetensors file with the names of PyTorch or of Flax.

    Parameters
    ----------
    path : str or path-like
    prefix : str or list of str, optional
        Name of the recurrent module; several for a stack, the first layer first. Not needed where there is
        only one.
    activation : {"tanh", "relu"}
        That of a simple recurrent layer, which its weights do not tell.
    readout : str, optional
        Name of a linear layer from the last layer to the inputs of the first: a forecaster of its next input,
        which then runs freely. Without it the network is driven by inputs.

    Returns
    -------
    Tanh, ReLU, LSTM, GRU or Stack
        As `from_torch` or `from_flax` would return it.

    Raises
    ------
    InvalidInputError
        If the names are of neither, or the arrays no network that chaoskit has.
    ModelFileError
        If the file is missing, damaged or of another kind.

    References
    ----------
    Hugging Face, safetensors: Format, https://huggingface.co/docs/safetensors.
    """
    tensors = read_safetensors(real_path(path))
    if has_flax_names(tensors) and not has_torch_names(tensors):
        return from_flax_tensors(tensors, prefix, activation, readout)
    return from_torch_tensors(tensors, prefix, activation, readout)
