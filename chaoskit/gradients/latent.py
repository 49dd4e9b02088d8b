"""How observations set the state of a network, and how they are read from it.

Both ways are linear: observations x give the state M x, and are read as B z from the first state plane.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import _check
from ..errors import InvalidInputError
from ..forcing import Schedule
from ..kernels.right_inverse import add_gradient_through_inverse, right_inverse
from .decoder import checked_decoder


class DecoderInversion(NamedTuple):
    """Forcing sets the whole state: pinv(B) x in the first plane, 0 in the others.

    Attributes
    ----------
    decoder : ndarray, shape (D, n)
        B, of full row rank.
    """

    decoder: np.ndarray

    def readout(self, n: int) -> np.ndarray:
        """B, shape (D, n)."""
        return self.decoder

    def encoder(self, nx: int) -> np.ndarray:
        """M, shape (nx, D)."""
        D, n = self.decoder.shape
        rows = np.zeros((D, nx), self.decoder.dtype)
        right_inverse(self.decoder.reshape(-1), n, rows.reshape(-1), nx)
        return rows.T

    def forced_width(self, nx: int) -> int:
        """How many numbers of the state forcing sets."""
        return nx

    def gradient(self, readout: np.ndarray, encoder: np.ndarray, M: np.ndarray) -> DecoderInversion:
        """Derivatives, from the gradients of B and of M = `encoder()`."""
        B, nx, out = self.decoder, len(M), readout.copy()
        add_gradient_through_inverse(
            B.reshape(-1), B.shape[1], M.T.reshape(-1), nx, encoder.T.reshape(-1), nx, out.reshape(-1)
        )
        return DecoderInversion(out)


class ObservedStates(NamedTuple):
    """The first D states are the observations; forcing sets them and leaves the others as they are.

    Attributes
    ----------
    initial_map : ndarray, shape (N - D, D)
        The other states begin a sequence at `initial_map @ x_0`; N counts all planes (2 n for an LSTM).
    """

    initial_map: np.ndarray

    def readout(self, n: int) -> np.ndarray:
        """[1 0], shape (D, n)."""
        return np.eye(self.initial_map.shape[1], n, dtype=self.initial_map.dtype)

    def encoder(self, nx: int) -> np.ndarray:
        """M, shape (nx, D)."""
        return np.concatenate([np.eye(self.forced_width(nx), dtype=self.initial_map.dtype), self.initial_map])

    def forced_width(self, nx: int) -> int:
        """How many numbers of the state forcing sets."""
        return self.initial_map.shape[1]

    def gradient(self, readout: np.ndarray, encoder: np.ndarray, M: np.ndarray) -> ObservedStates:
        """Derivatives, from the gradients of B and of M = `encoder()`."""
        return ObservedStates(encoder[self.initial_map.shape[1] :].copy())


Latent = DecoderInversion | ObservedStates


def checked_latent(value: Any, n: int, nx: int, dtype: Any) -> Latent:
    """A decoder, or states that are observed, for a network of n units and nx states.

    Raises InvalidInputError for shapes that do not fit.
    """
    if not isinstance(value, ObservedStates):
        return DecoderInversion(
            checked_decoder(value.decoder if isinstance(value, DecoderInversion) else value, n, dtype)
        )
    L = _check.array(value.initial_map, "initial_map", dtype)
    if L.ndim != 2 or not 1 <= L.shape[1] <= n or len(L) != nx - L.shape[1]:
        raise InvalidInputError(
            f"initial_map: expected shape ({nx} - D, D) with 1 <= D <= {n}: from the observations to the "
            f"states that are not observed; got {L.shape}"
        )
    return ObservedStates(L)


def widths(latent: Latent, schedule: Schedule, nx: int) -> np.ndarray:
    """How many numbers of the state each forcing of a schedule touches.

    Data touch what the latent state says. The start, a reset to zero and a cut of the gradient are about the
    whole state.
    """
    by_data = schedule.keep < 1.0
    if schedule.source is not None:
        by_data &= schedule.source != 0.0
    by_data[:1] = False
    return np.where(by_data, latent.forced_width(nx), nx)
