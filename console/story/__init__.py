"""The whole main job, played over HTTP only against any base URL.

An operator checks an installation with it. It makes new people and things each time, so it can be
played again and again. It ends at the first response that is not as expected.
"""

import time

import click
import requests

from console.story import beginning, hours, redemption, small_bank, wishes
from console.story.stage import NotAsExpected, Stage, Step
from console.unanswered import why_unanswered
from shared.core.settings import Settings

STEPS: tuple[Step, ...] = (
    beginning.staff_create_organisations,
    beginning.two_people_register,
    beginning.a_venue_offers_something,
    beginning.another_system_subscribes,
    hours.an_activity_is_timed,
    hours.hours_become_a_voucher_and_an_alert,
    hours.the_webhook_is_signed,
    redemption.only_the_holder_sees_the_code,
    redemption.the_venue_redeems_once,
    hours.another_system_sends_hours,
    hours.points_follow_a_correction,
    small_bank.points_are_exchanged,
    small_bank.a_voucher_is_given_through_the_pool,
    small_bank.a_rule_change_is_simulated,
    small_bank.the_month_has_a_settlement_statement,
    small_bank.the_journal_is_sealed,
    wishes.a_wish_is_published,
    wishes.one_volunteer_fulfils_it,
)


def play(base_url: str) -> int:
    """Play every step; returns 0, or 1 after printing the first unexpected response."""
    stage = Stage(base_url, Settings.read())
    started = time.monotonic()
    for number, step in enumerate(STEPS, 1):
        if not _play_step(number, step, stage):
            return 1
    click.echo(f"The story ends well, after {time.monotonic() - started:.1f} s.")
    return 0


def _play_step(number: int, step: Step, stage: Stage) -> bool:
    """Play a step and print what it made; false after printing what was not as expected."""
    name, begun = step.__name__.replace("_", " "), time.monotonic()
    try:
        result = step(stage)
    except (NotAsExpected, requests.RequestException) as error:
        why = str(error) if isinstance(error, NotAsExpected) else why_unanswered(error)
        click.echo(f"{number:2}. {name}: NOT AS EXPECTED\n    {why}", err=True)
        return False
    click.echo(f"{number:2}. {name}: {result}  ({(time.monotonic() - begun) * 1000:.0f} ms)")
    return True
