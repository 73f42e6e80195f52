"""Training on handwritten digits with JAX: each step, loss and gradient included, is one compiled function."""

import jax
import jax.numpy as jnp
import numpy as np
import pullpush
import pullpush.jax
from sklearn.datasets import load_digits  # type: ignore[import-untyped]

Weights = list[jax.Array]
Parts = dict[str, jax.Array]

images, digits = load_digits(return_X_y=True)
images = (images / 16).astype(np.float32)
sampler = pullpush.PKSampler(digits, ids_per_batch=10, samples_per_id=8, batches_per_epoch=201)
loss_fn = pullpush.jax.PullPushLoss.preset("orthogonal")


def embed(weights: Weights, pixels: jax.Array) -> jax.Array:
    """Rows of 64 pixels to rows of 16 numbers."""
    return jnp.maximum(pixels @ weights[0] + weights[1], 0) @ weights[2]


@jax.jit
def step(weights: Weights, pixels: jax.Array) -> tuple[Weights, Parts]:
    """One step of gradient descent, and the parts of the loss before it."""

    def loss(weights: Weights) -> tuple[jax.Array, Parts]:
        return loss_fn.with_parts(embed(weights, pixels), samples_per_id=8)

    (_, parts), gradients = jax.value_and_grad(loss, has_aux=True)(weights)
    return [weight - 0.5 * gradient for weight, gradient in zip(weights, gradients, strict=True)], parts


rng = np.random.default_rng(3)
shapes = ((64, 128), (128,), (128, 16))
weights = [jnp.asarray(rng.normal(0, 0.18 if len(shape) == 2 else 0, shape), jnp.float32) for shape in shapes]
for number, batch in enumerate(sampler):
    weights, parts = step(weights, images[batch])
    if number % 50 == 0:
        print(f"step {number:3}: loss {parts['loss']:.2f} = pull {parts['pull']:.2f} + push {parts['push']:.2f}")
