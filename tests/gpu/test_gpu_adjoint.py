"""Backpropagation through time on a GPU against that of the CPU."""

from __future__ import annotations

import numpy as np
import pytest
from gpu_cells import small_cell

from chaoskit.cells import ALL_CELLS, LSTM, PLRNN, DendPLRNN, ShPLRNN, Tanh
from chaoskit.errors import DeviceError, DivergenceError
from chaoskit.forcing import Generalized, Never, Sparse, Truncated, Windowed
from chaoskit.gradients import loss_and_gradient
from chaoskit.gradients.backpropagation import Backpropagation
from chaoskit.gradients.latent import DecoderInversion, ObservedStates
from chaoskit.kernels.packing import sizes_of

T, B, D = 5, 2, 2
cells = pytest.mark.parametrize("cell_class", ALL_CELLS, ids=lambda c: c.__name__)
both = pytest.mark.parametrize("form", ["blocks", "grid"], indirect=True)
types = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])


@pytest.fixture
def form(request, monkeypatch):
    """The form for small networks or that for large ones, with few threads."""
    from chaoskit.kernels import gpu_adjoint, gpu_adjoint_steps, gpu_few_rows, gpu_forward, gpu_launch

    if request.param == "grid":
        monkeypatch.setattr(gpu_forward, "MOST_WEIGHTS", 0)
    for module, name in ((gpu_adjoint, "_LINE"), (gpu_adjoint_steps, "_LINE"), (gpu_launch, "_THREADS")):
        monkeypatch.setattr(module, name, 8)
    monkeypatch.setattr(gpu_adjoint, "_LOSSES", 4)
    monkeypatch.setattr(gpu_adjoint_steps, "_TOGETHER", 3)
    monkeypatch.setattr(gpu_few_rows, "_BLOCKS", 1)  # several groups in a block
    monkeypatch.setattr(gpu_few_rows, "_THREADS", 8)
    products = gpu_adjoint.Products
    monkeypatch.setattr(
        gpu_adjoint,
        "Products",
        lambda dtype, _, **k: products(dtype, "own", threads=2, blocks=2, shortest=4, **k),
    )
    return request.param


def draw(cell_class, observed=False, seed=0, batch=B, dtype=np.float64):
    """A cell with one input, a latent state, and data (T + 1, batch, D) with inputs."""
    rng = np.random.default_rng(seed)
    cell = small_cell(cell_class, n_inputs=1, seed=seed, dtype=dtype)
    sizes = sizes_of(cell)
    if observed:
        latent = ObservedStates(0.3 * rng.standard_normal((sizes.nx - D, D)).astype(dtype))
    else:
        latent = DecoderInversion(
            (np.eye(D, sizes.n) + 0.3 * rng.standard_normal((D, sizes.n))).astype(dtype)
        )
    X, U = rng.standard_normal((T + 1, batch, D)), rng.standard_normal((T, batch, 1))
    return cell, latent, X.astype(dtype), U.astype(dtype)


def engine(drawn, device="cuda", **options):
    cell, latent, X, _ = drawn
    return Backpropagation(cell, latent, len(X) - 1, X.shape[1], device=device, **options)


def call(drawn, forcing):
    cell, latent, X, U = drawn
    return cell, latent, X, forcing.schedule(len(X) - 1), U


def flat(result):
    """Copies of a loss and all gradients."""
    return [np.array(result[0]), *(a.copy() for a in (*result[1], *result[2]))]


def assert_close(found, wanted, tolerance=1e-12):
    size = max(np.abs(a).max(initial=0.0) for a in wanted)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * size)


def assert_same(found, wanted):
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.simulator
@both
@cells
def test_against_the_cpu(cell_class, form):
    """Whole states forced, in pieces side by side; and states that survive, of which some are forced."""
    for forcing, observed in ((Sparse(2), False), (Generalized(0.4), True)):
        drawn = draw(cell_class, observed)
        wanted = flat(engine(drawn, "cpu")(*call(drawn, forcing)))
        assert_close(flat(engine(drawn)(*call(drawn, forcing))), wanted)


@pytest.mark.simulator
@both
@pytest.mark.parametrize("observed", [False, True], ids=["decoder", "observed"])
@pytest.mark.parametrize(
    "forcing",
    [Sparse(3), Generalized(0.3), Windowed(2), Truncated(2), Never()],
    ids=lambda f: type(f).__name__,
)
def test_ways_of_forcing(forcing, observed, form):
    """Through the public function, once with more columns than a group has; features with parameters."""
    cell, latent, X, U = draw(DendPLRNN, observed, batch=5 if isinstance(forcing, Sparse) else B)
    data, inputs = X.transpose(1, 0, 2), U.transpose(1, 0, 2)
    results = [
        loss_and_gradient(cell, latent, data, forcing=forcing, inputs=inputs, device=device)
        for device in ("cpu", "cuda")
    ]
    wanted, found = ([np.array(r[0]), *r[1], *(r[2] if observed else r[2:])] for r in results)
    assert_close(found, wanted)


@pytest.mark.simulator
@both
def test_several_systems(form):
    """Each as if it were alone, to the last bit: other networks, data and strengths of forcing."""
    drawn = [draw(ShPLRNN, True, seed) for seed in range(3)]
    forcings = [Generalized(0.2), Generalized(0.5), Sparse(2)]
    calls = [call(d, f) for d, f in zip(drawn, forcings, strict=True)]
    found = [flat(result) for result in engine(drawn[0]).several(calls)]
    for one, whole in zip(found, calls, strict=True):
        assert_same(one, flat(engine(drawn[0])(*whole)))
        assert_close(one, flat(engine(drawn[0], "cpu")(*whole)))


@pytest.mark.simulator
@both
def test_checkpoints(form):
    """Activations of some steps at a time: the same numbers."""
    for forcing in (Sparse(3), Generalized(0.3)):
        drawn = draw(ShPLRNN, True)
        wanted = flat(engine(drawn, "cpu")(*call(drawn, forcing)))
        assert_close(flat(engine(drawn, checkpoint_every=2)(*call(drawn, forcing))), wanted)


@pytest.mark.simulator
@both
def test_shares_of_a_batch(form, monkeypatch):
    """A batch that does not fit is worked on column by column; one column must fit."""
    from chaoskit.kernels import gpu_adjoint, gpu_launch
    from chaoskit.kernels.gpu_pieces import places_of

    drawn = draw(Tanh, batch=3)
    wanted = flat(engine(drawn, "cpu")(*call(drawn, Sparse(2))))
    run = engine(drawn)
    columns = []
    forward = run.gpu.adjoint._forward
    monkeypatch.setattr(
        run.gpu.adjoint,
        "_forward",
        lambda *args: (columns.append((args[-1], args[-2].columns)), forward(*args)),
    )
    needed = run.gpu.adjoint._needed(1, 1, places_of(run._plan(drawn[1], Sparse(2).schedule(T))))
    monkeypatch.setattr(gpu_launch, "free_bytes", lambda: 1e9)
    monkeypatch.setattr(gpu_adjoint, "_SHARE", 8.5e-9 * sum(needed.values()))
    assert_close(flat(run(*call(drawn, Sparse(2)))), wanted)
    assert columns == [(0, 1), (1, 1), (2, 1)]
    monkeypatch.setattr(gpu_launch, "free_bytes", lambda: 900.0)
    with pytest.raises(DeviceError, match="bytes on the GPU, of which 900 are free"):
        engine(drawn)(*call(drawn, Sparse(2)))


@pytest.mark.simulator
@both
def test_nothing_passes_a_forcing_of_the_whole_state(form):
    """P9: errors after a forcing give what acts before it exactly no gradient."""
    cell, latent, X, U = draw(PLRNN)
    U[:] = 0.0
    U[1] = 1.0  # the input weights see step 1 alone
    schedule = Sparse(3).schedule(T)
    run = engine((cell, latent, X, U))
    C = [run(cell, latent, X, schedule, U)[1].C.copy()]
    for t in (4, 5):  # predicted after the second forcing
        moved = X.copy()
        moved[t] += 100.0
        C.append(run(cell, latent, moved, schedule, U)[1].C.copy())
    assert_same(C[1:], [C[0]] * 2)
    moved = X.copy()
    moved[2] += 100.0
    assert (C[0] != run(cell, latent, moved, schedule, U)[1].C).all()


@pytest.mark.simulator
@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")  # NumPy's, of the simulator
@both
def test_a_state_that_was_lost_does_not_survive_forcing(form):
    """A state that is replaced is not read: of infinity nothing is left. The loss tells of it."""
    cell, latent, X, U = drawn = draw(PLRNN, observed=True)
    cell.A[0], cell.W[:, 0] = 1e200, 0.0
    there, here = engine(drawn), engine(drawn, "cpu")
    schedule = Sparse(2).schedule(T)
    for run in (there, here):
        assert not np.isfinite(run(cell, latent, X, schedule, U)[0])
    wanted = here.work[0].Y.reshape(T, B, 3)
    assert np.isinf(wanted[[1, 3]]).any()
    assert np.isfinite(wanted[[0, 2, 4]]).all()
    found = there.gpu.adjoint.memory.Y.copy_to_host().reshape(T, B, 3)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    data, inputs = X.transpose(1, 0, 2), U.transpose(1, 0, 2)
    with pytest.raises(DivergenceError):
        loss_and_gradient(cell, latent, data, forcing=Sparse(2), inputs=inputs, device="cuda")


@pytest.mark.simulator
@both
def test_schedules_may_change_from_call_to_call(form):
    """Memory grows where it must, and what was there before is not read."""
    drawn = draw(LSTM)
    run = engine(drawn)
    for forcing in (Sparse(2), Generalized(0.5), Windowed(3)):
        again = flat(run(*call(drawn, forcing)))
        assert_same(again, flat(engine(drawn)(*call(drawn, forcing))))


@pytest.mark.simulator
def test_gradients_are_where_the_series_was():
    """As arrays of the GPU, of the same bits."""
    from numba import cuda

    from chaoskit._device import is_device_array

    cell, _, X, _ = draw(Tanh)
    cell, series = cell._replace(U=np.zeros((3, 0))), np.ascontiguousarray(X.transpose(1, 0, 2))
    options = {"forcing": Sparse(2), "device": "cuda"}
    _, there, decoder = loss_and_gradient(cell, np.eye(D, 3), cuda.to_device(series), **options)
    _, here, other = loss_and_gradient(cell, np.eye(D, 3), series, **options)
    assert all(is_device_array(a) for a in (there.W, there.b, decoder))
    assert not is_device_array(there.U)  # it is empty
    for ours, theirs in ((there.W, here.W), (there.b, here.b), (decoder, other)):
        np.testing.assert_array_equal(ours.copy_to_host(), theirs)


@pytest.mark.ptx
@types
@cells
def test_compiles(cell_class, dtype, launches, monkeypatch):
    """Both forms, with checkpoints; float32 networks take no float64 arithmetic."""
    from chaoskit.kernels import gpu_forward

    drawn = draw(cell_class, True, dtype=dtype)
    forms = [{"_forward", "_backward"}, {"_force", "_enter", "_local", "_keep", "_back", "_unforce"}]
    for most, kernels in zip((gpu_forward.MOST_WEIGHTS, 0), forms, strict=True):
        monkeypatch.setattr(gpu_forward, "MOST_WEIGHTS", most)
        engine(drawn, checkpoint_every=2)(*call(drawn, Generalized(0.5)))
        assert kernels <= launches.names()
    if dtype is np.float32:
        assert [line for name in launches.names() for line in launches.float64_instructions(name)] == []


@pytest.mark.gpu
@types
@pytest.mark.parametrize("n", [3, 50, 300])
@pytest.mark.parametrize("cell_class", [Tanh, PLRNN, LSTM, ShPLRNN], ids=lambda c: c.__name__)
def test_real_sizes(cell_class, n, dtype):
    """Both forms, at the sizes for which they are made; bit for bit the same again."""
    rng = np.random.default_rng(0)
    length, batch, D = 61, 37, 3
    group = [cell_class.init(n, 1, rng=seed, dtype=dtype) for seed in range(3)]
    latent = DecoderInversion(rng.standard_normal((D, n)).astype(dtype))
    X = rng.standard_normal((length + 1, batch, D)).astype(dtype)
    U = rng.standard_normal((length, batch, 1)).astype(dtype)
    tolerance = 1e-10 if dtype is np.float64 else 1e-3
    for forcing in (Sparse(10), Generalized(0.3)):
        schedule = forcing.schedule(length)
        run = Backpropagation(group[0], latent, length, batch, device="cuda")
        calls = [(cell, latent, X, schedule, U) for cell in group]
        found = [flat(result) for result in run.several(calls)]
        again = [flat(result) for result in run.several(calls)]
        for one, same, whole in zip(found, again, calls, strict=True):
            assert_same(one, same)
            wanted = flat(Backpropagation(group[0], latent, length, batch)(*whole))
            assert_close(one, wanted, tolerance)


@pytest.mark.gpu
def test_many_small_trainings():
    """A hundred networks of three units at once."""
    rng = np.random.default_rng(0)
    latent = DecoderInversion(np.eye(3))
    X = rng.standard_normal((201, 16, 3))
    schedule = Sparse(20).schedule(200)
    calls = [(PLRNN.init(3, rng=seed), latent, X, schedule) for seed in range(100)]
    found = [flat(r) for r in Backpropagation(calls[0][0], latent, 200, 16, device="cuda").several(calls)]
    run = Backpropagation(calls[0][0], latent, 200, 16)
    for one, whole in zip(found, calls, strict=True):
        assert_close(one, flat(run(*whole)), 1e-10)
