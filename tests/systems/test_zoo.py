"""Every known system: its Jacobian, its exact laws, and its published exponents."""

from __future__ import annotations

import math

import numpy as np
import pytest

from chaoskit import lyapunov_spectrum
from chaoskit.errors import InvalidInputError
from chaoskit.systems import KuramotoSivashinsky, MackeyGlass, QuadraticFlow, Sprott, zoo
from chaoskit.systems._protocol import central_differences

# Sums of the exponents that are exact: the divergence of a flow, ln |det J| of a map.
SUMS = {
    "Henon": math.log(0.3), "Lozi": math.log(0.5), "Ikeda": 2 * math.log(0.9), "HolmesCubic": math.log(0.2),
    "DissipativeStandard": math.log(0.1), "Cat": 0.0, "Lorenz63": -41 / 3, "Chen": -10.0,
    "DiffusionlessLorenz": -1.0, "Halvorsen": -3.81, "SprottJerk": -2.017, "Thomas": -0.54,
    "DrivenPendulum": -0.05, "Duffing": -0.25, "Lorenz96": -40.0, "SprottB": -1.0, "SprottQ": -0.5,
}  # fmt: skip
# Every class of systems costs seconds to compile; by default a few stand for their kinds. The quadratic
# flows share one compiled function.
QUICK = {"SkewTent", "KaplanYorke", "Ikeda", "DrivenPendulum", "Thomas"}


def name_of(system):
    return type(system).__name__ + getattr(system, "case", "")


def case(system):
    quick = isinstance(system, QuadraticFlow) or name_of(system) in QUICK
    return pytest.param(system, id=name_of(system), marks=() if quick else pytest.mark.slow)


@pytest.mark.parametrize("system", zoo(), ids=name_of)
def test_jacobians_and_default_states(system):
    rng = np.random.default_rng(0)
    x = system.default_state + 1e-3 * rng.standard_normal(system.dim)
    wanted = central_differences(system.evaluate, x)
    if name_of(system) == "KaplanYorke":
        wanted[0] = [2.0, 0.0]  # its x lives on a lattice finer than the differences
    scale = max(1.0, float(np.abs(wanted).max()))
    np.testing.assert_allclose(system.evaluate_jacobian(x), wanted, atol=1e-7 * scale)
    v = rng.standard_normal(system.dim)
    np.testing.assert_allclose(system.evaluate_tangent(x, v), wanted @ v, atol=1e-6 * scale)
    assert system.reference
    assert system.__doc__
    assert system.default_dt is not None or not system.is_flow


def test_there_are_many():
    assert len(zoo()) >= 30
    assert len({name_of(s) for s in zoo()}) == len(zoo())


@pytest.mark.parametrize("system", [case(s) for s in zoo()])
def test_published_exponents(system, measured):
    """Within four standard errors, the published rounding, 1 % or 0.002, whichever is largest."""
    slow = system.dim > 20
    options = {"k": 4, "dt": system.h} if isinstance(system, MackeyGlass) else {}
    steps = 150_000 if slow else 250_000
    result = lyapunov_spectrum(system, steps=steps, transient=20_000, **options)
    measured("exponents", f"{result.exponents[:4].round(4)} +- {result.stderr[:4].round(4)}")
    reference = system.reference_exponents or ()
    for value, error, true in zip(result.exponents, result.stderr, reference, strict=False):
        near = 0.01 * abs(true) if abs(true) > 0.02 else 2e-3
        assert abs(value - true) <= max(4 * error, near, 5e-4 if isinstance(system, Sprott) else 1e-10)
        assert error <= max(0.05 * np.abs(reference).max(), 0.02)
    if name_of(system) in SUMS:
        allowed = 1e-3 if system.is_flow else 1e-9  # Runge-Kutta steps contract a little differently
        assert result.exponents.sum() == pytest.approx(SUMS[name_of(system)], abs=allowed)
    assert result.checks.get("sum_residual", 0.0) <= 1e-10 * max(
        1.0, abs(result.checks.get("mean_log_det", 1.0))
    )
    if isinstance(system, MackeyGlass):
        assert 0.003 < result.exponents[0] < 0.009
        assert abs(result.kaplan_yorke - 2.1) < 0.1
    if isinstance(system, KuramotoSivashinsky):
        assert (np.abs(result.exponents[1:4]) < 0.03).all()


def test_bad_arguments():
    with pytest.raises(InvalidInputError, match="case"):
        Sprott("Z")
    with pytest.raises(InvalidInputError, match="monomials"):
        QuadraticFlow({"xyz": 1}, {}, {})
    for wrong in ({"points": 1}, {"tau": 0.0}):
        with pytest.raises(InvalidInputError):
            MackeyGlass(**wrong)
    with pytest.raises(InvalidInputError, match="modes"):
        KuramotoSivashinsky(modes=1)
