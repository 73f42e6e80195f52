"""One thread for the oracle: the tests must not fight over the processors."""

import hypothesis
import torch

torch.set_num_threads(1)
hypothesis.settings.register_profile("pullpush", deadline=None, derandomize=True, max_examples=60)
# Other calls every time, for those who look for mistakes: `make fuzz`.
hypothesis.settings.register_profile("random", deadline=None, derandomize=False, max_examples=300)
hypothesis.settings.load_profile("pullpush")
