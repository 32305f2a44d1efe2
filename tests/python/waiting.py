"""Waiting for what nobody tells."""

import time

PATIENCE_SECONDS = 60
LOOK_EVERY_SECONDS = 0.05


def until(look, what):
    """Looks until there is something, and gives it."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends:
        found = look()
        if found:
            return found
        time.sleep(LOOK_EVERY_SECONDS)
    raise AssertionError(f"{what}: not within {PATIENCE_SECONDS} seconds")
