"""Networks trained elsewhere: weights of PyTorch, Keras and Flax become cells, without those frameworks.

Files are read as data: nothing in them is executed, and sizes are checked before memory is taken.
"""

from .flax_layout import from_flax
from .keras_layout import from_keras
from .safetensors_layout import from_safetensors
from .torch_layout import from_torch, to_torch_state_dict

__all__ = ["from_flax", "from_keras", "from_safetensors", "from_torch", "to_torch_state_dict"]
