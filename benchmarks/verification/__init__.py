"""Each module prints a table of docs/verification.md: ``python -m benchmarks.verification.zoo`` ..."""
