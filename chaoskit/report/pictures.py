"""Pictures of one series and its reconstruction, as PNG files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ModelFileError
from ..plot import attractors, divergence_curve, spectra, time_series, training_curve
from ..timeseries import embed

if TYPE_CHECKING:
    from ..training import Generated
    from .study import Prepared, Trained

SECONDS_SHOWN = 600  # rows of the series picture
NAMES = ("held-out data", "free run")


def write_pictures(folder: Path, prepared: Prepared, trained: Trained, run: Generated) -> list[Path]:
    """Draw everything that can be drawn of a training and its free run.

    Parameters
    ----------
    folder : Path
        Exists.
    prepared : Prepared
    trained : Trained
    run : Generated
        Free run of the network, one column.

    Returns
    -------
    list of Path
        The files written.
    """
    case, test = prepared.case, prepared.test
    unit = case.time_unit
    axes: dict[str, Any] = {"divergence": divergence_curve(prepared.estimate, time_unit=unit)}
    if trained.model is not None:
        axes["training"] = training_curve(trained.model.history)
    if len(run.series) > 2 * case.view_delay + 64:
        true = embed(test, case.view_delay, 3)
        made = embed(run.series, case.view_delay, 3)
        axes["attractors"] = attractors(true, made, names=NAMES)[0]
        axes["spectra"] = spectra(test, run.series, prepared.dt, names=NAMES, time_unit=unit)
        axes["series"] = time_series(
            test, run.series, prepared.dt, n_rows=SECONDS_SHOWN, names=NAMES, time_unit=unit
        )
    files = []
    for name, ax in axes.items():
        if name != "divergence":
            _titled(ax, case.title, name)
        file = folder / f"{case.name}_{name}.png"
        try:
            ax.figure.savefig(file)
        except OSError as error:
            raise ModelFileError(
                f"{file}: cannot be written ({error.strerror}); choose another folder"
            ) from None
        files.append(file)
    return files


def _titled(ax: Any, title: str, name: str) -> None:
    """The series' name on top, so that a picture can be shown alone."""
    if name == "attractors":
        ax.figure.suptitle(title, fontsize=11, color="#3d3d3d")
    else:
        ax.set_title(title, loc="left", fontsize=10, color="#3d3d3d")
