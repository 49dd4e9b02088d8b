"""A model beside all baselines: judged on the same data, told plainly."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .. import _check
from .._tables import table
from ..measures.bootstrap import RESAMPLES
from .evaluate import Judged
from .evaluation import Evaluation
from .fit_baselines import fit_all

# Name for people, field of Evaluation, field of its floor. The floor of the error is a forecast like any
# other, and may be beaten; below the other two nothing can be told from the data.
_MEASURES = (
    ("state-space divergence", "state_space_divergence", "state_space_floor"),
    ("spectral distance", "spectral_distance", "spectral_floor"),
    ("prediction error", "prediction_error", None),
)


@dataclass(frozen=True, repr=False)
class Comparison:
    """A model and the baselines, judged alike; ``print(result)`` shows a table.

    Attributes
    ----------
    model : str
        Name of the model.
    evaluations : dict of Evaluation
        By name, the model first.
    better : dict of tuple of str
        For each measure by which some baseline is better than the model, the names of those baselines, the
        best first. Values below the floor count as the floor; a run that diverged is worse than any other.
    remarks : tuple of str
        Baselines that could not be fitted, and why; for the model of a driven system, that the baselines
        get no inputs.
    models : dict of Forecaster
        What was judged, under the same names.
    """

    model: str
    evaluations: dict[str, Evaluation]
    better: dict[str, tuple[str, ...]]
    remarks: tuple[str, ...] = ()
    models: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Comparison({self.verdict})"

    def __str__(self) -> str:
        shown = self.table()
        return "\n".join([table(shown["header"], shown["rows"]), "", self.verdict, *self.remarks])

    @property
    def verdict(self) -> str:
        """Whether a baseline is better, and by which measure; these do not see what the exponents say."""
        if not self.better:
            names = " or ".join(label for label, *_ in _MEASURES)
            sentence = f"No baseline is better than the {self.model} by {names}."
            word, _, reason = self.evaluations[self.model].verdict.partition(": ")
            return f"{sentence} It is {word} all the same: {reason}." if word == "wrong" else sentence
        parts = []
        for label, key, _ in _MEASURES:
            if label in self.better:
                best = self.better[label][0]
                mine, theirs = (getattr(self.evaluations[n], key) for n in (self.model, best))
                parts.append(
                    f"{best} by {label} ({theirs:.3g}, the model "
                    + ("has none)" if mine is None else f"{mine:.3g})")
                )
        return f"Better than the {self.model}: {'; '.join(parts)}."

    def table(self) -> dict[str, list[Any]]:
        """ "header" and "rows": the floors, then the measures of each model; None where there is none."""
        own = self.evaluations[self.model]
        rows = [["floor", own.state_space_floor, None, own.spectral_floor, own.prediction_floor, None, None]]
        for name, e in self.evaluations.items():
            divergence = "diverged" if e.diverged_at is not None else e.state_space_divergence
            word = e.verdict.partition(":")[0]
            measured = [divergence, e.outside, e.spectral_distance, e.prediction_error]
            rows.append([name, *measured, e.valid_prediction_time, word])
        header = ["", "divergence", "outside", "spectral", "error", "valid time", "verdict"]
        return {"header": header, "rows": rows}


def compare_with_baselines(
    model: Any,
    train: Any,
    test: Any,
    *,
    horizon: int = 20,
    n_bins: int = 30,
    n_exponents: int | None = None,
    seed: int = 0,
    inputs: Any = None,
    embedding: Any = None,
    dt: float | None = None,
    true_exponents: Any = None,
    n_resamples: int = RESAMPLES,
) -> Comparison:
    """Judge a model and all baselines on data none of them has seen.

    Parameters
    ----------
    model : Forecaster
        Such as what `fit` returns.
    train : array_like, shape (T,) or (T, D)
        Series the baselines are fitted on: the one that the model was trained on.
    test : array_like, shape (T',) or (T', D)
        Held-out data.
    horizon, n_bins, n_exponents
        As for `evaluate`.
    seed : int
        Of the exponents' tangents and of the echo-state network.
    inputs : array_like, shape (T', M), optional
        Of the model of a driven system, beside `test`; the baselines know nothing of them.
    embedding : (int, int), optional
        Delay and dimension of the coordinates of the state-space divergence, for all alike; by default the
        model's own `embedding`.
    dt, true_exponents, n_resamples
        As for `evaluate`.

    Returns
    -------
    Comparison

    Raises
    ------
    InvalidInputError
        If the series differ in their columns or do not fit the model.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.training import fit_gaussian_noise
    >>> wave = np.sin(0.3 * np.arange(2000)) + 0.5 * np.sin(0.2 * np.arange(2000))
    >>> noise = fit_gaussian_noise(wave[:1000])
    >>> "prediction error" in compare_with_baselines(noise, wave[:1000], wave[1000:], embedding=(5, 2)).better
    True
    """
    data, held_out = _check.series(train, "train"), _check.series(test, "test", minimum=400)
    _check.same_columns(data, held_out, "train and test")
    if embedding is None:
        embedding = getattr(model, "embedding", None)
    options = {
        "n_bins": n_bins, "seed": seed, "embedding": embedding, "training": data, "n_resamples": n_resamples,
        "dt": getattr(model, "dt", None) if dt is None else dt,
    }  # fmt: skip
    judged = Judged(model, test, inputs=inputs, **options)
    own = judged.evaluation(model, horizon, n_exponents, true_exponents)
    baselines, remarks = fit_all(data, seed)
    if judged.drive is not None and baselines:  # they run freely, so the rows they are judged by are others
        judged = Judged(next(iter(baselines.values())), test, **options)
    if getattr(model, "n_inputs", 0):
        remarks += ("the baselines get no inputs: they know the series alone, the model what drives it too",)
    name = getattr(model, "name", type(model).__name__)
    if name in baselines:
        name = f"{name} (the model)"
    evaluations = {name: own}
    for key, baseline in baselines.items():
        evaluations[key] = judged.evaluation(baseline, horizon, None, true_exponents)
    better = _better(name, evaluations)
    return Comparison(name, evaluations, better, remarks, {name: model, **baselines})


def _better(model: str, evaluations: dict[str, Evaluation]) -> dict[str, tuple[str, ...]]:
    better = {}
    own = evaluations[model]
    for label, key, floor in _MEASURES:
        least = 0.0 if floor is None else getattr(own, floor)
        ranks = {name: _rank(getattr(e, key), least) for name, e in evaluations.items()}
        ahead = sorted((n for n in ranks if ranks[n] < ranks[model]), key=lambda n: ranks[n])
        if ahead:
            better[label] = tuple(ahead)
    return better


def _rank(value: float | None, least: float) -> float:
    return float("inf") if value is None else max(value, least)
