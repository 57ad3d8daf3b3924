"""Memory of long-lived processes."""

import gc


def keep_for_good() -> None:
    """Take all that was imported and built out of the garbage collector's sight.

    Call it once, when a process has started: its large collections then walk only what requests or
    events have made since. https://docs.python.org/3/library/gc.html#gc.freeze
    """
    gc.collect()
    gc.freeze()
