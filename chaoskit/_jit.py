"""Everything that touches Numba's options: kernels, inner loops, verbs and the cache stamp.

Compiled code lives in four places only: this file, ``cells/``, ``systems/`` and ``kernels/``.
Their sources are the stamp of every cache entry, so an edit to any of them recompiles; Numba
itself would look at the file of the entry point alone and run stale machine code. Kernels for
GPUs (``kernels/gpu_*.py``) are compiled anew in each process and leave the stamp alone.
"""

from __future__ import annotations

import hashlib
import inspect
import re
import sys
import types as python_types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numba.extending
import numpy as np
from numba import types
from numba.core.errors import NumbaError

from .errors import InvalidInputError

# Numba's annotations know neither target="generic" nor what an intrinsic looks like from inside.
njit: Any = numba.njit
overload: Any = numba.extending.overload
intrinsic: Any = numba.extending.intrinsic

# error_model="numpy" lets LLVM vectorise divisions. Never fastmath=True: NaN and infinity must
# survive, because divergence is a result here.
FLAGS: dict[str, Any] = {"error_model": "numpy", "fastmath": {"contract"}}
SUMS: dict[str, Any] = {"error_model": "numpy", "fastmath": {"contract", "reassoc", "nsz"}}
INLINE: dict[str, Any] = {"forceinline": True, **FLAGS}
# The states of maps and flows: the compiler makes several copies of a loop and would fuse products and sums
# in one but not in another, and two runs along the same chaotic orbit would part.
EXACT: dict[str, Any] = {"error_model": "numpy", "fastmath": False}  # unset, it would be inherited
EXACT_INLINE: dict[str, Any] = {"forceinline": True, **EXACT}


def _digest_of_compiled_sources() -> str:
    root = Path(__file__).parent
    files = [Path(__file__)]
    for folder in ("cells", "systems", "kernels"):
        files += sorted(f for f in (root / folder).glob("*.py") if not f.name.startswith("gpu_"))
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


SOURCE_DIGEST = _digest_of_compiled_sources()


# Run once before the first model kernel is compiled or loaded: what must be linkable by then, and is
# too slow for import time (the BLAS pointers live in scipy.linalg).
BEFORE_FIRST_KERNEL: list[Callable[[], None]] = []


def _compile(fn: Callable, stamp: str, cache: bool = True) -> Any:
    dispatcher: Any = njit(cache=cache, nogil=True, **FLAGS)(fn)
    if cache:
        dispatcher._cache._cache_file._source_stamp = stamp
    return dispatcher


def kernel(fn: Callable) -> Any:
    """Compile an entry point called from Python; it is cached on disk and releases the GIL."""
    return _compile(fn, SOURCE_DIGEST)


class ModelKernel:
    """An entry point whose first argument is a model: one dispatcher and one cache index a model class.

    One index a class keeps the classes of other people out of it (a pickled reference to a module
    that is not there would fail to load), and lets the stamp hold the source of the class as well.
    """

    def __init__(self, fn: Callable):
        self.py_func = fn
        self.__doc__, self.__name__ = fn.__doc__, fn.__name__
        self.dispatchers: dict[type, Any] = {}

    def __call__(self, model, *args):
        dispatcher = self.dispatchers.get(type(model))
        if dispatcher is None:
            dispatcher = self.dispatchers[type(model)] = self._specialise(type(model))
        try:
            return dispatcher(model, *args)
        except NumbaError as error:  # the rules of a cell or the functions of a system, never the caller
            raise InvalidInputError(
                f"{type(model).__name__.partition('_')[0]}: expected functions of arithmetic, loops, math "
                f"and NumPy scalars, but they cannot be compiled: {_reason(error)}"
            ) from error

    def _specialise(self, cls: type):
        while BEFORE_FIRST_KERNEL:
            BEFORE_FIRST_KERNEL.pop()()
        fn = self.py_func
        twin = python_types.FunctionType(fn.__code__, fn.__globals__, fn.__name__, fn.__defaults__)
        twin.__module__ = fn.__module__
        where = hashlib.sha256(f"{cls.__module__}.{cls.__qualname__}".encode()).hexdigest()[:12]
        twin.__qualname__ = f"{fn.__qualname__}-{cls.__name__}-{where}"
        return _compile(twin, SOURCE_DIGEST + class_digest(cls), cache=importable(cls))


def _reason(error: Exception) -> str:
    """What is wrong, without the pages around it: the innermost complaint, which comes first or last."""
    lines = [line.strip(" ->*") for line in re.sub(r"\x1b\[[0-9;]*m", "", str(error)).splitlines()]
    wanted = r"\W*(Untyped global|Unknown attribute|Use of unsupported|Cannot|Invalid use|NameError)"
    telling = [line for line in lines if re.match(wanted, line)]
    missing = [line for line in lines if line.startswith("No implementation of function")]
    return (telling[:1] + missing[-1:] + lines[:1])[0][:200]


def model_kernel(fn: Callable) -> ModelKernel:
    """Compile an entry point once for each class of its first argument (see `ModelKernel`)."""
    return ModelKernel(fn)


def importable(cls: type) -> bool:
    """True if another process finds the same class under its name (not so for ``__main__``)."""
    module = sys.modules.get(cls.__module__)
    return cls.__module__ != "__main__" and getattr(module, cls.__qualname__, None) is cls


def class_digest(cls: type) -> str:
    """Stamp of a model class from outside the package: the bytes of its file and of its methods."""
    declared = getattr(cls, "source_digest", None)
    if isinstance(declared, str):
        return declared
    if cls.__module__.startswith("chaoskit."):
        return ""
    digest = hashlib.sha256()
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    if file and Path(file).is_file():
        digest.update(Path(file).read_bytes())
    for name, value in sorted(vars(cls).items()):
        fn = inspect.unwrap(value) if callable(value) else value
        if isinstance(fn, python_types.FunctionType):
            digest.update(name.encode() + function_bytes(fn))
    return digest.hexdigest()


def function_bytes(fn: python_types.FunctionType, seen: frozenset = frozenset()) -> bytes:
    """What a function compiles to: its code, defaults, and the plain values it takes from outside."""
    code = fn.__code__
    names = _all_names(code)
    outside = {n: fn.__globals__[n] for n in names if n in fn.__globals__}
    outside |= dict(zip(code.co_freevars, (c.cell_contents for c in fn.__closure__ or ()), strict=True))
    for module in [v for v in outside.values() if isinstance(v, python_types.ModuleType)]:
        outside |= {f"{module.__name__}.{n}": vars(module)[n] for n in names if n in vars(module)}
    parts = [*_code_text(code), repr(fn.__defaults__), repr(fn.__kwdefaults__)]
    for name, value in sorted(outside.items()):
        inner = getattr(value, "py_func", value)
        if isinstance(inner, python_types.FunctionType):
            if name.startswith("numpy.") or inner is fn or inner in seen:
                continue
            parts.append(name + function_bytes(inner, seen | {fn}).hex())
        elif isinstance(value, (np.ndarray, np.generic)):
            parts.append(f"{name} {value.dtype} {value.shape} {value.tobytes().hex()}")
        elif not callable(value) and not isinstance(value, python_types.ModuleType):
            parts.append(f"{name} {value!r}")
    return "\n".join(parts).encode()


def _all_names(code: python_types.CodeType) -> tuple[str, ...]:
    """Names that the code and the functions inside it look up."""
    inside = [_all_names(c) for c in code.co_consts if inspect.iscode(c)]
    return tuple(dict.fromkeys(sum(inside, code.co_names)))


def _code_text(code: python_types.CodeType) -> list[str]:
    """Bytecode counts names and constants by their place, so the places' contents belong to it."""
    plain = [c for c in code.co_consts if not inspect.iscode(c)]
    text = [code.co_code.hex(), repr(code.co_names), repr(plain)]
    for c in code.co_consts:
        text += _code_text(c) if inspect.iscode(c) else []
    return text


def inner(fn: Callable) -> Any:
    """A loop called by kernels only: no wrapper, no cache of its own."""
    return njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **FLAGS)(fn)


def inlined(fn: Callable) -> Any:
    """An inner loop that becomes part of its caller, so that trip counts known there are constants in it."""
    return njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **INLINE)(fn)


def exact(fn: Callable) -> Any:
    """As `inner`, but every operation rounds for itself, in whatever copy of the code (see `EXACT`)."""
    return njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **EXACT)(fn)


def exact_inlined(fn: Callable) -> Any:
    """As `inlined`, but every operation rounds for itself."""
    return njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **EXACT_INLINE)(fn)


def inner_sums(fn: Callable) -> Any:
    """An inner loop whose sums may be reordered, so that they vectorise."""
    return njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **SUMS)(fn)


# On a GPU fastmath would turn tanh into an approximation of 11 bits.
ON_GPU: dict[str, Any] = {"forceinline": True, "fastmath": False}


def gpu_kernel(fn: Callable) -> Any:
    """Compile a kernel for a GPU, at its first launch in a process."""
    from numba import cuda

    return cuda.jit(fn)


def gpu_kernel_within(registers: int) -> Callable[[Callable], Any]:
    """As `gpu_kernel`, with at most so many registers a thread: more threads share a processor."""
    from numba import config, cuda

    simulated = bool(getattr(config, "ENABLE_CUDASIM", 0))  # which knows no registers
    return cuda.jit if simulated else cuda.jit(max_registers=registers)


def gpu_function(fn: Callable) -> Any:
    """A function called by GPU kernels only."""
    from numba import cuda

    return cuda.jit(fn, device=True)


def _without_counts(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """The value with all arrays in it, and in tuples in it, robbed of what is counted."""
    if isinstance(kind, types.Array):
        copy = context.make_array(kind)(context, builder, value)
        copy.meminfo = copy.meminfo.type(None)
        copy.parent = copy.parent.type(None)
        return copy._getvalue()
    if isinstance(kind, types.BaseTuple):
        for i, part in enumerate(kind.types):  # type: ignore[attr-defined]
            item = _without_counts(context, builder, part, builder.extract_value(value, i))
            value = builder.insert_value(value, item, i)
    return value


@intrinsic
def _unowned(typingctx, value):
    def codegen(context, builder, signature, args):
        return _without_counts(context, builder, signature.args[0], args[0])

    return value(value), codegen


def unowned(value):
    """The same array, or tuple of arrays, without reference counts; whoever owns it must outlive its use.

    Numba counts every array that is taken out of a tuple in and out, atomically: with the ten arrays of a
    step that is 0.3 us, more than the arithmetic of a small system.
    """
    return value


@overload(unowned, jit_options=INLINE)
def _unowned_overload(value):
    return lambda value: _unowned(value)


def _same_signature(fn: Callable, body: str, scope: dict[str, Any]) -> Callable:
    """A function ``make(args)`` with the argument names of `fn`: Numba matches overloads by name."""
    args = ", ".join(inspect.signature(fn).parameters)
    exec(f"def make({args}):\n    return {body.format(args=args, first=args.split(',')[0])}\n", scope)
    return scope["make"]


def verb(spec: Callable) -> Callable:
    """Turn a signature into a generic function that the class of the first argument implements.

    In Python it calls ``type(model).name(...)``; for the compiler, on any target, an overload
    resolves the same method. The body of `spec` is the default.
    """
    name = spec.__name__
    scope = {"spec": spec, "name": name}
    fn = _same_signature(spec, "getattr(type({first}), name, spec)({args})", scope)
    resolve = _same_signature(
        spec, "getattr(getattr({first}, 'instance_class', None), name, spec)", dict(scope)
    )
    fn.__name__, fn.__qualname__, fn.__doc__, fn.__module__ = name, name, spec.__doc__, spec.__module__
    overload(fn, target="generic", strict=False, jit_options=INLINE)(resolve)
    return fn


def helper(fn: Callable) -> Callable:
    """A plain scalar function that verbs may call on every target; always inlined."""
    overload(fn, target="generic", jit_options=INLINE)(_same_signature(fn, "fn", {"fn": fn}))
    return fn
