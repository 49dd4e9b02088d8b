"""How perturbations grow: products of Jacobians, finite-time exponents, and two neighbouring orbits."""

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple

import numpy as np

from .. import _check
from .._device import beside
from ..errors import ChaoskitWarning, InvalidInputError
from ..kernels.cpu_forward import two_orbits
from ..kernels.cpu_tangent import scaled_products
from .lyapunov import checked_count, checked_interval, initial_state, set_interval, start_run, tangent_steps
from .model import Model, checked_inputs, device_for, prepare
from .statistics import mean_errors
from .tangent_run import block_length, diverged

_TOO_FAR = 0.05  # of two orbits, in units of the size of the state
_CHUNK = 1e9  # operations a kernel call may take before Python can be interrupted


class JacobianProduct(NamedTuple):
    """A product of Jacobians that may be beyond the range of floating point.

    Attributes
    ----------
    mantissa : ndarray, shape (N, N)
        The product over its spectral norm; zero if the product is.
    log_scale : float
        Natural logarithm of the spectral norm: product = mantissa * exp(log_scale).
    """

    mantissa: np.ndarray
    log_scale: float


class TwoOrbitExponent(NamedTuple):
    """Largest exponent from two neighbouring orbits, and its standard error."""

    exponent: float
    stderr: float


def jacobian_product(
    model: Any,
    x0: Any = None,
    steps: int = 1000,
    *,
    dt: float | None = None,
    inputs: Any = None,
    transient: int = 0,
    integrator: Any = None,
    seed: int = 0,
    device: str = "cpu",
) -> JacobianProduct:
    """Product of Jacobians along an orbit: J(x_{T-1}) to J(x_0), any number of them, without overflow.

    Parameters
    ----------
    model : cell, Stack, System or FitResult
    x0 : array_like, shape (N,), optional
        Initial state. Default: the system's own, the start of a fitted model, or random for a cell.
    steps : int
        Number T of factors.
    dt : float, optional
        Integration step of a flow; its Jacobians are those of one step.
    inputs : array_like, shape (T, M), optional
        inputs[t] drives step t, counted from x0.
    transient : int
        Steps to leave out first.
    integrator : RungeKutta4 or DormandPrince, optional
        How a flow is integrated.
    seed : int
        For the initial state of a cell.
    device : {"cpu", "cuda"}
        Where the factors are multiplied. "cuda": of cells, by products over the whole GPU, for some hundred
        states and more; the transient stays on the CPU. The mantissa is in the memory of the GPU if x0 was.

    Returns
    -------
    JacobianProduct
        (mantissa, log_scale). The factors taken out on the way are powers of two, so that only the products
        themselves round; their exponents are added up as integers.

    Raises
    ------
    InvalidInputError
        If arguments do not fit together, or a map or flow is to run on a GPU.
    DivergenceError
        If the orbit leaves the finite numbers.
    DeviceError
        If there is no GPU for device="cuda", or too little memory on it.

    Examples
    --------
    >>> from chaoskit.systems import Logistic
    >>> mantissa, log_scale = jacobian_product(Logistic(), steps=100_000)
    >>> bool(abs(log_scale / 100_000 - np.log(2)) < 1e-3)
    True
    """
    steps = _check.integer(steps, "steps", 1)
    transient = _check.integer(transient, "transient")
    prepared = prepare(model, dt=dt, integrator=integrator)
    device = device_for(device, model)
    n = prepared.dim
    start = initial_state(prepared, x0, np.random.default_rng(_check.integer(seed, "seed")))
    driving = checked_inputs(inputs, prepared, transient + steps, 1)
    run = start_run(prepared, start, driving, transient, n, np.random.default_rng(0))
    V = run.V
    V[n:] = np.eye(n).ravel()
    if device == "cuda":
        part = run.inputs[transient : transient + steps]
        product = _normalised(*_product_on_gpu(prepared, V, part, transient))
        return product._replace(mantissa=beside(x0, product.mantissa))
    exponent = 0
    chunk = int(np.clip(_CHUNK / (n**3 + 100), 1, steps))
    for at in range(0, steps, chunk):
        count, t = min(chunk, steps - at), transient + at
        part = np.ascontiguousarray(run.inputs[t : t + count]).reshape(-1)
        taken, broken = scaled_products(
            prepared.tag, prepared.pack, run.work, V, run.scratch, part, t, n, count
        )
        if broken >= 0:
            raise diverged(prepared, t + broken)
        exponent += taken
    return _normalised(V[n:].reshape(n, n).T, exponent)


def _product_on_gpu(model: Model, V: np.ndarray, inputs: np.ndarray, t0: int) -> tuple[np.ndarray, int]:
    """(product, power of two) of the Jacobians on the orbit from the state in V, whose tangents are axes."""
    from ..kernels import gpu_launch as gpu
    from ..kernels.gpu_pack import device_pack
    from ..kernels.gpu_tangent import product_work, scaled_products

    n = model.dim
    pack = device_pack(model.tag, [model.pack])
    work = product_work(pack, n, V.dtype)
    there, scratch = gpu.put(V), gpu.empty(V.size, V.dtype)
    exponent, broken = scaled_products(pack, work, there, scratch, gpu.put(inputs), n, len(inputs))
    if broken >= 0:
        raise diverged(model, t0 + broken)
    return gpu.fetch(there, (n + 1, n))[1:].T, exponent


def _normalised(product: np.ndarray, exponent: int) -> JacobianProduct:
    """The product over its spectral norm."""
    norm = float(np.linalg.norm(product.astype(np.float64), 2))
    if norm == 0.0:
        return JacobianProduct(np.zeros_like(product), -math.inf)
    return JacobianProduct(np.ascontiguousarray(product / norm), exponent * math.log(2.0) + math.log(norm))


def finite_time_exponents(
    model: Any,
    x0: Any = None,
    window: int = 100,
    count: int = 1000,
    *,
    k: int | None = None,
    dt: float | None = None,
    inputs: Any = None,
    transient: int = 1_000,
    tangent_transient: int | str = "auto",
    qr_every: int | str = "auto",
    integrator: Any = None,
    seed: int = 0,
) -> np.ndarray:
    """Finite-time Lyapunov exponents over consecutive windows of an orbit.

    Each is the growth rate, over one window, of the tangents that reorthonormalisation has aligned, so that
    the rows average to the spectrum over the same steps.

    Parameters
    ----------
    model : cell, Stack, System or FitResult
    x0 : array_like, shape (N,), optional
        Initial state. Default: the system's own, the start of a fitted model, or random for a cell.
    window : int
        Steps a window.
    count : int
        Number of windows.
    k, dt, inputs, transient, tangent_transient, qr_every, integrator, seed
        As in `lyapunov_spectrum`, of a run of window * count steps; at most `window` steps lie between two
        orthonormalisations.

    Returns
    -------
    ndarray, shape (count, k)
        In nats per step for cells and maps, per unit time for flows and when dt is given, in the order of
        the tangents, which is that of the spectrum.

    Raises
    ------
    InvalidInputError
        If arguments do not fit together.
    DivergenceError
        If the orbit leaves the finite numbers.

    Examples
    --------
    >>> from chaoskit.systems import Henon
    >>> finite_time_exponents(Henon(), window=50, count=200).shape
    (200, 2)
    """
    window = _check.integer(window, "window", 1)
    count = _check.integer(count, "count", 1)
    transient = _check.integer(transient, "transient")
    steps = window * count
    warm = tangent_steps(tangent_transient, steps)
    prepared = prepare(model, dt=dt, integrator=integrator)
    k = checked_count(k, prepared)
    every = checked_interval(qr_every)
    rng = np.random.default_rng(_check.integer(seed, "seed"))
    start = initial_state(prepared, x0, rng)
    driving = checked_inputs(inputs, prepared, transient + warm + steps, 1)
    run = start_run(prepared, start, driving, transient, k, rng)
    run.align(warm)
    set_interval(run, steps, every)
    return run.accumulate(steps, window, every == 0)[0] / (window * (prepared.dt or 1.0))


def two_orbit_exponent(
    model: Any,
    x0: Any = None,
    steps: int = 20_000,
    *,
    distance: float | None = None,
    every: int = 10,
    dt: float | None = None,
    inputs: Any = None,
    transient: int = 1_000,
    tangent_transient: int | str = "auto",
    integrator: Any = None,
    seed: int = 0,
) -> TwoOrbitExponent:
    """Largest Lyapunov exponent from two neighbouring orbits: a cross-check that needs no Jacobian.

    Parameters
    ----------
    model : cell, Stack, System or FitResult
    x0 : array_like, shape (N,), optional
        Initial state. Default: the system's own, the start of a fitted model, or random for a cell.
    steps : int
        Number of steps the average is taken over.
    distance : float, optional
        Distance of the orbits after each rescaling, in units of the state. Default: sqrt(eps) times the
        size of the state (at least 1), where round-off and curvature cost about the same, 1e-8 in float64.
    every : int
        Steps between two rescalings; the orbits must not come so far apart that they no longer know of each
        other.
    dt, inputs, transient, tangent_transient, integrator, seed
        As in `lyapunov_spectrum`.

    Returns
    -------
    TwoOrbitExponent
        (exponent, stderr), in nats per step for cells and maps, per unit time for flows and when dt is given;
        -inf if the orbits meet.

    Raises
    ------
    InvalidInputError
        If arguments do not fit together, or the orbits are too close to be told apart.
    DivergenceError
        If an orbit leaves the finite numbers.

    Warns
    -----
    ChaoskitWarning
        If the orbits come so far apart that they no longer know of each other.

    References
    ----------
    Benettin, Galgani and Strelcyn 1976, doi:10.1103/PhysRevA.14.2338.

    Examples
    --------
    >>> from chaoskit.systems import Henon
    >>> bool(abs(two_orbit_exponent(Henon()).exponent - 0.419) < 0.02)
    True
    """
    steps = _check.integer(steps, "steps", 1)
    every = _check.integer(every, "every", 1)
    transient = _check.integer(transient, "transient")
    warm = tangent_steps(tangent_transient, steps)
    prepared = prepare(model, dt=dt, rows=2, integrator=integrator)
    rng = np.random.default_rng(_check.integer(seed, "seed"))
    start = initial_state(prepared, x0, rng)
    driving = checked_inputs(inputs, prepared, transient + warm + steps, 2)
    state = start_run(prepared, start, driving[:, :1], transient, 1, rng).state
    pair = _pair(prepared, state, distance, rng)
    _grow(prepared, pair, driving, transient, 1, warm, every)
    length = block_length(steps, every)
    blocks = max(steps // length, 1)
    length = min(length, steps)
    logs = _grow(prepared, pair, driving, transient + warm, blocks, length, every)
    rates = logs / (length * (prepared.dt or 1.0))
    return TwoOrbitExponent(float(rates.mean()), float(mean_errors(rates[:, None]).stderr[0]))


def _pair(model: Model, state: np.ndarray, distance: Any, rng) -> np.ndarray:
    """The state and a neighbour at the given distance, (2, N) flat."""
    eps = float(np.finfo(model.dtype).eps)
    size = _size(state)
    distance = math.sqrt(eps) * size if distance is None else _check.positive(distance, "distance")
    if distance < 100 * eps * size:
        raise InvalidInputError(
            f"distance: expected at least {100 * eps * size:.0e}, which round-off leaves of states of size "
            f"{size:.2g}, got {distance:.0e}"
        )
    direction = rng.standard_normal(model.dim)
    neighbour = state + distance * direction / np.linalg.norm(direction)
    return np.stack([state, neighbour]).astype(model.dtype).ravel()


def _size(state: np.ndarray) -> float:
    """Length of a state, at least 1; infinite where its square is."""
    with np.errstate(over="ignore"):
        return max(float(np.linalg.norm(state)), 1.0)


def _grow(model: Model, pair, driving, t0: int, blocks: int, length: int, every: int) -> np.ndarray:
    """Logarithms of the growth (blocks,); `pair` is left at the end."""
    logs = np.zeros(blocks)
    if length == 0:
        return logs
    part = np.ascontiguousarray(driving[t0 : t0 + blocks * length]).reshape(-1)
    furthest = np.zeros(1)
    bad = two_orbits(
        model.tag, model.pack, model.work(2), pair, pair.copy(), model.dim, part, t0, blocks, length, every,
        logs, furthest,
    )  # fmt: skip
    if bad >= 0:
        raise diverged(model, t0 + bad)
    size = _size(pair[: model.dim])
    if furthest[0] > _TOO_FAR * size:
        warnings.warn(
            f"every={every}: the orbits came {furthest[0]:.1g} apart, too far to know of each other, so the "
            "exponent is too small; rescale more often or take a smaller distance",
            ChaoskitWarning,
            stacklevel=3,
        )
    return logs
