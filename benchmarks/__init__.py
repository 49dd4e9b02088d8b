"""Benchmarks (asv suite) and the runs behind docs/verification.md."""
