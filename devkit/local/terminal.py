"""What `wishtree up` prints while it works."""

import contextlib
import time
from collections.abc import Iterator

import click


def say(text: str, end: str = "\n") -> None:
    """Print a line. A terminal that has gone away must not keep us from stopping."""
    with contextlib.suppress(OSError):
        click.echo(text + end, nl=False)


@contextlib.contextmanager
def progress(what: str) -> Iterator[None]:
    """Print what is being done, and how long it took."""
    begun = time.monotonic()
    say(f"{what} ...", end="")
    try:
        yield
    except BaseException:
        say("")
        raise
    say(f" {time.monotonic() - begun:.1f} s")
