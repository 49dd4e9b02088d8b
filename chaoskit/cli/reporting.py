"""`chaoskit train --report`: hold the end of the series out, train on the rest, write the page."""

from __future__ import annotations

import warnings
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import fit
from .._labelled import TimeSeries
from ..errors import ChaoskitWarning, InvalidInputError
from ..report import Report, write_report
from ..report.page import checked_page
from ..training import FitResult, split_in_time
from .reading import longest
from .training import fit_options

_FEWEST = 400  # rows that measures and floors take


class HeldOut(NamedTuple):
    """A series without its end, and the end."""

    train: TimeSeries
    test: np.ndarray
    kept: np.ndarray  # (T,) bool: rows of the whole that are trained on
    held: slice  # rows of the whole that judge


def wanted_page(arguments: Namespace, model: Path) -> Path | None:
    """Where the page goes, None if there shall be none; checked before any time is spent."""
    if arguments.report is None:
        for name in ("test_share", "time_unit", "true_exponents"):
            if getattr(arguments, name) is not None:
                raise InvalidInputError(f"--{name.replace('_', '-')}: expected with --report only")
        return None
    return checked_page(arguments.report or model.with_suffix(".html"))


def hold_out(read: TimeSeries, share: float, name: str = "--test-share") -> HeldOut:
    """Cut the last part of the longest segment off, with a gap before it; other segments are trained on.

    `name` is what the share is called where it is written.
    """
    rows = len(read)
    start, stop = max(read.segments or ((0, rows),), key=lambda pair: pair[1] - pair[0])
    train, test = split_in_time(read.values[start:stop], test_share=share)
    if len(test) < _FEWEST:
        raise InvalidInputError(
            f"{name}: expected at least {_FEWEST} rows to judge by, got {len(test)} of "
            f"{stop - start}; give a longer series or a larger share"
        )
    cut = start + len(train)
    kept = np.ones(rows, bool)
    kept[cut:stop] = False
    segments = []
    for first, last in read.segments:
        end = cut if (first, last) == (start, stop) else last
        shift = stop - cut if first >= stop else 0
        segments.append((first - shift, end - shift))
    labels = None if read.labels is None else np.asarray(read.labels)[kept]
    part = replace(read, values=read.values[kept], segments=tuple(segments), labels=labels)
    return HeldOut(part, test, kept, slice(stop - len(test), stop))


def train_and_report(
    arguments: Namespace, read: TimeSeries, model_file: Path, page: Path, progress: bool
) -> tuple[FitResult, Report]:
    """Train on all but the held-out end, save the model, and write the page about it."""
    held = hold_out(read, 0.2 if arguments.test_share is None else arguments.test_share)
    options = fit_options(arguments, held.train)
    inputs = options.get("inputs")
    if inputs is not None:
        inputs = np.asarray(inputs)
        if len(inputs) != len(read):
            raise InvalidInputError(
                f"--inputs: expected one row for each of {len(read)} rows of the series, got {len(inputs)}"
            )
        options["inputs"] = inputs[held.kept]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ChaoskitWarning)
        model = fit(held.train, progress=progress, **options)
    remarks = [str(w.message) for w in caught if issubclass(w.category, ChaoskitWarning)]
    for remark in remarks:
        warnings.warn(remark, ChaoskitWarning, stacklevel=2)
    model.save(model_file)
    report = write_report(
        model, longest(held.train), held.test, page, title=Path(arguments.file).name,
        time_unit=arguments.time_unit, names=read.names, remarks=remarks, seed=arguments.seed,
        inputs=None if inputs is None else inputs[held.held], true_exponents=arguments.true_exponents,
    )  # fmt: skip
    return model, report
