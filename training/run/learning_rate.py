"""Learning rates by step."""

import math


def warmup_cosine(step: int, num_steps: int, warmup_steps: int, highest: float, lowest: float) -> float:
    """Linear from zero to `highest` over the warm-up, then half a cosine down to `lowest` at the last step."""
    if step < warmup_steps:
        return highest * (step + 1) / warmup_steps
    progress = (step - warmup_steps) / max(1, num_steps - warmup_steps)
    return lowest + (highest - lowest) * (1 + math.cos(math.pi * min(1.0, progress))) / 2
