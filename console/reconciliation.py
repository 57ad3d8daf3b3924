"""Handle the events that a broker lost, now instead of at the next catch-up."""

import click
import requests
from sqlalchemy import update

from console.services import definition_of
from console.unanswered import why_unanswered
from shared.core.clock import app_now
from shared.core.settings import Settings
from shared.messaging.attempts import Attempt
from shared.service.catch_up import CatchUp


def reconcile(service: str) -> int:
    """Read every feed that this service handles events of, and make all attempts due.

    Returns how many events were looked at. Repeating it changes nothing.
    Raises ClickException when another service does not answer.
    """
    settings = Settings.read(catch_up_age_seconds=0)  # also the events that a queue may still hold
    definition = definition_of(service)
    database = definition.database(settings)
    catch_up = CatchUp(database, definition.inbox(database), settings)
    try:
        looked_at = sum(catch_up.read_feed(source) for source in catch_up.sources)
    except requests.RequestException as error:
        raise click.ClickException(
            f"{service} cannot be reconciled: {why_unanswered(error)}"
        ) from None
    with database.transaction() as session:
        session.execute(update(Attempt).values(due_at=app_now()))
    return looked_at
