"""Ways for a node to be stuck, as context managers."""
import contextlib


@contextlib.contextmanager
def wedged(node):
    """Admin is wedged inside: by the slow statement on a real node, where it has to outlast the body (some seconds),
    and by the knob on the stand-in, to the point."""
    if node.real:
        wedge = node.wedge(5)
        yield
        assert wedge.holds(), "the wedge was too short"
        wedge.wait()
        return
    node.control("wedge on")
    try:
        yield
    finally:
        node.control("wedge off")


@contextlib.contextmanager
def frozen(node):
    """The whole process stands still inside."""
    node.process.freeze()
    try:
        yield
    finally:
        node.process.thaw()
