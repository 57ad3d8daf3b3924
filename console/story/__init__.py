"""The whole main job, played over HTTP only against any base URL; ends at the first thing that is
not as it must be.

It makes new people and things each time, so it can be played again and again.
"""

import time

import click
import requests

from console.story.stage import STEPS, NotAsItMustBe, Stage
from shared.core.settings import Settings


def play(base_url: str) -> int:
    """Play every step; returns 0, or 1 after printing the first thing that was not as it must
    be.
    """
    from console.story import hours, small_bank, wishes  # noqa: F401 - importing them declares their steps

    s = Stage(base_url, Settings.read())
    started = time.monotonic()
    for number, act in enumerate(STEPS, 1):
        name, begun = act.__name__.replace("_", " "), time.monotonic()
        try:
            changed = act(s)
        except (NotAsItMustBe, requests.RequestException) as error:
            click.echo(f"{number:2}. {name}: NOT AS IT MUST BE\n    {error}", err=True)
            return 1
        click.echo(f"{number:2}. {name}: {changed}  ({(time.monotonic() - begun) * 1000:.0f} ms)")
    click.echo(f"The story ends well, after {time.monotonic() - started:.1f} s.")
    return 0
