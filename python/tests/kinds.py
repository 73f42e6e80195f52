"""Arrays of other packages, and what only looks like one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cases
import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import torch


class Described:
    """An array that speaks ``__array_interface__`` alone."""

    def __init__(self, numbers: cases.Array) -> None:
        self.numbers = numbers

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return self.numbers.__array_interface__


class Exported:
    """An array of a package that has no ``from_dlpack``."""

    def __init__(self, numbers: cases.Array) -> None:
        self.numbers = numbers

    def __dlpack__(self, **options: Any) -> Any:
        return self.numbers.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.numbers.__dlpack_device__()


class OnAnotherDevice:
    """What an array on the second GPU says of itself."""

    def __dlpack__(self, **options: Any) -> Any:
        raise AssertionError("its memory must not be asked for")

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, 1


def torch_tensor(numbers: cases.Array) -> torch.Tensor:
    if numbers.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(numbers.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(numbers)


def jax_array(numbers: cases.Array) -> jax.Array:
    """In the host's memory, also where there is a GPU."""
    array: jax.Array = jax.device_put(numbers, jax.devices("cpu")[0])
    return array


# How to make each kind, and the type of the gradient that comes back.
KINDS: dict[str, tuple[Callable[[cases.Array], Any], type]] = {
    "torch": (torch_tensor, torch.Tensor),
    "torch, transposed": (lambda a: torch_tensor(np.asfortranarray(a).T.copy()).T, torch.Tensor),
    "torch, columns": (lambda a: torch_tensor(np.hstack([a, a]))[:, : a.shape[1]], torch.Tensor),
    "jax": (jax_array, jnp.ndarray),
    "memoryview": (lambda a: a.data, np.ndarray),
    "array interface": (Described, np.ndarray),
    "DLPack alone": (Exported, np.ndarray),
}
# NumPy's own buffers and descriptions cannot say bfloat16, and JAX has float64 only where it is asked to.
IMPOSSIBLE = {
    ("memoryview", "bfloat16"),
    ("array interface", "bfloat16"),
    ("DLPack alone", "bfloat16"),
    ("jax", "float64"),
}


def possible(dtype: str) -> list[str]:
    """The kinds that have numbers of a type."""
    return [kind for kind in KINDS if (kind, dtype) not in IMPOSSIBLE]


def numbers_of(gradient: Any) -> cases.Array:
    """A gradient of any kind for NumPy to look at."""
    if isinstance(gradient, torch.Tensor) and gradient.dtype == torch.bfloat16:
        return gradient.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return np.asarray(gradient)
