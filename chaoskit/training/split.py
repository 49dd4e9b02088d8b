"""Training and test data: cut in time, and what to do when a test series was trained on."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _check
from ..errors import InvalidInputError
from ..measures import correlation_time

_FEWEST = 20  # rows on either side


def split_in_time(
    series: Any, *, test_share: float = 0.2, gap: int | str = "auto"
) -> tuple[np.ndarray, np.ndarray]:
    """Cut a series into a first part to train on and a last part to judge by.

    Rows are never drawn at random: rows of a test set between rows of the training set are known
    from their neighbours, and any model that remembers passes.

    Parameters
    ----------
    series : array_like, shape (T,) or (T, D), float
    test_share : float
        Part of the rows, at the end, that judges.
    gap : int or "auto"
        Rows left out between the two, so that the test does not begin where the training series has
        just been. "auto": the correlation time, a tenth of the test part at most.

    Returns
    -------
    train, test : ndarray, shape (T', D) and (T'', D)

    Raises
    ------
    InvalidInputError
        If either part would have fewer than 20 rows.

    Examples
    --------
    >>> import numpy as np
    >>> from chaoskit.training import split_in_time
    >>> train, test = split_in_time(np.arange(1000.0), test_share=0.25, gap=10)
    >>> len(train), len(test), float(test[0, 0])
    (740, 250, 750.0)
    """
    data = _check.series(series)
    share = _check.share(test_share, "test_share")
    start = len(data) - round(share * len(data))
    if isinstance(gap, str):
        if gap != "auto":
            raise InvalidInputError(f'gap: expected "auto" or a number of rows, got {gap!r}')
        left_out = min(round(correlation_time(data)), (len(data) - start) // 10)
    else:
        left_out = _check.integer(gap, "gap")
    if min(start - left_out, len(data) - start) < _FEWEST:
        raise InvalidInputError(
            f"test_share: expected at least {_FEWEST} rows on either side, got {start - left_out} to train "
            f"on and {len(data) - start} to judge by; give a longer series or another share"
        )
    return data[: start - left_out], data[start:]


def trained_on(model: Any, data: np.ndarray) -> bool:
    """Whether data (T, D) hold the last rows that a model was trained on; False where it does not say."""
    context = getattr(model, "context", None)
    if context is None or np.ndim(context) != 2 or context.shape[1] != data.shape[1]:
        return False
    length = len(context)
    if len(data) < length or np.size(context) < 3:  # fewer numbers may recur by chance
        return False
    ends = np.flatnonzero((data[length - 1 :] == context[-1]).all(axis=1))
    return any(np.array_equal(data[end : end + length], context) for end in ends)
