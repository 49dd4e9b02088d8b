"""Each module prints one table of docs/verification.md: ``python -m benchmarks.verification.exponents`` and so on."""
