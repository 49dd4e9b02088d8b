"""Cut training windows out of a series."""

from __future__ import annotations

from .._jit import kernel


@kernel
def gather_windows(data, starts, out):
    """out (L, B, D) = rows starts[b] .. starts[b] + L - 1 of data (T, D)."""
    length, batch, columns = out.shape
    for t in range(length):
        for b in range(batch):
            for d in range(columns):
                out[t, b, d] = data[starts[b] + t, d]
