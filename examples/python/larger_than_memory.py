"""The loss and gradient of a file, block by block: the same numbers as with the whole file in memory."""

import tempfile
from pathlib import Path

import numpy as np
import pullpush

with tempfile.TemporaryDirectory() as folder:
    source, gradient = Path(folder, "features.npy"), Path(folder, "gradient.npy")
    features = np.random.default_rng(0).normal(size=(20_000, 32)).astype(np.float32)
    np.save(source, features)

    streamed = pullpush.stream(source, samples_per_id=4, out=gradient, block_bytes=100_000)
    whole, whole_gradient = pullpush.value_and_grad(features, samples_per_id=4)

    difference = np.linalg.norm(np.load(gradient) - whole_gradient) / np.linalg.norm(whole_gradient)
    print(f"streamed loss {float(streamed):.6f}, in memory {float(whole):.6f}")
    print(f"gradients agree to 1e-6: {difference < 1e-6}")
