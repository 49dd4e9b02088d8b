"""A training as one HTML page that opens anywhere: data, diagnosis, network, measures, limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ... import _check
from ...errors import InvalidInputError, ModelFileError
from ...plot._style import new_figure
from ...training import Comparison, Evaluation, FitResult
from .data import data_section, exponent_section, forced
from .findings import Findings, gather
from .html import Html, document, facts, join, paragraphs, tag
from .judgement import exponents_section, judgement_section
from .limits import limits_section
from .network import fixed_points_section, gradients_section
from .orbits import attractor_section, spectrum_section, training_section
from .settings import settings_section

__all__ = ["Report", "checked_page", "write_report"]

_SECTIONS: tuple[tuple[str, str, Callable[[Findings], Html]], ...] = (
    ("data", "Data", data_section),
    ("exponent", "Exponent and forcing", exponent_section),
    ("training", "Training", training_section),
    ("attractor", "Attractor", attractor_section),
    ("spectra", "Spectra", spectrum_section),
    ("measures", "Measures", judgement_section),
    ("exponents", "Exponents", exponents_section),
    ("gradients", "Gradients", gradients_section),
    ("fixed", "Fixed points", fixed_points_section),
    ("limits", "Limits", limits_section),
    ("settings", "Settings", settings_section),
)
_KINDS = {"faithful": "good", "close": "good", "undecided": "open"}  # of the verdict's first word


@dataclass(frozen=True, eq=False, repr=False)
class Report:
    """A page that was written, with the numbers in it.

    Attributes
    ----------
    path : Path
    comparison : Comparison
        The model beside all baselines.
    findings : Findings
        Everything that the page tells.
    """

    path: Path
    comparison: Comparison
    findings: Findings

    @property
    def evaluation(self) -> Evaluation:
        """Of the model on the held-out data."""
        return self.comparison.evaluations[self.comparison.model]

    def __repr__(self) -> str:
        return f"Report({str(self.path)!r}: {self.evaluation.verdict})"


def write_report(
    model: FitResult,
    train: Any,
    test: Any,
    path: Any = "report.html",
    *,
    title: str | None = None,
    time_unit: str | None = None,
    names: Sequence[str] = (),
    inputs: Any = None,
    true_exponents: Any = None,
    comparison: Comparison | None = None,
    remarks: Sequence[str] = (),
    seed: int = 0,
) -> Report:
    """Write one HTML page about a trained network; pictures are inside, nothing is loaded from elsewhere.

    Parameters
    ----------
    model : FitResult
    train : array_like, shape (T, D)
        The series that the model was trained on.
    test : array_like, shape (T', D)
        Later data that it was not trained on, at least 400 rows; see `split_in_time`.
    path : str or path-like
        Of the page; ends in .html or .htm.
    title : str, optional
        Heading of the page. Default: the kind of the network.
    time_unit : str, optional
        Unit of the model's `dt`, such as "s".
    names : sequence of str
        Of the columns.
    inputs : array_like, shape (T', M), optional
        Of the model of a driven system, beside `test`.
    true_exponents : array_like, shape (k,), optional
        Of the true system per unit time, descending, where they are known.
    comparison : Comparison, optional
        The model and the baselines on `test`, if `compare_with_baselines` has compared them already.
    remarks : sequence of str
        What else the reader should know, such as warnings of the training.
    seed : int
        For estimates and baselines.

    Returns
    -------
    Report

    Raises
    ------
    InvalidInputError
        If the series do not fit the model or each other, or `test` is too short.
    ModelFileError
        If the page cannot be written.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit import fit
    >>> from chaoskit.report import write_report
    >>> from chaoskit.training import split_in_time
    >>> train, test = split_in_time(np.loadtxt("series.csv"))  # doctest: +SKIP
    >>> report = write_report(fit(train), train, test, "series.html", time_unit="s")  # doctest: +SKIP
    """
    target = checked_page(path)
    if not isinstance(model, FitResult):
        raise InvalidInputError(
            f"model: expected the result of fit or load, got {type(model).__name__}, which was not trained"
        )
    for text, name in ((title, "title"), (time_unit, "time_unit")):
        if text is not None and not isinstance(text, str):
            raise InvalidInputError(f"{name}: expected text, got {text!r}")
    new_figure(1, 1)  # without matplotlib it ends here, before the time is spent
    trained, held_out = _check.series(train, "train"), _check.series(test, "test", minimum=400)
    _check.same_columns(trained, held_out, "train and test")
    found = gather(
        model, trained, held_out, inputs=inputs, title=model.name if title is None else title,
        time_unit=time_unit, names=tuple(map(str, names)), comparison=comparison,
        true_exponents=true_exponents, remarks=tuple(remarks), seed=_check.integer(seed, "seed"),
    )  # fmt: skip
    sections = [(name, label, write(found)) for name, label, write in _SECTIONS]
    page = document(found.title, _head(found), sections)
    try:
        target.write_text(page, encoding="utf-8", errors="replace")
    except OSError as error:
        raise ModelFileError(
            f"{target}: cannot be written ({error.strerror}); choose another place"
        ) from None
    return Report(target, found.comparison, found)


def checked_page(path: Any) -> Path:
    """The place of a page; InvalidInputError if it has another ending, ModelFileError without its folder."""
    try:
        target = Path(path)
    except TypeError:
        raise InvalidInputError(f"path: expected a file name, got {path!r}") from None
    if target.suffix.lower() not in (".html", ".htm"):
        raise InvalidInputError(f"path: expected a file name that ends in .html, got {str(path)!r}")
    if not target.parent.is_dir():
        raise ModelFileError(f"{target}: the folder {target.parent} is not there; make it first")
    return target


def _head(f: Findings) -> Html:
    """The verdict and the numbers that matter most."""
    word, _, rest = f.evaluation.verdict.partition(":")
    said = tag("p", tag("strong", word), f":{rest}. " if rest else ". ", f.comparison.verdict,
               class_=f"verdict {_KINDS.get(word, 'bad')}")  # fmt: skip
    found = f.evaluation
    rows = [
        ["series", f"{len(f.train)} rows trained on, {len(f.test)} later rows to judge by"],
        ["exponent of the data", f.exponent],
        ["forcing", forced(f)],
        ["state-space divergence", _beside_floor(found.state_space_divergence, found.state_space_floor)],
        ["spectral distance", _beside_floor(found.spectral_distance, found.spectral_floor)],
    ]
    if found.valid_prediction_time is not None:
        time = found.valid_prediction_time
        of_lyapunov = found.valid_prediction_unit == "Lyapunov times"
        rows.append(["forecasts hold for", f"{time:.3g} Lyapunov times" if of_lyapunov else f.time(time)])
    return join(said, facts(rows), paragraphs("All terms are explained where they are used."))


def _beside_floor(value: float | None, floor: float | None) -> str:
    shown = "none: the free run diverged" if value is None else f"{value:.3g}"
    return shown if floor is None else f"{shown} (floor, data against data: {floor:.3g})"
