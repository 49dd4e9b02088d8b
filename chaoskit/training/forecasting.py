"""One face for everything that runs freely: forecasts from a context, and ensembles of them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import _check
from ..errors import DivergenceError, InvalidInputError
from .generated import Generated, without_lost_rows


class Forecaster:
    """What trained networks and baselines have in common: warm-up on a context, then a free run.

    A class that mixes this in provides the attributes below, `_continue` and `_go_on`; both get checked
    arguments and need not look for divergence. All that is public follows.

    Attributes
    ----------
    name : str
        For tables.
    mean, scale : ndarray, shape (D,)
        Mean and standard deviation of the training series, in its units.
    context_length : int
        Rows of context needed at least.
    n_inputs : int
        Columns M of the inputs of a driven system; 0 for an autonomous one.
    """

    name: str
    mean: np.ndarray
    scale: np.ndarray
    context_length: int
    n_inputs: int = 0
    _remedy = "take a smaller number of steps or another model"

    def _continue(self, contexts: np.ndarray, steps: int, inputs: Any, seed: int) -> np.ndarray:
        """Rows (batch, steps, D) that follow contexts (batch, L, D); inputs None or (batch, rows, M).

        Rows may run off to infinity; `seed` is for models with noise.
        """
        raise NotImplementedError(f"{type(self).__name__} gives no _continue")

    def _go_on(self, steps: int, inputs: Any, seed: int) -> np.ndarray:
        """Rows (1, steps, D) that follow the training series; inputs None or (1, steps, M)."""
        raise NotImplementedError(f"{type(self).__name__} gives no _go_on")

    def generate(self, steps: int, *, inputs: Any = None) -> Generated:
        """Free run of `steps` rows that goes on where the training series ended. Never raises on divergence.

        Parameters
        ----------
        steps : int
        inputs : array_like, shape (steps, M), optional
            Of models of driven systems: row k drives the step that makes row k of the run.

        Returns
        -------
        Generated
            `series` (rows, D) in the units of the training series, and `diverged_at`: None, or the row
            at which the run left the finite numbers (or a million standard deviations) and was cut.

        Raises
        ------
        InvalidInputError
            If `steps` is no whole number above 0, or the inputs do not fit the model.
        """
        return self._generate(steps, inputs, 0)

    def _generate(self, steps: Any, inputs: Any, seed: int) -> Generated:
        steps = _check.integer(steps, "steps", 1)
        drive = checked_inputs(inputs, self.n_inputs, steps, 1)
        with np.errstate(over="ignore", invalid="ignore"):
            run = without_lost_rows(self._go_on(steps, drive, seed), self.mean, self.scale)[0]
        return Generated.cut(run)

    def predict(self, contexts: Any, steps: int, *, inputs: Any = None, seed: int = 0) -> np.ndarray:
        """Free runs from many contexts at once.

        Parameters
        ----------
        contexts : array_like, shape (batch, L, D), or (batch, D) where `context_length` is 1
            Rows before each run, the newest last; L at least `context_length`.
        steps : int
        inputs : array_like, shape (L - 1 + steps, M) or (batch, L - 1 + steps, M), optional
            Of models of driven systems: row k drives the step that begins at row k of the context.
        seed : int
            Of the noise of models that have some.

        Returns
        -------
        ndarray, shape (batch, steps, D)
            Rows 1..steps after each context, in the units of the series; NaN from the row on at which a
            run left the finite numbers or a million standard deviations.

        Raises
        ------
        InvalidInputError
            If the shapes do not fit the model, or an option is out of range.
        """
        rows = checked_contexts(contexts, "contexts", len(self.scale), self.context_length)
        return self._predict(rows, steps, inputs, _check.integer(seed, "seed"))

    def _predict(self, contexts: np.ndarray, steps: Any, inputs: Any, seed: int) -> np.ndarray:
        steps = _check.integer(steps, "steps", 1)
        batch, length, _ = contexts.shape
        drive = checked_inputs(inputs, self.n_inputs, length - 1 + steps, batch)
        with np.errstate(over="ignore", invalid="ignore"):  # a diverging run; what overflows is cut
            runs = self._continue(contexts, steps, drive, seed)
            return without_lost_rows(runs, self.mean, self.scale)

    def forecast(self, context: Any, steps: int, *, inputs: Any = None, seed: int = 0) -> np.ndarray:
        """Rows that follow one context.

        Parameters
        ----------
        context : array_like, shape (L, D), (L,) for one column, or (D,) where `context_length` is 1
            Observations, the newest last; L at least `context_length`.
        steps : int
        inputs : array_like, shape (L - 1 + steps, M), optional
            Of models of driven systems: row k drives the step that begins at row k of the context.
        seed : int
            Of the noise of models that have some.

        Returns
        -------
        ndarray, shape (steps, D)
            In the units of the series.

        Raises
        ------
        InvalidInputError
            If the context has another number of columns or too few rows, or an option is out of range.
        DivergenceError
            If the forecast leaves the finite numbers, or a million standard deviations; `step` says when.

        Examples
        --------
        >>> from chaoskit.training import fit_next_generation_reservoir
        >>> wave = np.sin(0.3 * np.arange(500))
        >>> model = fit_next_generation_reservoir(wave[:400])
        >>> bool(np.abs(model.forecast(wave[:450], 3)[:, 0] - wave[450:453]).max() < 1e-3)
        True
        """
        seed = _check.integer(seed, "seed")
        run = Generated.cut(self._predict(_context(self, context)[None], steps, inputs, seed)[0])
        if run.diverged_at is not None:
            raise DivergenceError(
                f"forecast: expected finite values, the {self.name} diverged at step "
                f"{run.diverged_at}; {self._remedy}",
                step=run.diverged_at,
            )
        return run.series

    def forecast_ensemble(
        self,
        context: Any,
        steps: int,
        *,
        members: int = 100,
        perturbation: float = 0.01,
        seed: int = 0,
        inputs: Any = None,
    ) -> ForecastEnsemble:
        """Forecasts from perturbed contexts: their spread says how long a forecast can be trusted.

        Parameters
        ----------
        context : array_like
            As for `forecast`.
        steps : int
        members : int
            Number of forecasts; the first starts from the context as it is.
        perturbation : float
            Standard deviation of the Gaussian noise on every row of the context, in units of the
            standard deviation of each column of the training series; 0 for none.
        seed : int
            Of that noise, and of the model's own where it has some; the two are independent.
        inputs : array_like, shape (L - 1 + steps, M), optional
            The same for all members.

        Returns
        -------
        ForecastEnsemble

        Raises
        ------
        InvalidInputError
            If an argument is out of range or the context does not fit. A member that diverges raises nothing.

        Examples
        --------
        >>> from chaoskit.training import fit_linear_autoregression
        >>> model = fit_linear_autoregression(0.9 ** np.arange(60) + np.tile([0.0, 0.1], 30), order=2)
        >>> ensemble = model.forecast_ensemble([1.0, 0.8], 5, members=20)
        >>> ensemble.members.shape, ensemble.quantiles([0.05, 0.95]).shape, ensemble.diverged
        ((20, 5, 1), (2, 5, 1), 0)
        """
        rows = _context(self, context)
        members = _check.integer(members, "members", 1)
        perturbation = _check.not_negative(perturbation, "perturbation")
        # Streams of their own: from one seed the noise of the context would come again in the model's.
        sequences = np.random.SeedSequence(_check.integer(seed, "seed")).spawn(2)
        of_contexts, of_model = (int(s.generate_state(1, np.uint64)[0]) for s in sequences)
        noise = np.random.default_rng(of_contexts).standard_normal((members, *rows.shape))
        noise[0] = 0.0
        with np.errstate(over="ignore"):  # a member that far away is lost
            contexts = rows + perturbation * self.scale * noise
        return ForecastEnsemble(self._predict(contexts, steps, inputs, of_model))


@dataclass(frozen=True, eq=False)
class ForecastEnsemble:
    """Forecasts from perturbed states.

    Attributes
    ----------
    members : ndarray, shape (members, steps, D)
        In the units of the series, NaN from the row on at which a member diverged; the first member was not
        perturbed.
    mean, spread : ndarray, shape (steps, D)
        Mean and standard deviation over the members that are finite; NaN where there is none.
    diverged : int
        Members that diverged before the last step.
    """

    members: np.ndarray
    mean: np.ndarray = field(init=False)
    spread: np.ndarray = field(init=False, repr=False)
    diverged: int = field(init=False)

    def __post_init__(self) -> None:
        with warnings.catch_warnings():  # where no member is finite, NaN says enough
            warnings.simplefilter("ignore", RuntimeWarning)
            mean, spread = np.nanmean(self.members, axis=0), np.nanstd(self.members, axis=0)
        lost = np.isnan(self.members).any(axis=(1, 2))
        for name, value in (("mean", mean), ("spread", spread), ("diverged", int(lost.sum()))):
            object.__setattr__(self, name, value)

    def quantiles(self, levels: Any) -> np.ndarray:
        """Quantiles over the finite members.

        Parameters
        ----------
        levels : array_like, shape (n,)
            From 0 to 1.

        Returns
        -------
        ndarray, shape (n, steps, D)
            NaN where no member is finite.

        Raises
        ------
        InvalidInputError
            If a level is not from 0 to 1.
        """
        chosen = np.atleast_1d(_check.array(levels, "levels", np.float64))
        if chosen.ndim != 1 or not ((chosen >= 0) & (chosen <= 1)).all():
            raise InvalidInputError(f"levels: expected numbers from 0 to 1, got {levels!r}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return np.nanquantile(self.members, chosen, axis=0)


def checked_inputs(inputs: Any, n_inputs: int, rows: int, batch: int) -> np.ndarray | None:
    """Inputs of a driven model as (batch, rows, M), None for an autonomous one.

    Raises InvalidInputError if they are missing, not wanted or of another shape.
    """
    if n_inputs == 0:
        if inputs is not None:
            raise InvalidInputError("inputs: expected none, the model is autonomous; leave them out")
        return None
    shapes = f"({rows}, {n_inputs})" + ("" if batch == 1 else f" or ({batch}, {rows}, {n_inputs})")
    if inputs is None:
        raise InvalidInputError(f"inputs: expected shape {shapes}, got none; the model is of a driven system")
    drive = _check.array(inputs, "inputs", np.float64)
    drive = drive[:, None] if drive.ndim == 1 and n_inputs == 1 else drive
    if drive.shape not in ((rows, n_inputs), (batch, rows, n_inputs)):
        raise InvalidInputError(
            f"inputs: expected shape {shapes}, one row for each step that begins in the context or after "
            f"it, got {drive.shape}"
        )
    return np.broadcast_to(drive, (batch, rows, n_inputs))


def checked_contexts(value: Any, name: str, columns: int, least: int) -> np.ndarray:
    """Many contexts as (batch, L, D), of so many columns and at least so many rows."""
    rows = _check.array(value, name, np.float64)
    if rows.ndim == 2 and least == 1:
        rows = rows[:, None]
    if rows.ndim != 3 or rows.shape[2] != columns or rows.shape[1] < least or len(rows) == 0:
        shapes = f"(batch, L, {columns})" + (f" or (batch, {columns})" if least == 1 else "")
        raise InvalidInputError(
            f"{name}: expected shape {shapes} with L at least {least}, got {np.shape(value)}"
        )
    return rows


def _context(model: Forecaster, value: Any) -> np.ndarray:
    """One context as (L, D)."""
    columns, least = len(model.scale), model.context_length
    rows = _check.array(value, "context", np.float64)
    if rows.ndim == 1 and columns == 1:
        rows = rows[:, None]
    elif rows.ndim == 1 and least == 1:
        rows = rows[None]
    if rows.ndim != 2 or rows.shape[1] != columns or len(rows) < least:
        raise InvalidInputError(
            f"context: expected shape (L, {columns}) with L at least {least}, got {np.shape(value)}"
        )
    return rows
