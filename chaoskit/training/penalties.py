"""Terms beside the error: what pulls parameters without looking at data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from .. import _check
from ..cells import protocol
from ..errors import InvalidInputError
from ..gradients.latent import DecoderInversion, Latent


@runtime_checkable
class Penalty(Protocol):
    """Anything that adds its gradient to that of the error."""

    def check(self, cell: Any, latent: Latent, trained: bool) -> None:
        """Raise InvalidInputError if it makes no sense for this network."""
        ...

    def add(self, cell: Any, latent: Latent, gradient: Any, latent_gradient: Latent) -> float:
        """Add the gradient of the term in place; returns the term."""
        ...


def _pull(strength: float, values: np.ndarray, to: float, gradient: np.ndarray) -> float:
    away = values - values.dtype.type(to)
    gradient += values.dtype.type(2.0 * strength) * away
    return strength * float(np.sum(np.square(away, dtype=np.float64)))


@dataclass(frozen=True)
class LatentRegularization:
    """strength * sum of squares of the trained arrays of the cell; of A - 1 for a diagonal linear part A.

    Parameters
    ----------
    strength : float
        1e-5 in the source.

    References
    ----------
    Hess et al. 2023, arXiv 2306.04406, appendix 6.1.

    Examples
    --------
    >>> LatentRegularization(1e-5).strength
    1e-05
    """

    strength: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "strength", _check.positive(self.strength, "strength"))

    def check(self, cell: Any, latent: Latent, trained: bool) -> None:
        """Fits every cell."""

    def add(self, cell: Any, latent: Latent, gradient: Any, latent_gradient: Latent) -> float:
        """Add the gradient of the term in place; returns the term."""
        fixed, identity = protocol.fixed_fields(cell), protocol.identity_rows(cell)
        return sum(
            _pull(self.strength, getattr(cell, name), identity.get(name, 0.0), getattr(gradient, name))
            for name in cell._fields
            if name not in fixed
        )


@dataclass(frozen=True)
class ManifoldAttractorRegularization:
    """Pulls the first states towards keeping their value, so that they can remember for long.

    strength * sum of squares of the distance between the rows of these states and those of the identity:
    A - 1, W and h for a PLRNN (W1 and h1 for a shallow one). Weights of inputs stay free.

    Parameters
    ----------
    strength : float
    share : float
        Part of the states, above 0 and at most 1.

    References
    ----------
    Schmidt et al. 2021, arXiv 1910.03471, Eq. 3.

    Examples
    --------
    >>> ManifoldAttractorRegularization(1e-2).share
    0.5
    """

    strength: float
    share: float = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "strength", _check.positive(self.strength, "strength"))
        object.__setattr__(self, "share", _check.share(_check.positive(self.share, "share"), "share"))

    def check(self, cell: Any, latent: Latent, trained: bool) -> None:
        """Raises InvalidInputError for a cell that has no identity."""
        if not protocol.identity_rows(cell):
            raise InvalidInputError(
                f"regularization: {type(cell).__name__} has no parameters that make it the identity; "
                "manifold attractors need a cell with a linear part, such as PLRNN or ShPLRNN"
            )

    def add(self, cell: Any, latent: Latent, gradient: Any, latent_gradient: Latent) -> float:
        """Add the gradient of the term in place; returns the term."""
        total = 0.0
        for name, value in protocol.identity_rows(cell).items():
            array = getattr(cell, name)
            count = max(1, round(self.share * len(array)))
            total += _pull(self.strength, array[:count], value, getattr(gradient, name)[:count])
        return total


@dataclass(frozen=True)
class DecoderConditionPenalty:
    """strength * condition number of the decoder, which forcing inverts.

    Parameters
    ----------
    strength : float
        1e-6 in the source.

    References
    ----------
    Hess et al. 2023, arXiv 2306.04406, appendix 6.1.

    Examples
    --------
    >>> DecoderConditionPenalty(1e-6).strength
    1e-06
    """

    strength: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "strength", _check.positive(self.strength, "strength"))

    def check(self, cell: Any, latent: Latent, trained: bool) -> None:
        """Raises InvalidInputError where no decoder is trained."""
        if not (trained and isinstance(latent, DecoderInversion)):
            raise InvalidInputError(
                "regularization: the condition of the decoder matters where one is trained and inverted: "
                'latent_state="inversion" and more states than observed dimensions'
            )

    def add(self, cell: Any, latent: Latent, gradient: Any, latent_gradient: Latent) -> float:
        """Add the gradient of the term in place; returns the term."""
        B = latent[0]
        left, values, right = np.linalg.svd(B, full_matrices=False)
        condition = float(values[0] / values[-1])
        outer = np.outer(left[:, 0], right[0]) - condition * np.outer(left[:, -1], right[-1])
        latent_gradient[0][...] += B.dtype.type(self.strength / values[-1]) * outer
        return self.strength * condition


def as_penalties(value: Any) -> tuple[Any, ...]:
    """One penalty or several as a tuple, not checked yet."""
    if isinstance(value, Penalty):
        return (value,)
    try:
        return tuple(value)
    except TypeError:
        return (value,)


def check_penalties(penalties: tuple[Any, ...], cell: Any, latent: Latent, trained: bool) -> None:
    """Raise InvalidInputError for what is no penalty or does not fit the network."""
    for penalty in penalties:
        if isinstance(penalty, type) or not isinstance(penalty, Penalty):
            raise InvalidInputError(
                "regularization: expected objects such as LatentRegularization(1e-5) of chaoskit.training, "
                f"got {penalty!r}"
            )
        penalty.check(cell, latent, trained)
