"""Training on handwritten digits with PyTorch, by the original module and by PullPush: step for step the same loss."""

from collections.abc import Callable

import pullpush
import pullpush.torch
import torch
from sklearn.datasets import load_digits  # type: ignore[import-untyped]
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


class OriginalLoss(nn.Module):
    """The original loss as it is told: pairs within each identity, then pairs of first rows."""

    def forward(self, features: Tensor, batch_size: int, person_num: int) -> Tensor:
        """The loss of `batch_size` normalised rows, `person_num` of one identity after the other."""
        pull, firsts = features.new_zeros(()), []
        for start in range(0, batch_size, person_num):
            rows = features[start : start + person_num]
            pull = pull + (1 - rows @ rows.T).sum()
            firsts.append(rows[0])
        identities, representatives = len(firsts), torch.stack(firsts)
        push = (representatives @ representatives.T).sum() - identities
        return pull / (identities * person_num * (person_num - 1)) + push / (identities * (identities - 1))


def train(loss_fn: Callable[[Tensor, int, int], Tensor], epochs: int = 10) -> Tensor:
    """Train a small network from the same start on the same batches; the loss at every step."""
    images, digits = load_digits(return_X_y=True)
    data = TensorDataset(torch.tensor(images / 16, dtype=torch.float32))
    sampler = pullpush.PKSampler(digits, ids_per_batch=10, samples_per_id=8, batches_per_epoch=20)
    loader = DataLoader(data, batch_sampler=sampler)

    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 16))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    curve = []
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        for (pixels,) in loader:
            features = network(pixels).renorm(2, 0, 1e-5).mul(1e5)
            loss = loss_fn(features, len(features), 8)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            curve.append(loss.item())
    return torch.tensor(curve)


original = train(OriginalLoss())
loss_fn = pullpush.torch.PullPushFeaturesLoss()
ours = train(loss_fn)

for step in range(0, len(ours), 40):
    print(f"step {step:3}: original {original[step]:+.3f}, PullPush {ours[step]:+.3f}")
print(f"last step: pull {loss_fn.last.pull:.3f}, push {loss_fn.last.push:+.3f}")
print(f"{len(ours)} steps agree to 1e-6: {bool((original - ours).abs().max() < 1e-6)}")
