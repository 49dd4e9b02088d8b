"""Series whose exponents and dimensions are known, for several test files."""

import numpy as np

TIME = np.arange(6000)


def logistic(length):
    """Exponent ln 2, dimension 1."""
    x = [0.3]
    for _ in range(length - 1):
        x.append(4 * x[-1] * (1 - x[-1]))
    return np.array(x)


def henon_x(length):
    """Exponent 0.4192, correlation dimension 1.21 to 1.25."""
    x = [0.1, 0.1]
    for _ in range(length + 100):
        x.append(1 - 1.4 * x[-1] ** 2 + 0.3 * x[-2])
    return np.array(x[-length:])


def sine():
    return np.sin(0.05 * TIME)


def quasi_periodic():
    """A torus of two frequencies."""
    return np.sin(0.2 * TIME) + np.sin(0.2 * np.sqrt(2) * TIME)


def white(seed=0, length=6000):
    return np.random.default_rng(seed).normal(size=length)


def coloured(seed=0, length=6000, period=20.0, memory=0.95):
    """AR(2) noise with a broad line at a period."""
    a, b = 2 * memory * np.cos(2 * np.pi / period), -(memory**2)
    x = [0.0, 0.0]
    for kick in np.random.default_rng(seed).normal(size=length + 200):
        x.append(a * x[-1] + b * x[-2] + kick)
    return np.array(x[-length:])


def _ar2(rng, length, noise=0.0):
    x = coloured(rng.integers(10**6), length, rng.uniform(3, 80), rng.uniform(0.7, 0.998))
    return x + noise * x.std() * rng.normal(size=length)


def _waves(rng, length, count, noise=0.0):
    t = np.arange(length)
    waves = [
        rng.uniform(0.3, 1) * np.sin(rng.uniform(0.02, 0.6) * t + rng.uniform(0, 6)) for _ in range(count)
    ]
    return sum(waves) + noise * rng.normal(size=length)


# a generator and a length -> a series without chaos
NOT_CHAOS = {
    "white noise": lambda rng, length: rng.normal(size=length),
    "AR(2)": _ar2,
    "AR(2) with noise": lambda rng, length: _ar2(rng, length, 0.05),
    "AR(2), bent": lambda rng, length: _ar2(rng, length) ** 3,
    "smooth noise": lambda rng, length: np.convolve(
        rng.normal(size=length + 200), np.hanning(rng.integers(5, 120)), "same"
    )[100 : 100 + length],
    "sine": lambda rng, length: _waves(rng, length, 1),
    "sine with noise": lambda rng, length: _waves(rng, length, 1, 0.05),
    "two waves": lambda rng, length: _waves(rng, length, 2),
    "two waves with noise": lambda rng, length: _waves(rng, length, 2, 0.05),
    "random walk": lambda rng, length: np.cumsum(rng.normal(size=length)),
}
