"""A small multi-layer perceptron with its own backward pass, and Adam, in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


@dataclass
class Network:
    """``x -> relu(x W1 + b1) W2 + b2``.

    Attributes:
        parameters: ``W1 (inputs, hidden)``, ``b1 (hidden,)``, ``W2 (hidden, outputs)``, ``b2 (outputs,)``.
    """

    parameters: list[Array]

    @classmethod
    def random(cls, inputs: int, hidden: int, outputs: int, rng: np.random.Generator) -> Network:
        """Weights from N(0, 2 / fan-in), biases zero, in float32."""

        def layer(fan_in: int, fan_out: int) -> list[Array]:
            weights = rng.normal(0.0, np.sqrt(2.0 / fan_in), (fan_in, fan_out))
            return [weights.astype(np.float32), np.zeros(fan_out, np.float32)]

        return cls(layer(inputs, hidden) + layer(hidden, outputs))

    def __call__(self, x: Array) -> Array:
        """Rows of `x` ``(rows, inputs)`` to embeddings ``(rows, outputs)``."""
        return self.forward(x)[0]

    def forward(self, x: Array) -> tuple[Array, Array]:
        """The embeddings, and the hidden activations ``(rows, hidden)`` that `backward` needs."""
        w1, b1, w2, b2 = self.parameters
        hidden = np.maximum(x @ w1 + b1, 0)
        return hidden @ w2 + b2, hidden

    def backward(self, x: Array, hidden: Array, gradient: Array) -> list[Array]:
        """Gradients of the parameters, given the gradient of the embeddings ``(rows, outputs)``."""
        w2 = self.parameters[2]
        hidden_gradient = (gradient @ w2.T) * (hidden > 0)
        return [x.T @ hidden_gradient, hidden_gradient.sum(0), hidden.T @ gradient, gradient.sum(0)]


@dataclass
class Adam:
    """Adam with bias correction; `step` changes the parameters in place."""

    parameters: Sequence[Array]
    learning_rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    _steps: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Start with moments of zero."""
        self._means = [np.zeros_like(p) for p in self.parameters]
        self._squares = [np.zeros_like(p) for p in self.parameters]

    def step(self, gradients: Sequence[Array]) -> None:
        """Move every parameter against its gradient."""
        self._steps += 1
        rate = self.learning_rate / (1 - self.beta1**self._steps)
        square_scale = 1 / (1 - self.beta2**self._steps)
        for p, g, mean, square in zip(self.parameters, gradients, self._means, self._squares, strict=True):
            mean += (1 - self.beta1) * (g - mean)
            square += (1 - self.beta2) * (g * g - square)
            p -= rate * mean / (np.sqrt(square * square_scale) + self.epsilon)
