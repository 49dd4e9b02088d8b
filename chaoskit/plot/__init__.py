"""Pictures of series, runs and results on matplotlib Axes; needs the extra ``chaoskit[plot]``."""

from __future__ import annotations

from .bifurcations import bifurcation_diagram, bifurcation_watch
from .curves import divergence_curve, training_curve
from .growth import gradient_growth, singular_values
from .invariant import invariant_sets
from .orbits import attractors
from .signals import spectra, time_series

__all__ = [
    "attractors", "bifurcation_diagram", "bifurcation_watch", "divergence_curve", "gradient_growth",
    "invariant_sets", "singular_values", "spectra", "time_series", "training_curve",
]  # fmt: skip
