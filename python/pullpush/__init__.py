"""PullPush: metric-learning losses and their gradients on plain float buffers.

>>> import numpy, pullpush
>>> features = numpy.random.default_rng(0).standard_normal((64, 128), dtype=numpy.float32)
>>> loss = pullpush.PullPushLoss()(features, samples_per_id=4)
>>> gradient = loss.backward()

``PullPushLoss`` and the functions ``value`` and ``value_and_grad`` take NumPy arrays; ``PKSampler`` makes the batches;
``stream`` takes files larger than memory and ``statistics`` batches that are spread over machines.
"""

from . import statistics
from ._library import isa, library_path, set_max_threads
from ._version import __version__
from .errors import (
    InvalidArgument,
    LibraryMismatch,
    LibraryNotFound,
    NoGradient,
    NotFinite,
    OutOfMemory,
    PullPushError,
    RankFailed,
    UnknownOption,
)
from .loss import Loss, PullPushFeaturesLoss, PullPushLoss, value, value_and_grad
from .sampler import PKSampler
from .streaming import stream

__all__ = [
    "InvalidArgument",
    "LibraryMismatch",
    "LibraryNotFound",
    "Loss",
    "NoGradient",
    "NotFinite",
    "OutOfMemory",
    "PKSampler",
    "PullPushError",
    "PullPushFeaturesLoss",
    "PullPushLoss",
    "RankFailed",
    "UnknownOption",
    "__version__",
    "isa",
    "library_path",
    "set_max_threads",
    "statistics",
    "stream",
    "value",
    "value_and_grad",
]
