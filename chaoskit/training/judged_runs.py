"""The run of a reconstruction that is judged: as long as the data, settled, along their inputs if driven."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import _check
from ..errors import InvalidInputError
from .generated import Generated

_SETTLE = 0.2  # share of a free run that is dropped: 1.25 T rows are run, the last T are judged


def beside_series(reconstruction: Any, inputs: Any, rows: int) -> np.ndarray | None:
    """Inputs (T, M), one row for each row of the series; None for what is not driven."""
    n_inputs = getattr(reconstruction, "n_inputs", 0)
    if inputs is None and n_inputs == 0:
        return None
    if n_inputs == 0:
        raise InvalidInputError("inputs: expected none, what is evaluated takes no inputs; leave them out")
    drive = None if inputs is None else _check.array(inputs, "inputs", np.float64)
    drive = drive[:, None] if drive is not None and drive.ndim == 1 and n_inputs == 1 else drive
    if drive is None or drive.shape != (rows, n_inputs):
        raise InvalidInputError(
            f"inputs: expected shape ({rows}, {n_inputs}), one row for each row of the series, got "
            f"{'none' if drive is None else drive.shape}"
        )
    return drive


def settled_rows(model: Any, rows: int) -> int:
    """First rows of the data that a driven run needs to begin and to settle."""
    return max(model.context_length, math.ceil(_SETTLE * rows))


def run_beside(reconstruction: Any, data: np.ndarray, drive: np.ndarray | None) -> Generated:
    """The settled part of a run: as long as the data, or along the inputs of a driven system.

    A driven run starts from the first rows of the data and lacks `settled_rows`.
    """
    if drive is None:
        return free_run(reconstruction, len(data), data.shape[1])
    length, settled = reconstruction.context_length, settled_rows(reconstruction, len(data))
    made = reconstruction.predict(data[None, :length], len(data) - length, inputs=drive[:-1])[0]
    run = Generated.cut(made)
    return run if run.diverged_at is not None else Generated(run.series[settled - length :])


def free_run(reconstruction: Any, rows: int, columns: int) -> Generated:
    """The settled part of a free run as long as the data."""
    if isinstance(reconstruction, Generated):
        run = reconstruction
    elif hasattr(reconstruction, "generate"):
        total = math.ceil(rows / (1.0 - _SETTLE))
        run = reconstruction.generate(total)
        if run.diverged_at is None:
            run = Generated(run.series[total - rows :])
    else:
        values = np.asarray(_check.unlabelled(reconstruction, "reconstruction"))
        if values.dtype.kind not in "fiu" or values.ndim not in (1, 2):
            raise InvalidInputError(
                f"reconstruction: expected a fitted model or an array of shape (T, {columns}), got "
                f"{type(reconstruction).__name__} of shape {values.shape}"
            )
        run = Generated.cut(values[:, None].astype(float) if values.ndim == 1 else values.astype(float))
    if run.series.shape[1] != columns:
        raise InvalidInputError(
            f"reconstruction: expected {columns} columns as in the series, got {run.series.shape[1]}"
        )
    return run
