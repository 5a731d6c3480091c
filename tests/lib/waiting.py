"""What tests in Python share: where the repository is, and how they wait."""

import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


class Fault(Exception):
    """What went wrong in a case."""


def until(what, met, seconds=60):
    """Waits for a condition."""
    end = time.monotonic() + seconds
    while not met():
        if time.monotonic() > end:
            raise Fault(f"not within {seconds} s: {what}")
        time.sleep(0.2)
