"""The seed of a fault run: WISHTREE_FAULT_SEED repeats one."""

import os
import random


def fault_seed() -> int:
    """The seed that was given, or a new one. It is printed, so that the run can be repeated."""
    seed = int(os.environ.get("WISHTREE_FAULT_SEED") or random.randrange(10**6))
    print(f"WISHTREE_FAULT_SEED={seed}")  # noqa: T201
    return seed
