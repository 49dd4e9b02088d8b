"""Functions of a model: dynamics, gradients, invariant sets. One small class, so that little is compiled."""

from __future__ import annotations

import numpy as np
from edges import Edge, finite, no_nan

import chaoskit as ck
from chaoskit import cells, forcing, gradients, systems

CELL = cells.PLRNN(
    A=np.array([0.6, -0.4]), W=np.array([[0.0, 0.9], [-1.3, 0.0]]), C=np.zeros((2, 0)), h=np.array([0.3, 0.5])
)
DRIVEN = CELL._replace(C=np.array([[0.5], [0.2]]))
DRIVE = np.sin(np.arange(80.0))[:, None]
X0 = np.array([0.1, 0.2])
ROWS = np.column_stack([np.sin(0.7 * np.arange(61)), np.cos(1.1 * np.arange(61))])
STEPS = {"steps": 20, "transient": 4}
DRIVES = (DRIVE, DRIVE[:20], DRIVE[0], DRIVE[:1], DRIVE[:, 0], DRIVE[None])
STARTS = np.array([[0.1, 0.2], [1.0, -1.0], [-2.0, 0.5]])
FORCINGS = (
    forcing.Sparse(3),
    forcing.Sparse(3, jitter=1),
    forcing.Annealed(4, 2),
    forcing.Generalized(0.2),
    forcing.AdaptiveGeneralized(),
    forcing.Windowed(4),
    forcing.Truncated(4),
    forcing.Never(),
)
OF_MODEL = {
    "model": (DRIVEN, CELL._replace(A=np.array([3.0, 3.0])), CELL._replace(W=np.zeros((2, 2)))),
    "inputs": DRIVES,
    "u": (DRIVE[0], DRIVE[:3]),
    "x0": (STARTS, None),
    "x": (STARTS,),
    "k": (1, 2),
    "dt": (0.5,),
    "tangent_transient": (3, 0),
    "backward_transient": (3,),
    "qr_every": (1, 2),
    "integrator": (systems.RungeKutta4(), systems.DormandPrince()),
    "forcing": FORCINGS,
    "series": (ROWS,),
    "decoder": (np.eye(2), np.ones((1, 2))),
    "starts": (3, STARTS),
    "tolerance": (0.1,),
    "max_steps": (40,),
}


def edge(function, check=lambda answer: True, dear=False, more=(), **good):
    """An edge whose arguments are those of models."""
    return Edge(function, {"model": CELL, **good}, OF_MODEL | dict(more), check, dear)


DYNAMICS = (
    edge(ck.simulate, lambda x: x.ndim != 2 or np.isfinite(x).all(), x0=X0, **STEPS),
    edge(ck.jacobian, no_nan(), x=X0),
    edge(ck.jacobian_product, no_nan("mantissa", "log_scale"), x0=X0, **STEPS),
    edge(ck.lyapunov_spectrum, no_nan("exponents"), x0=X0, tangent_transient=5, **STEPS),
    edge(ck.finite_time_exponents, no_nan(), x0=X0, window=3, count=4, transient=4, tangent_transient=5),
    edge(ck.two_orbit_exponent, no_nan("exponent"), x0=X0, every=4, tangent_transient=5, **STEPS),
    edge(ck.covariant_vectors, finite("states"), x0=X0, tangent_transient=5, backward_transient=5, **STEPS),
)
GRADIENTS = (
    edge(ck.gradient_growth, no_nan("log_state"), x0=X0, more={"parameters": ("none", "loss")}, **STEPS),
    edge(
        ck.gradient_decomposition,
        no_nan("exponents"),
        x0=X0,
        steps=12,
        transient=3,
        tangent_transient=5,
        backward_transient=5,
        more={"loss": ("sum",)},
    ),
    edge(ck.gradient_bound, no_nan("bound"), orbit=X0, steps=20),
    Edge(
        gradients.loss_and_gradient,
        {"cell": CELL, "decoder": np.eye(2), "series": ROWS[:21], "forcing": forcing.Sparse(3)},
        {"cell": (DRIVEN,), "inputs": DRIVES, "forcing": FORCINGS, "decoder": (np.ones((1, 2)),)},
    ),
)
POINT = np.array([0.75, (0.5 - 1.3 * 0.75) / 1.4])  # the fixed point of CELL
IMPLICIT = (
    edge(ck.cycle_derivative, more={"cycle": (POINT[None],)}, cycle=POINT),
    edge(ck.cycle_gradient, cycle=POINT, weights=np.ones(2)),
)


def families(h):
    """Networks by a parameter."""
    return CELL._replace(h=np.array([h, 0.5]))


INVARIANT_SETS = (
    edge(ck.fixed_points, finite("points")),
    edge(ck.cycles, finite("points"), period=2),
    edge(ck.slow_points, finite("points"), starts=STARTS),
    edge(
        ck.classify_orbit,
        lambda orbit: bool(orbit.reason),
        x0=X0,
        steps=200,
        transient=20,
        max_period=8,
        max_steps=400,
    ),
    edge(
        ck.attractors,
        lambda found: 0 <= found.diverged_share <= 1,
        dear=True,
        starts=3,
        steps=200,
        transient=20,
        max_period=8,
    ),
    Edge(
        ck.bifurcation_scan,
        {
            "model_family": families,
            "parameter": "h",
            "values": np.array([0.3, 0.4]),
            "x0": X0,
            "steps": 200,
            "transient": 20,
            "samples": 5,
            "max_period": 8,
        },
        OF_MODEL
        | {
            "model_family": (lambda h: None, lambda h: CELL._replace(h=np.array([np.nan, h]))),
            "observe": (lambda x: x[..., 0], lambda x: None, 1),
            "follow": (False,),
        },
        dear=True,
    ),
)
CLASSES = tuple(
    Edge(one.init, {"n": 3, "rng": 0}, {"n_inputs": (1,), "dtype": (np.float32, "float64", int)})
    for one in cells.ALL_CELLS
)
LAYERS = (cells.Tanh.init(2, 1, rng=0), cells.Tanh.init(3, 2, rng=1))
CLASSES += (
    Edge(
        cells.Stack,
        {"layers": LAYERS, "readout": (np.ones((1, 3)), np.zeros(1))},
        {
            "layers": (LAYERS[:1], LAYERS[::-1], (CELL, CELL)),
            "readout": (None, (np.ones((1, 2)), np.zeros(1))),
        },
    ),
)
FAMILIES = tuple(
    Edge(function, {"cell_class": one, **good}, {"cell_class": cells.ALL_CELLS})
    for function, one, good in (
        (cells.contracting, cells.PLRNN, {"n": 3}),
        (cells.cyclic, cells.PLRNN, {"k": 2}),
        (cells.quasi_periodic, cells.PLRNN, {}),
        (cells.tent, cells.PLRNN, {}),
        (cells.chaotic, cells.Tanh, {"n": 3}),
    )
)
SCHEDULES = (
    Edge(forcing.Sparse, {"tau": 3}),
    Edge(forcing.Annealed, {"start": 4, "stop": 2}),
    Edge(forcing.Generalized, {"alpha": 0.2}),
    Edge(forcing.AdaptiveGeneralized, {}),
    Edge(forcing.Windowed, {"tau": 3}),
    Edge(forcing.Truncated, {"tau": 3}),
)
SYSTEMS = tuple(
    Edge(getattr(systems, name), {"case": "B"} if name == "Sprott" else {})
    for name in systems.__all__
    if isinstance(getattr(systems, name), type)
    and issubclass(getattr(systems, name), systems.System)
    and name not in ("System", "Map", "Flow", "QuadraticFlow")
) + (Edge(systems.DormandPrince, {}),)
EDGES = DYNAMICS + GRADIENTS + IMPLICIT + INVARIANT_SETS + CLASSES + FAMILIES + SCHEDULES + SYSTEMS
