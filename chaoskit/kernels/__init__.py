"""Compiled loops over time, batch and tangents. They check nothing; `chaoskit`'s public functions do."""
