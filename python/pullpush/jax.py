"""The loss as a JAX function: ``jax.grad``, ``jit`` and ``vmap`` go through it.

>>> loss_fn = pullpush.jax.PullPushLoss.preset("orthogonal")
>>> loss, gradient = jax.value_and_grad(loss_fn)(features, samples_per_id=4)

The shared library is called back from the compiled program, on the host: once for the loss and its gradient, which
``custom_vjp`` keeps for the backward pass. Arrays on another device are carried to the host and back by JAX.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from . import loss as numpy_loss
from .arrays import check_identities
from .checks import INT64_MAX, integer
from .errors import InvalidArgument
from .options import Options, OptionValues, Preset, options_from, preset

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

_DTYPES = ("float32", "float64", "float16", "bfloat16")


class PullPushLoss:
    """The loss with its options fixed: a pure function of a batch, which JAX may transform.

    The options are those of :class:`pullpush.options.Options`. Two losses with the same options are equal, so one may
    be a static argument. A second derivative is refused by JAX: the library is a callback that it cannot look into.
    """

    __slots__ = ("options",)

    def __init__(self, **options: Unpack[OptionValues]) -> None:
        """Check and fix the options; :class:`pullpush.options.Options` explains them and their defaults."""
        self.options = options_from(options)

    @classmethod
    def preset(cls, name: Preset, **overrides: Unpack[OptionValues]) -> Self:
        """The options of a named set, some replaced: ``"original"`` or ``"orthogonal"``."""
        return cls(**preset(name, **overrides))

    def __call__(
        self, features: jax.Array, *, samples_per_id: int | None = None, labels: jax.Array | None = None
    ) -> jax.Array:
        """The loss of a batch: a scalar, in float64 for float64 features and in float32 for all others.

        Args:
            features: (B, D) array of float32, float64, float16 or bfloat16, raw: the normalisation is part of the loss.
            samples_per_id: K, when the rows come identity after identity with K rows each; it must divide B. An int,
                not an array: under ``jit`` it is a constant.
            labels: (B,) integers, when they do not: any values in any order. Give either this or ``samples_per_id``.

        Raises:
            InvalidArgument: an argument cannot be used. It is raised while JAX traces the call.
        """
        return self.with_parts(features, samples_per_id=samples_per_id, labels=labels)[0]

    def with_parts(
        self, features: jax.Array, *, samples_per_id: int | None = None, labels: jax.Array | None = None
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        """The loss, and all its parts by name without a second pass, for ``jax.value_and_grad(..., has_aux=True)``.

        The parts are for a log: a gradient passes through the loss alone, and theirs is 0. Arguments and errors are
        those of the call itself.
        """
        features = jnp.asarray(features)
        count, labels = _checked(features, samples_per_id, labels)
        if features.dtype == jnp.float16:
            # Before the factor of a loss scale, float16 would round small gradients to 0.
            features = features.astype(jnp.float32)
        loss, parts = _loss(self.options, count, features, labels)
        return loss, {name: jax.lax.stop_gradient(parts[index]) for index, name in enumerate(numpy_loss.PARTS)}

    def __eq__(self, other: object) -> bool:
        """Two losses with the same options are equal."""
        return isinstance(other, PullPushLoss) and self.options == other.options

    def __hash__(self) -> int:
        """The hash of the options."""
        return hash(self.options)

    def __repr__(self) -> str:
        """The options that are not at their default."""
        return f"PullPushLoss({self.options})"


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _loss(
    options: Options, samples_per_id: int, features: jax.Array, labels: jax.Array | None
) -> tuple[jax.Array, jax.Array]:
    """The loss and its parts."""
    loss, parts, _ = _call(options, samples_per_id, features, labels, False)
    return loss, parts


def _forward(
    options: Options, samples_per_id: int, features: jax.Array, labels: jax.Array | None
) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
    loss, parts, gradient = _call(options, samples_per_id, features, labels, True)
    return (loss, parts), gradient


def _backward(
    options: Options, samples_per_id: int, gradient: jax.Array, upstream: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, None]:
    return (upstream[0] * gradient).astype(gradient.dtype), None


_loss.defvjp(_forward, _backward)


def _call(
    options: Options, samples_per_id: int, features: jax.Array, labels: jax.Array | None, with_gradient: bool
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Call the library from the program: the loss, its parts, and its gradient (of no rows when it is not wanted)."""
    wide = jnp.float64 if features.dtype == jnp.float64 else jnp.float32
    rows, dim = features.shape
    shapes: dict[tuple[int, ...], Any] = {
        (): wide,
        (len(numpy_loss.PARTS),): wide,
        (rows if with_gradient else 0, dim): features.dtype,
    }
    results_like = tuple(map(jax.ShapeDtypeStruct, shapes.keys(), shapes.values()))
    host = functools.partial(_host, options, samples_per_id, with_gradient)
    arguments = (features,) if labels is None else (features, labels)
    results: tuple[jax.Array, jax.Array, jax.Array] = jax.pure_callback(
        host, results_like, *arguments, vmap_method="broadcast_all"
    )
    return results


def _host(
    options: Options, samples_per_id: int, with_gradient: bool, features: Any, labels: Any = None
) -> tuple[Any, Any, Any]:
    """The batch, or under ``vmap`` batches along leading dimensions, in the library."""
    batches = np.asarray(features)
    names = None if labels is None else np.asarray(labels)
    *leading, rows, dim = batches.shape
    wide = np.float64 if batches.dtype == np.float64 else np.float32
    losses = np.empty(leading, wide)
    parts = np.empty((*leading, len(numpy_loss.PARTS)), wide)
    gradients = np.empty((*leading, rows if with_gradient else 0, dim), batches.dtype)
    loss_fn = numpy_loss.PullPushLoss(**options.changed())
    for index in np.ndindex(*leading):
        identities: dict[str, Any] = {"samples_per_id": samples_per_id} if names is None else {"labels": names[index]}
        if with_gradient:
            loss, _ = loss_fn.value_and_grad(batches[index], out=gradients[index], **identities)
        else:
            loss = loss_fn.value(batches[index], **identities)
        losses[index] = loss.loss
        parts[index] = list(loss.parts().values())
    return losses, parts, gradients


def _checked(features: jax.Array, samples_per_id: int | None, labels: jax.Array | None) -> tuple[int, jax.Array | None]:
    """Refuse what is not a batch, as far as shapes and types tell."""
    if features.dtype.name not in _DTYPES:
        raise InvalidArgument(f"features must be {', '.join(_DTYPES)}, got {features.dtype}; nothing is cast silently")
    if features.ndim != 2 or 0 in features.shape:
        raise InvalidArgument(
            f"features must have 2 dimensions (rows, dim) of at least 1, got shape {tuple(features.shape)}"
        )
    check_identities(samples_per_id, labels)
    rows = features.shape[0]
    if labels is None:
        count = integer("samples_per_id", samples_per_id, 1, INT64_MAX)
        if rows % count:
            raise InvalidArgument(f"samples_per_id must divide the number of rows, {rows}, got {count}")
        return count, None
    labels = jnp.asarray(labels)
    if not jnp.issubdtype(labels.dtype, jnp.integer):
        raise InvalidArgument(f"labels must be integers, got {labels.dtype}")
    if labels.shape != (rows,):
        raise InvalidArgument(
            f"labels must have one label for each of the {rows} rows, got shape {tuple(labels.shape)}"
        )
    return 0, labels
