"""One thread for the oracle: the tests must not fight over the processors."""

import hypothesis
import torch

torch.set_num_threads(1)
hypothesis.settings.register_profile("pullpush", deadline=None, derandomize=True, max_examples=60)
hypothesis.settings.load_profile("pullpush")
