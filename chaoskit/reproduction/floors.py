"""What two true series of the same length are apart: the measures of the training series."""

from __future__ import annotations

import contextlib

from ..errors import InvalidInputError
from ..measures import published_2021, spectral_distance, state_space_divergence
from ..timeseries import embed
from .data import DataSet


def floors(data: DataSet) -> dict[str, float]:
    """By the names of the columns; a measure that cannot be taken of these data is left out.

    The floors in the rows of a sweep come from the halves of the test series, which are half as long as what
    networks are judged by, and so they are higher.
    """
    mean, scale = data.train.mean(axis=0), data.train.std(axis=0)
    test, train = ((part - mean) / scale for part in (data.test, data.train))
    states = [part if data.embedding is None else embed(part, *data.embedding) for part in (test, train)]
    found = {
        "divergence": float(state_space_divergence(*states)),
        "spectral_distance": float(spectral_distance(test, train)),
    }
    with contextlib.suppress(InvalidInputError):  # more columns than it takes
        found["published_divergence"] = published_2021.state_space_divergence(*states)
    with contextlib.suppress(InvalidInputError):  # fewer rows than its pieces take
        found["published_spectral_distance"] = published_2021.spectral_distance(test, train)
    return found
