"""The same loss as a loop of eager PyTorch."""

from __future__ import annotations

import numpy as np
import torch

torch.set_num_threads(1)


def _tanh(c, z):
    return torch.tanh(torch.addmm(c["b"], z, c["W"].T))


def _plrnn(c, z):
    return torch.addcmul(torch.addmm(c["h"], torch.relu(z), c["W"].T), c["A"], z)


def _lstm(c, z):
    h, cell = z
    i, f, g, o = torch.addmm(c["b"], h, c["W"].T).chunk(4, dim=1)
    cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(cell), cell


STEPS = {"Tanh": _tanh, "PLRNN": _plrnn, "LSTM": _lstm}


class Peer:
    """Parameters that require gradients, and the loss."""

    def __init__(self, cell, decoder: np.ndarray, tau: int):
        self.name, self.tau = type(cell).__name__, tau
        trained = {k: a for k, a in cell._asdict().items() if a.size}
        self.cell = {k: torch.tensor(a, requires_grad=True) for k, a in trained.items()}
        self.decoder = torch.tensor(decoder, requires_grad=True)
        self.parameters = [*self.cell.values(), self.decoder]

    def loss(self, X: torch.Tensor) -> torch.Tensor:
        B, step, states = self.decoder, STEPS[self.name], []
        start = X[:-1] @ torch.linalg.solve(B @ B.T, B)
        zero, z = torch.zeros_like(start[0]), start[0]
        for t in range(len(X) - 1):
            if t % self.tau == 0:
                z = (start[t], zero) if self.name == "LSTM" else start[t]
            z = step(self.cell, z)
            states.append(z[0] if self.name == "LSTM" else z)
        return torch.mean((torch.stack(states) @ B.T - X[1:]) ** 2)

    def gradient(self, X: torch.Tensor):
        """(loss, gradients)."""
        value = self.loss(X)
        return value, torch.autograd.grad(value, self.parameters)

    def training(self, rate: float, clip: float):
        """update(X): Adam with the norm of the gradient clipped."""
        optimizer = torch.optim.Adam(self.parameters, lr=rate)

        def update(X):
            optimizer.zero_grad()
            value = self.loss(X)
            value.backward()
            torch.nn.utils.clip_grad_norm_(self.parameters, clip)
            optimizer.step()
            return value.item()

        return update
