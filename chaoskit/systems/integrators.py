"""How flows are integrated."""

from __future__ import annotations

from dataclasses import dataclass

from .. import _check
from ..errors import InvalidInputError


@dataclass(frozen=True)
class RungeKutta4:
    """The classical Runge-Kutta method: one step of fourth order for each step of length dt."""


@dataclass(frozen=True)
class DormandPrince:
    """Dormand and Prince's adaptive pair of orders 5 and 4 (1980, doi:10.1016/0771-050X(80)90013-3).

    A step still means a time dt; inside it the integrator takes as many substeps as the error of the state
    asks for. Tangents go through the same substeps.

    Parameters
    ----------
    rtol, atol : float
        Relative and absolute tolerance of a substep, in units of the state.
    most_substeps : int
        Where a step is given up and the orbit counts as diverged: a stiff or exploding flow.

    Raises
    ------
    InvalidInputError
        If a tolerance is not above 0.
    """

    rtol: float = 1e-9
    atol: float = 1e-12
    most_substeps: int = 10_000

    def __post_init__(self):
        _check.positive(self.rtol, "rtol")
        _check.positive(self.atol, "atol")
        _check.integer(self.most_substeps, "most_substeps", 1)


Integrator = RungeKutta4 | DormandPrince


def checked_integrator(value: object, is_flow: bool) -> Integrator:
    """The integrator, Runge-Kutta 4 by default; raises InvalidInputError for what is not one."""
    if value is None:
        return RungeKutta4()
    if not isinstance(value, (RungeKutta4, DormandPrince)):
        raise InvalidInputError(
            "integrator: expected RungeKutta4() or DormandPrince() of chaoskit.systems, "
            f"got {getattr(value, '__name__', type(value).__name__)}"
        )
    if not is_flow:
        raise InvalidInputError("integrator: only flows are integrated; leave it out for cells and maps")
    return value
