"""Write checkpoint.pt beside this file with PyTorch (2.13 wrote the one that is kept).

A checkpoint of two recurrent modules and a linear layer, with inputs and what the modules make of them.
"""

from pathlib import Path

import torch

torch.manual_seed(0)
network = torch.nn.ModuleDict(
    {"memory": torch.nn.LSTM(2, 3), "gated": torch.nn.GRU(2, 3), "head": torch.nn.Linear(3, 2)}
)
network.double()
inputs = torch.randn(5, 2, dtype=torch.float64)
outputs = {name: network[name](inputs)[0].detach() for name in ("memory", "gated")}
torch.save(
    {
        "epoch": 7,
        "learning_rates": [0.1, 0.01],
        "model": network.state_dict(),
        "inputs": inputs,
        "outputs": outputs,
    },
    Path(__file__).with_name("checkpoint.pt"),
)
