"""Where orbits end: fixed points, cycles, attractors and their classes."""
