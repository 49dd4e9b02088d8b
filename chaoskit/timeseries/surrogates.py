"""stub."""
def surrogate_test(*a, **k): raise NotImplementedError
