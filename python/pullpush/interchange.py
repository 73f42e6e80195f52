"""Arrays of other packages: read in place by the protocols they speak, and handed back as their own kind.

No package is imported for this. An array that speaks DLPack is asked for its memory, and the package it came from,
being loaded already, makes the gradient into one of its arrays. What speaks ``__array_interface__`` or the buffer
protocol (memoryview, array.array) is read as well, and gets a NumPy array back.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .errors import InvalidArgument

if TYPE_CHECKING:
    from typing_extensions import Buffer


class SupportsDLPack(Protocol):
    """An array with DLPack's two methods: a torch.Tensor, a jax.Array."""

    def __dlpack__(self) -> Any:
        """A capsule of the array's memory."""

    def __dlpack_device__(self) -> Any:
        """Where that memory is."""


class SupportsArrayInterface(Protocol):
    """An object that describes its memory to NumPy."""

    @property
    def __array_interface__(self) -> dict[str, Any]:
        """Address, shape and type."""


AnyArray: TypeAlias = "NDArray[Any] | SupportsDLPack | SupportsArrayInterface | Buffer"

# DLPack's numbers of devices: memory of the host, and what else an error message can name.
_HOST = {1: "CPU", 3: "CUDA pinned", 11: "ROCm pinned"}
_DEVICES = {2: "CUDA", 4: "OpenCL", 7: "Vulkan", 8: "Metal", 10: "ROCm", 13: "CUDA managed", 14: "oneAPI", 15: "WebGPU"}


def to_numpy(name: str, value: Any) -> tuple[Any, str | None]:
    """The NumPy view of an array, and the name of the module that makes arrays of the caller's kind.

    What speaks none of the protocols comes back as it is, for the caller to refuse or convert.
    """
    if isinstance(value, np.ndarray):
        return value, None
    if hasattr(type(value), "__dlpack__"):
        return _from_dlpack(name, value), _module_of(value)
    if hasattr(type(value), "__array_interface__") or _is_buffer(value):
        return np.asarray(value), None
    return value, None


def from_numpy(array: NDArray[Any], kind: str | None) -> Any:
    """A NumPy array as the caller's kind, sharing its memory where that package can."""
    if kind is None:
        return array
    module: Any = sys.modules[kind]
    if array.dtype.name == "bfloat16":
        return module.from_dlpack(array.view(np.int16)).view(module.bfloat16)
    return module.from_dlpack(array)


def _from_dlpack(name: str, value: Any) -> NDArray[Any]:
    if getattr(value, "requires_grad", False):
        raise InvalidArgument(
            f"{name} must not require a gradient, which is not recorded here, got {_kind(value)} with "
            f"requires_grad=True; give {name}.detach(), or use pullpush.torch.PullPushLoss"
        )
    try:
        device, number = (int(part) for part in value.__dlpack_device__())
        if device in _HOST:
            if str(getattr(value, "dtype", "")).rpartition(".")[2] != "bfloat16":
                return np.from_dlpack(value)
            return _bfloat16(name, value)
    except InvalidArgument:
        raise
    except Exception as error:
        raise InvalidArgument(f"{name} could not be read through DLPack from {_kind(value)}: {error}") from error
    raise InvalidArgument(
        f"{name} must be in memory that the processor can read, got {_kind(value)} on DLPack device {device} "
        f"({_DEVICES.get(device, 'unknown')}), number {number}; copy it to the CPU first, or use pullpush.torch or "
        "pullpush.jax, which take arrays on any device"
    )


def _bfloat16(name: str, value: Any) -> NDArray[Any]:
    """NumPy has no bfloat16 and takes no such capsule: its bits travel as integers."""
    try:
        import ml_dtypes
    except ImportError:
        raise InvalidArgument(f"{name} in bfloat16 needs the package ml_dtypes, which is not installed") from None
    bits = value.view(sys.modules[_module_of(value) or "numpy"].int16)
    return np.from_dlpack(bits).view(ml_dtypes.bfloat16)


def _module_of(value: Any) -> str | None:
    """The module whose ``from_dlpack`` makes arrays like this one: what the array says, or its class's package."""
    if hasattr(type(value), "__array_namespace__"):
        name: str = value.__array_namespace__().__name__
        return name
    for kind in type(value).__mro__:
        package = kind.__module__.partition(".")[0]
        if hasattr(sys.modules.get(package), "from_dlpack"):
            return package
    return None


def _is_buffer(value: object) -> bool:
    try:
        memoryview(value).release()  # type: ignore[arg-type]
    except (TypeError, BufferError):
        return False
    return True


def _kind(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
