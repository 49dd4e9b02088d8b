"""The certificate of `gradient_bound`."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, repr=False)
class GradientBound:
    """A number that the gradient of the loss at any one time cannot exceed, or why there is none.

    Attributes
    ----------
    bound : float
        ||dL_T/dtheta|| <= bound; infinity if nothing could be certified. The length over all trained arrays
        of the cell together, for the loss L_T at time T alone.
    kappa, rate : float
        ||J_t ... J_{s+1}|| <= kappa rate^(t - s) in the spectral norm, for all s <= t that are certified; NaN
        without a bound.
    certified : str
        "every T: global norm", "every T: neighbourhood of a fixed point" (or of a cycle), "T <= ...: these
        steps", or "nothing".
    reason : str
        What the certificate rests on, or why there is no bound.
    loss_gradient : float
        Largest ||dL_t/dz_t||, or a bound of it.
    immediate : float
        Largest norm of the derivative of one step with respect to the parameters, or a bound of it.
    start_gradient : float
        ||dz_0/dtheta||, as it was given.
    steps : int or None
        For which T it holds; None for every T.
    period : int or None
        Of the cycle whose neighbourhood was certified.
    radius : float or None
        Of that neighbourhood, in a norm that is nowhere smaller than the Euclidean one.
    entered : int or None
        Time at which the orbit entered it.
    """

    bound: float
    kappa: float
    rate: float
    certified: str
    reason: str
    loss_gradient: float
    immediate: float
    start_gradient: float = 0.0
    steps: int | None = None
    period: int | None = None
    radius: float | None = None
    entered: int | None = None

    @property
    def exists(self) -> bool:
        """True if there is a bound."""
        return math.isfinite(self.bound)

    def __repr__(self) -> str:
        if not self.exists:
            return f"GradientBound(none: {self.reason})"
        return (
            f"GradientBound(||dL_T/dtheta|| <= {self.bound:.4g} for {self.certified}; "
            f"kappa {self.kappa:.4g}, r {self.rate:.4g})"
        )
