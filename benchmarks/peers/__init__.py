"""chaoskit beside its peers, the same work taken in turn: ``python -m benchmarks.peers``."""
