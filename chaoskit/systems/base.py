"""Maps and flows from plain Python functions."""

from __future__ import annotations

import hashlib
import inspect
import sys
import types as python_types
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import _check
from .._jit import exact_inlined, function_bytes, inlined
from ..errors import InvalidInputError
from ._protocol import central_differences

# Tag classes live in a module of their own under a name made of their source: another process that
# builds the same system finds the same name, so its kernels come from the disk cache.
_REGISTRY = python_types.ModuleType(__name__.rpartition(".")[0] + "._tags", "Tag classes of systems.")
sys.modules[_REGISTRY.__name__] = _REGISTRY
Parameter = float | np.ndarray  # a scalar, or an array of shape (batch,)
_SMALL = 8  # up to so many variables the dimension is a constant for the compiler


class System:
    """What maps and flows share. Use `Map` or `Flow`.

    Attributes
    ----------
    dim : int
        Number of variables.
    parameters : tuple
        Scalars, or arrays of shape (batch,) for a batch of systems.
    default_state : ndarray, shape (dim,), or None
        A state near the attractor, used where no x0 is given.
    default_dt : float or None
        Integration step of a flow; None for a map.
    reference_exponents : tuple of float or None
        Published exponents (nats per step of a map, per unit time of a flow) at the default parameters.
    """

    is_flow = False
    compiled_as: str | None = None  # one name for classes that share their functions
    default_state: np.ndarray | None = None
    reference_exponents: tuple[float, ...] | None = None
    reference: str | None = None

    def __init__(
        self,
        function: Callable,
        jacobian: Callable | None,
        *,
        dim: int,
        parameters: Sequence[Parameter] = (),
        default_dt: float | None = None,
        tangent: Callable | None = None,
    ):
        self.dim: int = _check.integer(dim, "dim", 1)
        self.parameters: tuple[Parameter, ...] = checked_parameters(parameters)
        self.default_dt: float | None = (
            None if default_dt is None else _check.positive(default_dt, "default_dt")
        )
        self._rate = _plain(function)
        self._jacobian = None if jacobian is None else _plain(jacobian)
        self._tangent = None if tangent is None else _plain(tangent)
        self._check_functions()
        known_dim = self.dim if self.dim <= _SMALL else None
        name = self.compiled_as or type(self).__name__
        self.tag: Any = _tag_class(name, (function, jacobian, tangent), self.is_flow, known_dim)(0)

    def __repr__(self) -> str:
        inner_text = ", ".join([f"dim={self.dim}"] + [f"{p!r}" for p in self.parameters])
        return f"{type(self).__name__}({inner_text})"

    @property
    def jacobian_kind(self) -> str:
        """Either "analytic" or "finite difference"."""
        return "finite difference" if self._jacobian is None and self._tangent is None else "analytic"

    @property
    def batch(self) -> int | None:
        """Length of the parameters' batch axis, None when all are scalars."""
        sizes = {np.size(p) for p in self.parameters if np.ndim(p) == 1}
        return sizes.pop() if sizes else None

    def parameter_rows(self, rows: int) -> np.ndarray:
        """Parameters as (rows, P) float64."""
        out = np.empty((rows, len(self.parameters)))
        for column, value in enumerate(self.parameters):
            out[:, column] = value
        return out

    def evaluate(self, x: np.ndarray, t: float = 0.0) -> np.ndarray:
        """Right-hand side (flow) or next state (map) in plain Python, at the first parameter set."""
        out = np.full(self.dim, np.nan)
        p = self.parameter_rows(self.batch or 1)[0]
        self._rate(*((t, x, p, out) if self.is_flow else (x, p, out)))
        return out

    def evaluate_jacobian(self, x: np.ndarray, t: float = 0.0) -> np.ndarray:
        """Derivative of `evaluate` at x, shape (dim, dim); by finite differences when none was given."""
        if self._jacobian is None and self._tangent is not None:
            return np.stack([self.evaluate_tangent(x, v, t) for v in np.eye(self.dim)], axis=1)
        if self._jacobian is None:
            return central_differences(lambda state: self.evaluate(state, t), x)
        out = np.full((self.dim, self.dim), np.nan)
        p = self.parameter_rows(self.batch or 1)[0]
        self._jacobian(*((t, x, p, out) if self.is_flow else (x, p, out)))
        return out

    def evaluate_tangent(self, x: np.ndarray, v: np.ndarray, t: float = 0.0) -> np.ndarray:
        """Derivative of `evaluate` at x applied to v (dim,), by the tangent function."""
        if self._tangent is None:
            return self.evaluate_jacobian(x, t) @ v
        out = np.full(self.dim, np.nan)
        p = self.parameter_rows(self.batch or 1)[0]
        self._tangent(*((t, x, p, v, out) if self.is_flow else (x, p, v, out)))
        return out

    def _check_functions(self) -> None:
        """Run the functions once in Python, where a mistake has a readable trace, at any state."""
        x = np.linspace(0.1, 0.2, self.dim)
        names = "t, x, p, out" if self.is_flow else "x, p, out"
        checks: list[tuple[str, Callable[[np.ndarray], np.ndarray]]] = [("function", self.evaluate)]
        if self._jacobian is not None:
            checks.append(("jacobian", self.evaluate_jacobian))
        if self._tangent is not None:
            names += " (and v before out for tangent)"
            checks.append(("tangent", lambda x: self.evaluate_tangent(x, np.linspace(1.0, 2.0, self.dim))))
        for name, run in checks:
            try:
                with np.errstate(all="ignore"):
                    values = run(x)
            except Exception as error:
                raise InvalidInputError(
                    f"{name} of {type(self).__name__}: expected a function of ({names}) that fills `out` for "
                    f"dim={self.dim} and {len(self.parameters)} parameters, "
                    f"got {type(error).__name__}: {error}"
                ) from error
            with np.errstate(all="ignore"):
                unset = np.isnan(values).any() and np.isnan(run(x + 0.05)).any()
            if unset:
                missing = tuple(int(i) for i in np.argwhere(np.isnan(values))[0])
                raise InvalidInputError(
                    f"{name} of {type(self).__name__}: out{list(missing)} was not set or is NaN; "
                    "fill every entry of `out`"
                )
        if self._tangent is not None:
            self._check_tangent(x)

    def _check_tangent(self, x: np.ndarray) -> None:
        """The tangent function against the Jacobian, or against finite differences."""
        v = np.linspace(1.0, 2.0, self.dim)
        step = 1e-6
        with np.errstate(all="ignore"):
            found = self.evaluate_tangent(x, v)
            if self._jacobian is None:
                wanted = (self.evaluate(x + step * v) - self.evaluate(x - step * v)) / (2 * step)
            else:
                wanted = self.evaluate_jacobian(x) @ v
        allowed = 1e-4 * max(1.0, float(np.abs(wanted).max()))
        if not np.abs(found - wanted).max() <= allowed and np.isfinite(wanted).all():
            i = int(np.abs(found - wanted).argmax())
            raise InvalidInputError(
                f"tangent of {type(self).__name__}: expected the derivative applied to v, {wanted[i]:.6g} in "
                f"component {i} at x = {x[:3]}, got {found[i]:.6g}; correct the tangent function"
            )


class Map(System):
    """A discrete map x -> step(x).

    Parameters
    ----------
    step : callable ``step(x, p, out)``
        Writes the next state into out (dim,); x (dim,) is the state, p (P,) the parameters. A plain
        Python function of arithmetic and loops: chaoskit compiles it.
    jacobian : callable ``jacobian(x, p, out)``, optional
        Writes the derivative into out (dim, dim). Without it finite differences are taken.
    tangent : callable ``tangent(x, p, v, out)``, optional
        Writes the derivative applied to one tangent v (dim,) into out (dim,): for a Jacobian with structure,
        of which a tangent should not cost dim^2. It takes the place of `jacobian` in spectra.
    dim : int
        Number of variables.
    parameters : sequence of float or ndarray, shape (batch,)
        What the functions get as p; arrays make a batch of systems.

    Raises
    ------
    InvalidInputError
        If a function fails, or leaves an entry of `out` unset.

    Examples
    --------
    >>> def step(x, p, out):
    ...     out[0] = p[0] * x[0] * (1 - x[0])
    >>> Map(step, dim=1, parameters=(4.0,)).evaluate(np.array([0.25]))
    array([0.75])
    """

    def __init__(
        self,
        step: Callable,
        jacobian: Callable | None = None,
        *,
        dim: int,
        parameters: Sequence[Parameter] = (),
        tangent: Callable | None = None,
    ):
        super().__init__(step, jacobian, dim=dim, parameters=parameters, tangent=tangent)


class Flow(System):
    """An ordinary differential equation dx/dt = rhs(t, x), integrated by Runge-Kutta 4 or Dormand-Prince.

    Parameters
    ----------
    rhs : callable ``rhs(t, x, p, out)``
        Writes dx/dt into out (dim,); x (dim,) is the state, p (P,) the parameters. A plain Python
        function of arithmetic and loops: chaoskit compiles it.
    jacobian : callable ``jacobian(t, x, p, out)``, optional
        Writes the derivative of rhs into out (dim, dim). Without it finite differences are taken.
    tangent : callable ``tangent(t, x, p, v, out)``, optional
        Writes the derivative applied to one tangent v (dim,) into out (dim,): for a Jacobian with structure,
        of which a tangent should not cost dim^2. It takes the place of `jacobian` in spectra.
    dim : int
        Number of variables.
    parameters : sequence of float or ndarray, shape (batch,)
        What the functions get as p; arrays make a batch of systems.
    default_dt : float, optional
        Integration step used where none is given.

    Raises
    ------
    InvalidInputError
        If a function fails, or leaves an entry of `out` unset.

    Examples
    --------
    >>> def rhs(t, x, p, out):
    ...     out[0] = -p[0] * x[0]
    >>> Flow(rhs, dim=1, parameters=(2.0,), default_dt=0.1).evaluate(np.array([3.0]))
    array([-6.])
    """

    is_flow = True

    def __init__(
        self,
        rhs: Callable,
        jacobian: Callable | None = None,
        *,
        dim: int,
        parameters: Sequence[Parameter] = (),
        default_dt: float | None = None,
        tangent: Callable | None = None,
    ):
        super().__init__(
            rhs, jacobian, dim=dim, parameters=parameters, default_dt=default_dt, tangent=tangent
        )


def checked_parameters(values: Sequence[Parameter]) -> tuple[Parameter, ...]:
    """Scalars and arrays (batch,), as floats and float64 arrays."""
    try:
        items = list(values)
    except TypeError:
        raise InvalidInputError(f"parameters: expected a sequence, got {values!r}") from None
    checked = []
    for index, value in enumerate(items):
        entry = _check.array(value, f"parameters[{index}]", np.float64)
        if entry.ndim > 1 or entry.size == 0:
            raise InvalidInputError(
                f"parameters[{index}]: expected a scalar or shape (batch,), got shape {entry.shape}"
            )
        checked.append(float(entry) if entry.ndim == 0 else entry)
    sizes = {np.size(p) for p in checked if np.ndim(p) == 1}
    if len(sizes) > 1:
        raise InvalidInputError(f"parameters: batch axes of different lengths {sorted(sizes)}")
    return tuple(checked)


def _plain(fn: Any) -> Callable:
    plain = getattr(fn, "py_func", fn)
    if not isinstance(plain, python_types.FunctionType):
        raise InvalidInputError(
            f"expected a Python function (def or lambda), got {type(fn).__name__}; only these can be compiled"
        )
    return plain


def _tag_class(name: str, functions: tuple, is_flow: bool, known_dim: int | None) -> Any:
    """The NamedTuple class that carries (rate, jacobian, tangent); the same functions give the same class."""
    digest = hashlib.sha256(f"{name} {is_flow} {known_dim}".encode())
    for fn in functions:
        plain = inspect.unwrap(getattr(fn, "py_func", fn)) if fn is not None else None
        if isinstance(plain, python_types.FunctionType):
            digest.update(function_bytes(plain))
        else:
            digest.update(repr(plain).encode())
    class_name = f"{name}_{digest.hexdigest()[:16]}"
    known = getattr(_REGISTRY, class_name, None)
    if known is not None:
        return known
    cls: Any = NamedTuple(class_name, [("marker", int)])
    cls.__module__ = _REGISTRY.__name__
    cls.source_digest = digest.hexdigest()
    cls.is_flow, cls.known_dim = is_flow, known_dim
    cls.constants = (4 if known_dim is not None and known_dim <= 4 else 8,)  # tangents in a vector
    for part, fn in zip(("rate", "jacobian", "tangent"), functions, strict=True):
        compiled = exact_inlined if part == "rate" else inlined
        setattr(cls, part, None if fn is None else staticmethod(_compiled(fn, compiled)))
    setattr(_REGISTRY, class_name, cls)
    return cls


def _compiled(fn: Any, compiled: Callable) -> Any:
    """A function of the user's, as one of this module.

    Numba imports the module of each function when it loads a kernel, but the kernel of a system is found by
    the text of its functions, and another program may have them elsewhere.
    """
    if hasattr(fn, "py_func"):
        return fn
    twin = python_types.FunctionType(
        fn.__code__, fn.__globals__, fn.__name__, fn.__defaults__, fn.__closure__
    )
    twin.__kwdefaults__, twin.__module__ = fn.__kwdefaults__, __name__
    return compiled(twin)
