"""What `wishtree up` prints while it works."""

import contextlib
import time
from collections.abc import Iterator

import click


def show(text: str, end: str = "\n") -> None:
    """Print a line. A terminal that has gone away must not keep us from stopping."""
    with contextlib.suppress(OSError):
        click.echo(text + end, nl=False)


@contextlib.contextmanager
def progress(what: str) -> Iterator[None]:
    """Print what is being done, and how long it took."""
    begun = time.monotonic()
    show(f"{what} ...", end="")
    try:
        yield
    except BaseException:
        show("")
        raise
    show(f" {time.monotonic() - begun:.1f} s")
