"""The contract: names, signatures, imports, examples in docstrings, house rules that a machine can hold."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import chaoskit

ROOT = Path(chaoskit.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))

SIGNATURES = {
    "simulate": "model, x0, steps, *, dt=None, inputs=None, transient=0",
    "jacobian": "model, x, u=None",
    "lyapunov_spectrum": "model, x0=None, steps, *, k=None, dt=None, inputs=None, transient, "
    "tangent_transient='auto', qr_every='auto', seed=0, progress=False",
    "jacobian_product": "model, x0=None, steps, *, dt=None, inputs=None, transient=0",
    "finite_time_exponents": "model, x0=None, window, count, *, k=None, dt=None, inputs=None, transient",
    "two_orbit_exponent": "model, x0=None, steps, *, distance=None, every, dt=None, inputs=None, transient",
    "covariant_vectors": "model, x0=None, steps, *, k=None, dt=None, inputs=None, transient",
    "fixed_points": "model, *, starts=None, inputs=None",
    "cycles": "model, period, *, starts=None, inputs=None",
    "slow_points": "model, *, starts=None, inputs=None",
    "estimate_lyapunov": "series, dt=None",
    "recommend": "series, dt=None",
    "fit": "series, *, cell='shplrnn', n_states=None, cell_options, forcing='auto', sequence_length='auto'",
    "load": "path",
    "evaluate": "reconstruction, series",
    "classify_orbit": "model, x0=None, *, steps, transient, max_period, max_steps=None, inputs=None, k=None",
    "attractors": "model, starts=200, *, steps, transient, max_period, inputs=None, k=None, dt=None",
    "bifurcation_scan": "model_family, parameter, values, *, x0=None, follow=True, observe=0",
    "sweep": "grid, *, fixed=None, work, out, executor=None, processes=None, retry_failed=False",
    "sweeps.train_and_judge": "series, test=None, *, true_exponents=None",
    "compare": "true, generated, *, dt, n_bins",
    "training.split_in_time": "series, *, test_share, gap",
    "training.loss_and_gradient": "cell, decoder, series, *, forcing, inputs=None",
    "systems.Map": "step, jacobian=None, *, dim, parameters=()",
    "systems.Flow": "rhs, jacobian=None, *, dim, parameters=(), default_dt=None",
    "forcing.Sparse": "tau",
    "forcing.Never": "",
    "training.FitResult.generate": "self, steps",
    "training.FitResult.forecast": "self, context, steps",
    "training.FitResult.predict": "self, contexts, steps, *, inputs=None",
    "training.FitResult.forecast_ensemble": "self, context, steps, *, members=100, perturbation=0.01, seed=0",
    "training.FitResult.save": "self, path",
    "cells.Tanh": "W, U, b",
    "cells.ReLU": "W, U, b",
    "cells.PLRNN": "A, W, C, h",
    "cells.ShPLRNN": "A, W1, W2, h1, h2, C",
    "cells.LSTM": "W, U, b",
    "cells.Stack": "layers, *, readout=None",
    "cells.Tanh.init": "n, n_inputs=0, *, rng=None, dtype",
    "cells.ReLU.init": "n, n_inputs=0, *, rng=None, dtype",
    "cells.PLRNN.init": "n, n_inputs=0, *, rng=None, dtype",
    "cells.ShPLRNN.init": "n, n_inputs=0, *, n_hidden=50, rng=None, dtype",
    "cells.LSTM.init": "n, n_inputs=0, *, rng=None, dtype",
    "interop.from_torch": "source, *, prefix=None, nonlinearity='tanh', readout=None",
    "interop.from_keras": "source, *, prefix=None, activation='tanh', readout=None",
    "interop.from_flax": "source, *, prefix=None, activation='tanh', readout=None",
    "interop.from_safetensors": "path, *, prefix=None, activation='tanh', readout=None",
    "interop.to_torch_state_dict": "model, *, prefix='', readout='readout'",
    "testing.check_cell": "cell_class, *, n=5, n_inputs=2, rng=0",
}

FIELDS = {
    "LyapunovResult": "exponents stderr history times kaplan_yorke kaplan_yorke_stderr entropy "
    "entropy_stderr n_effective qr_every jacobian units checks",
    "CovariantResult": "states vectors gram_schmidt adjoint local_exponents exponents units",
    "OrbitClass": "kind reason period exponents stderr units points multipliers stable diverged_at state",
    "BifurcationScan": "parameter values orbits samples exponents stderr units bifurcations",
    "CycleSet": "points residuals eigenvalues stable unstable_dimension completeness",
    "DataLyapunov": "exponent interval curve fit_range quality predictability_time recommended_tau",
    "SweepResult": "rows names computed out",
    "SeriesComparison": "verdict state_space_divergence spectral_distance outside exponent other_exponent",
    "Evaluation": "state_space_divergence state_space_floor outside spectral_distance spectral_floor "
    "prediction_error prediction_floor exponents exponents_stderr",
}


def find(path: str):
    importlib.import_module("chaoskit.testing")
    value = chaoskit
    for name in path.split("."):
        value = getattr(value, name)
    return value


@pytest.mark.parametrize("path", SIGNATURES)
def test_signature(path):
    """Names, order, and defaults where the contract names them; further keywords may follow."""
    got = list(inspect.signature(find(path)).parameters.values())
    wanted, kind = [], inspect.Parameter.POSITIONAL_OR_KEYWORD
    for part in filter(None, SIGNATURES[path].split(", ")):
        if part == "*":
            kind = inspect.Parameter.KEYWORD_ONLY
        else:
            name, _, default = part.partition("=")
            wanted.append((name, kind, default))
    for parameter, (name, kind, default) in zip(got, wanted, strict=False):
        assert (parameter.name, parameter.kind) == (name, kind)
        if default:
            assert repr(parameter.default) == default
    assert len(got) >= len(wanted)
    assert all(p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD) for p in got[len(wanted) :])


@pytest.mark.parametrize("name", FIELDS)
def test_fields_of_results(name):
    cls = getattr(chaoskit, name)
    fields = list(cls.__dataclass_fields__)
    wanted = FIELDS[name].split()
    assert [f for f in fields if f in wanted] == wanted
    assert cls.__dataclass_params__.frozen


def test_public_names_exist_and_are_documented():
    for module in (
        chaoskit, chaoskit.cells, chaoskit.systems, chaoskit.training, chaoskit.measures, chaoskit.timeseries,
        chaoskit.sweeps, chaoskit.interop,
    ):  # fmt: skip
        for name in module.__all__:
            value = getattr(module, name)
            assert name.startswith("__") or inspect.getdoc(value), (
                f"{module.__name__}.{name} has no docstring"
            )
    assert {"Lorenz63", "Lorenz96", "Roessler", "Henon", "Logistic", "Map", "Flow"} <= set(
        chaoskit.systems.__all__
    )
    assert len(chaoskit.cells.ALL_CELLS) == 12
    assert (ROOT / "py.typed").is_file()


def test_errors_have_one_base():
    errors = [v for v in vars(chaoskit.errors).values() if isinstance(v, type) and issubclass(v, Exception)]
    for error in errors:
        assert issubclass(error, (chaoskit.ChaoskitError, chaoskit.ChaoskitWarning))


def test_import_is_lean():
    """Heavy or optional packages are loaded where they are used, not on import."""
    heavy = ["scipy.linalg", "scipy.signal", "scipy.spatial", "matplotlib", "tqdm", "pandas", "jax", "torch"]
    heavy += ["joblib", "distributed", "h5py", "keras", "flax", "safetensors"]
    program = f"import sys, chaoskit; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "[]"


def test_no_submodule_stands_in_for_a_function():
    """Importing `package.name` sets an attribute of the package: a function of that name would be gone."""
    wanted = {"cells", "errors", "forcing", "interop", "measures", "sweeps", "systems", "training"}
    wanted |= {"protocol", "published_2021"}
    for package in sorted(source.parent for source in SOURCES if source.name == "__init__.py"):
        module = importlib.import_module(".".join(("chaoskit", *package.relative_to(ROOT).parts)))
        if not hasattr(module, "__all__"):
            continue
        found = {name for name in module.__all__ if inspect.ismodule(getattr(module, name))}
        assert found <= wanted, f"{module.__name__}: {found - wanted}"


MODULES = [
    "cells", "cells.tanh_network", "cells.relu_network", "cells.plrnn", "cells.shplrnn", "cells.lstm",
    "cells.constructed",
    "cells.stack", "systems.base", "systems.flows", "systems.maps", "forcing", "dynamics.orbits",
    "dynamics.lyapunov", "gradients.backpropagation", "gradients.bound", "gradients.decomposition",
    "gradients.implicit",
    "gradients.growth", "plot.growth", "training.fit", "training.forecasting", "training.baselines",
    "training.reservoirs", "training.result", "training.evaluate", "training.fit_baselines",
    "training.comparison", "testing", "invariant_sets.search", "invariant_sets.slow", "plot.invariant",
    "invariant_sets.attractors", "invariant_sets.classify", "invariant_sets.scan",
    "training.bifurcation_watch", "plot.bifurcations", "timeseries.correlation", "timeseries.embedding",
    "timeseries.exponent", "timeseries.recommendation", "timeseries.result", "timeseries.surrogates",
    "timeseries.zero_one", "training.split", "measures.bootstrap", "measures.prediction",
    "measures.published_2021", "measures.series_comparison", "measures.spectral", "measures.state_space",
    "measures.floors", "measures.retraced", "report.series_files",
    "report.page", "report.page.html", "sweeps.grid", "sweeps.judging", "sweeps.sweeping",
    "interop.torch_layout", "interop.keras_layout", "interop.flax_layout",
]  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    module = importlib.import_module("chaoskit." + name)
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


# ---- house rules
def _names(tree: ast.AST) -> set[str]:
    attributes = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    return attributes | {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}


def test_compile_options_live_in_one_file():
    forbidden = {"njit", "jit", "vectorize", "guvectorize", "jitclass", "fastmath", "cfunc"}
    for file in SOURCES:
        if file.name != "_jit.py":
            tree = ast.parse(file.read_text())
            keywords = {k.arg for n in ast.walk(tree) if isinstance(n, ast.Call) for k in n.keywords}
            found = forbidden & (_names(tree) | keywords | {"cache", "nogil"} & keywords)
            assert not found, f"{file}: {found} belong in _jit.py"


def test_compiled_code_lives_where_the_stamp_sees_it():
    """Only the folders whose bytes are the stamp of the cache may hold compiled code."""
    for file in SOURCES:
        part = file.relative_to(ROOT).parts[0]
        if part not in ("cells", "systems", "kernels", "_jit.py"):
            tree = ast.parse(file.read_text())
            imported = {
                a.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom | ast.Import) for a in n.names
            }
            found = {
                "kernel",
                "model_kernel",
                "inner",
                "inner_sums",
                "verb",
                "helper",
                "overload",
                "intrinsic",
            } & imported
            assert not found, f"{file} compiles code: {found}"


def test_kernels_do_not_ask_which_cell_they_have():
    for file in (ROOT / "kernels").glob("*.py"):
        names = _names(ast.parse(file.read_text()))
        assert not {c.__name__ for c in chaoskit.cells.ALL_CELLS} & names, file


@pytest.mark.parametrize("file", SOURCES, ids=lambda f: str(f.relative_to(ROOT)))
def test_size_and_opening_line(file):
    text = file.read_text()
    assert len(text.splitlines()) <= 400
    assert ast.get_docstring(ast.parse(text)), "no docstring"
    if file.relative_to(ROOT).parts[0] not in ("cli", "report"):
        assert "print" not in _names(ast.parse(text)), "only the command line prints"
