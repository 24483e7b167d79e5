"""Waiting for events with a bound."""
import time


def wait_until(predicate, timeout=10.0, what="the condition", step=0.01):
    """Call predicate until it returns something true and return that. Fails after timeout seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"{what} did not come true within {timeout} s (last value: {value!r})")
        time.sleep(step)
