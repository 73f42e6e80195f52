"""Gradient descent on the rows themselves: 8 identities of 4 rows move apart until they are orthogonal."""

import numpy as np
import pullpush

rng = np.random.default_rng(0)
features = rng.normal(size=(32, 16)).astype(np.float32)
loss_fn = pullpush.PullPushLoss.preset("orthogonal")

for step in range(121):
    loss = loss_fn(features, samples_per_id=4)
    if step % 40 == 0:
        print(f"step {step:3}: loss {float(loss):.3f} = pull {loss.pull:.3f} + push {loss.push:.3f}")
    features -= 10 * loss.backward()

unit = features / np.linalg.norm(features, axis=1, keepdims=True)
print("absolute cosines of the first rows of identities 0, 1, 2:")
print(np.abs(unit[:12:4] @ unit[:12:4].T).round(2))
