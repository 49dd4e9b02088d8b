"""Fixed points of networks trained on Lorenz-63: ``python -m benchmarks.verification.saddle_foci [SEEDS]``.

All fixed points of each network, found exactly, in the units of the data, beside those of the flow. Markdown
on standard output.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import chaoskit
from chaoskit.forcing import AdaptiveGeneralized

from .reconstruction_data import DT, lorenz

FOCUS = np.sqrt(72 + 72 + 27**2)


def true_points() -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Name, place and rates of the equilibria of the flow."""
    found = chaoskit.fixed_points(chaoskit.systems.Lorenz63())
    names = {0.0: "origin", 1.0: "focus +", -1.0: "focus -"}
    return [(names[float(np.sign(round(p.points[0, 0], 6)))], p.points[0], p.rates) for p in found]


def shown(rates: np.ndarray) -> str:
    """Rates in the order of their real parts, a pair as one."""
    order = rates[np.argsort(-rates.real)]
    words = [f"{z.real:.4f} ± {z.imag:.4f}i" if z.imag else f"{z.real:.3f}" for z in order if z.imag >= 0]
    return ", ".join(words)


def deviations(place, rates, true_place, true_rates) -> str:
    """Of the place, in units of the distance of the foci from the origin, and of each rate, in percent."""
    off = [f"{100 * np.linalg.norm(place - true_place) / FOCUS:.1f}"]
    found = rates[np.argsort(-rates.real)]
    wanted = true_rates[np.argsort(-true_rates.real)]
    seen = [(z, w) for z, w in zip(found, wanted, strict=True) if w.imag >= 0]
    off += [f"{100 * abs(z - w) / abs(w):.1f}" for z, w in seen]
    return ", ".join(off)


def main(seeds: int) -> None:
    data, truth = lorenz(), true_points()
    print(
        "| seed | point | x, y, z | ln(multiplier) / dt | off by, % (place; rates) |\n|---|---|---|---|---|"
    )
    for name, place, rates in truth:
        print(f"| true | {name} | {', '.join(f'{x:.3f}' for x in place)} | {shown(rates)} | |")
    notes = []
    for seed in range(seeds):
        model = chaoskit.fit(data.train, dt=data.dt, seed=seed, forcing=AdaptiveGeneralized())
        begin = time.perf_counter()
        found = chaoskit.fixed_points(model, dt=DT)
        seconds = time.perf_counter() - begin
        places = model.decode(found.points[:, 0])
        met = set()
        for place, cycle in zip(places, found, strict=True):
            near = min(truth, key=lambda t, place=place: np.linalg.norm(t[1] - place))
            close = np.linalg.norm(near[1] - place) < 8.0
            name = near[0] if close else "other"
            off = deviations(place, cycle.rates, near[1], near[2]) if close else "-"
            met.add(name)
            where = ", ".join(f"{x:.3f}" for x in place)
            print(f"| {seed} | {name} | {where} | {shown(cycle.rates)} | {off} |", flush=True)
        missing = [name for name, _, _ in truth if name not in met]
        notes.append(f"seed {seed}: {found!r}, {seconds:.1f} s; missing: {', '.join(missing) or 'none'}")
    print("\n" + "\n".join(notes))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", nargs="?", type=int, default=5)
    main(parser.parse_args().seeds)
