"""The work of a sweep over baselines: what costs a linear regression, judged as networks are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import InvalidInputError
from ..sweeps.judging import measures_row, published_row
from ..training import evaluate
from ..training.fit_baselines import BASELINES, fit_all


def judge_baseline(
    series: Any,
    test: Any,
    *,
    baseline: str,
    dt: float,
    true_exponents: Any,
    evaluate_options: Mapping[str, Any],
    published_rows: int,
    seed: int = 0,
) -> dict[str, Any]:
    """One baseline of `chaoskit.training.fit_baselines`, with the measures of `sweeps.train_and_judge`.

    Baselines know nothing of the inputs of a driven system: their free run is judged without.

    Parameters
    ----------
    series, test : ndarray, shape (T, D) and (T', D)
    baseline : str
        Its name.
    dt, true_exponents, evaluate_options, published_rows, seed
        See `chaoskit.sweeps.train_and_judge`.

    Returns
    -------
    dict of str to float, int, str or None

    Raises
    ------
    InvalidInputError
        If there is no baseline of that name, or it cannot be fitted on this series.
    """
    if baseline not in BASELINES:
        raise InvalidInputError(f"baseline: expected one of {', '.join(BASELINES)}, got {baseline!r}")
    models, remarks = fit_all(series, seed, [baseline])
    if not models:
        raise InvalidInputError("; ".join(remarks))
    options = {name: value for name, value in evaluate_options.items() if name != "inputs"}
    judged = evaluate(models[baseline], test, dt=dt, true_exponents=true_exponents, **options)
    row = measures_row(judged)
    return row | published_row(models[baseline], series, test, published_rows, None, judged.embedding)
