"""The errors and warnings that chaoskit raises. A message says what was expected, what came, what to do."""

from typing import Any

__all__ = [
    "ChaoskitError", "ChaoskitWarning", "DeviceError", "DivergenceError", "InvalidInputError",
    "MissingDependencyError", "ModelFileError", "SweepError",
]  # fmt: skip


class ChaoskitError(Exception):
    """Base class of every error raised on purpose by chaoskit."""


class InvalidInputError(ChaoskitError, ValueError):
    """An argument has the wrong shape, type, range or name, or holds NaN or infinity."""


class DivergenceError(ChaoskitError, ArithmeticError):
    """An orbit or a training run left the finite numbers.

    Attributes
    ----------
    step : int
        Step (orbit) or update (training) at which the first value was not finite.
    """

    def __init__(self, message: str, step: int = -1):
        super().__init__(message)
        self.step = step


class ModelFileError(ChaoskitError):
    """A model or data file cannot be read, or holds something else than it should."""


class MissingDependencyError(ChaoskitError, ImportError):
    """An optional package is needed and not installed; the message names the extra."""


class DeviceError(ChaoskitError, RuntimeError):
    """There is no usable GPU, or it has too little memory; the message gives the reason."""


class SweepError(ChaoskitError, RuntimeError):
    """Those who compute the points of a sweep are gone; what is finished is in its folder."""


class ChaoskitWarning(UserWarning):
    """Something went on, but the result needs a second look.

    Attributes
    ----------
    diverged_at : ndarray of int, shape (batch,), or None
        Where orbits of a batch diverged: the first step at which each is not finite, 0 if it stays finite.
    """

    diverged_at: Any = None
