"""Exponents of every known system against published values, in long runs. Two minutes of CPU time."""

from __future__ import annotations

import numpy as np

import chaoskit
from chaoskit.systems import MackeyGlass, System, zoo


def name_of(system: System) -> str:
    return type(system).__name__ + (f" {system.case}" if hasattr(system, "case") else "")


def row(system: System) -> str:
    """One line of the table."""
    options = {"k": 4, "dt": system.h} if isinstance(system, MackeyGlass) else {}
    steps = 6_000_000 if system.dim == 40 else 1_000_000 if system.dim > 20 else 30_000_000
    result = chaoskit.lyapunov_spectrum(system, steps=steps, transient=50_000, **options)
    reference = system.reference_exponents or ()
    off = 0.0
    for value, error, true in zip(result.exponents, result.stderr, reference, strict=False):
        allowed = max(4 * error, 1e-10, 0.01 * abs(true) if abs(true) > 0.02 else 2e-3)
        off = max(off, abs(value - true) / allowed)
    found = ", ".join(
        f"{v:.4f} ± {e:.0e}" for v, e in zip(result.exponents[:4], result.stderr[:4], strict=True)
    )
    published = ", ".join(f"{v:.4g}" for v in reference)
    residual = result.checks.get("sum_residual", np.nan)
    return (
        f"| {name_of(system)} | {found} | {published or '-'} | {off:.2f} | {result.kaplan_yorke:.4f} | "
        f"{residual:.0e} | {system.reference} |"
    )


def main() -> None:
    print("| system | exponents | reference | off / allowed | Kaplan-Yorke | sum residual | source |")
    print("|---|---|---|---|---|---|---|")
    for system in zoo():
        print(row(system), flush=True)


if __name__ == "__main__":
    main()
