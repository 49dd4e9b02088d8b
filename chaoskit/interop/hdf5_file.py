"""Weights that Keras 3 has written (.weights.h5, .keras); h5py is needed for these files alone."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import MissingDependencyError, ModelFileError
from .reading import check_unpacked, member, reading
from .tensors import Tensors

_EXPECTED = "weights saved by Keras 3 (.weights.h5 or .keras)"
_WEIGHTS, _CONFIG = "model.weights.h5", "config.json"
_MOST_NODES = 10_000
_LONGEST_PATH, _DEEPEST = 1000, 32  # characters and groups: a group may hold itself


@dataclass(frozen=True)
class KerasFile:
    """Weights by path ("layers/lstm/cell/vars/0"), names of layers by path, class and settings by name."""

    tensors: Tensors
    layer_names: dict[str, str]
    settings: dict[str, tuple[str, dict[str, Any]]]


def is_keras_archive(path: Path) -> bool:
    """Whether a zip archive is a model saved by Keras 3."""
    with reading(path, _EXPECTED), zipfile.ZipFile(path) as archive:
        return {_WEIGHTS, _CONFIG} <= set(archive.namelist())


def read_keras(path: Path) -> KerasFile:
    """Weights, names and, of a whole model, settings of its layers; classes are not made from them."""
    settings: dict[str, tuple[str, dict[str, Any]]] = {}
    with reading(path, _EXPECTED):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                config = json.loads(member(archive, _CONFIG, path.stat().st_size, 1 << 24))
            settings = {
                name: (str(node["class_name"]), node["config"])
                for node in _nodes(config)
                if isinstance(name := node["config"].get("name"), str)
            }
    with _opened(path) as file:
        found, names = _walk(_h5py(path), file)
    twice = {name for name, count in Counter(names.values()).items() if count > 1}
    names = {layer: name for layer, name in names.items() if name not in twice}
    tensors = Tensors(str(path), {name: partial(_array, path, name) for name in found})
    return KerasFile(tensors, names, settings)


def _nodes(config: Any) -> Iterator[dict[str, Any]]:
    """All descriptions of objects in the settings of a model."""
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if "class_name" in value and isinstance(value.get("config"), dict):
                yield value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _h5py(path: Path) -> Any:
    try:
        return import_module("h5py")
    except ImportError:
        raise MissingDependencyError(
            f"{path}: files of Keras are read by h5py, which is not installed; `pip install h5py`, or save "
            "with numpy.savez(path, *layer.get_weights())"
        ) from None


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    h5py = _h5py(path)
    with reading(path, _EXPECTED):
        source: Any = path
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                source = io.BytesIO(member(archive, _WEIGHTS, path.stat().st_size))
        with h5py.File(source, "r") as file:
            yield file


def _walk(h5py: Any, file: Any) -> tuple[list[str], dict[str, str]]:
    """Paths of all arrays, and how layers call themselves; links, which may lead elsewhere, are refused."""
    found: list[str] = []
    names: dict[str, str] = {}
    waiting: list[tuple[str, Any]] = [("", file)]
    groups = 0
    while waiting:
        path, group = waiting.pop()
        groups += 1
        for key in group:
            if groups + len(found) + len(waiting) > _MOST_NODES:
                raise ValueError(f"more than {_MOST_NODES} groups and arrays")
            if len(path) + len(key) > _LONGEST_PATH or path.count("/") > _DEEPEST:
                raise ValueError(f"a path of more than {_LONGEST_PATH} characters or {_DEEPEST} groups")
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise ValueError(f"{path}{key} is a link")
            item = group[key]
            if isinstance(item, h5py.Dataset):
                found.append(path + key)
            elif isinstance(item, h5py.Group):
                if key == "vars" and isinstance(item.attrs.get("name"), str):
                    names[path.rstrip("/")] = item.attrs["name"]
                waiting.append((f"{path}{key}/", item))
    return found, names


def _array(path: Path, name: str) -> np.ndarray:
    with _opened(path) as file:
        item = file[name]
        if item.is_virtual or item.external:
            raise ModelFileError(f"{path}: expected weights in the file itself, got {name} elsewhere")
        if item.dtype.hasobject:  # texts, of which many may be one and the same in the file
            raise ValueError(f"{name} holds {item.dtype}, no numbers")
        check_unpacked(item.nbytes, path.stat().st_size, name)
        return item[()]
