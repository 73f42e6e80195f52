"""The backward pass against central differences, the optimiser against PyTorch's."""

from __future__ import annotations

import numpy as np
import torch
from network import Adam, Network


def test_backward_agrees_with_central_differences() -> None:
    rng = np.random.default_rng(1)
    network = Network([p.astype(np.float64) + 0.1 for p in Network.random(5, 7, 3, rng).parameters])
    x, weights = rng.normal(size=(6, 5)), rng.normal(size=(6, 3))
    gradients = network.backward(x, network.forward(x)[1], weights)
    step = 1e-6
    for parameter, gradient in zip(network.parameters, gradients, strict=True):
        assert gradient.shape == parameter.shape
        for index in np.ndindex(parameter.shape):
            kept = parameter[index]
            parameter[index] = kept + step
            above = np.sum(weights * network(x))
            parameter[index] = kept - step
            below = np.sum(weights * network(x))
            parameter[index] = kept
            np.testing.assert_allclose(gradient[index], (above - below) / (2 * step), rtol=1e-6, atol=1e-8)


def test_adam_agrees_with_pytorch() -> None:
    rng = np.random.default_rng(2)
    start = [rng.normal(size=(3, 4)), rng.normal(size=4)]
    ours = [p.copy() for p in start]
    theirs = [torch.tensor(p, requires_grad=True) for p in start]
    adam, reference = Adam(ours, learning_rate=0.01), torch.optim.Adam(theirs, lr=0.01)
    for _ in range(20):
        gradients = [rng.normal(size=p.shape) for p in start]
        for tensor, gradient in zip(theirs, gradients, strict=True):
            tensor.grad = torch.tensor(gradient)
        adam.step(gradients)
        reference.step()
    for parameter, tensor in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(parameter, tensor.detach().numpy(), rtol=1e-12)
