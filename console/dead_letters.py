"""List, find and replay the dead letters of all services, for the operator."""

from collections.abc import Sequence
from uuid import UUID

import click
from sqlalchemy import Select, select

from console.services import operator_transaction
from shared import SERVICES
from shared.messaging.attempts import DeadLetter, replay


def dead_letters_of(service: str) -> Sequence[DeadLetter]:
    """Dead letters that were not replayed, newest first, at most 1,000."""
    waiting = select(DeadLetter).where(DeadLetter.replayed_at.is_(None))
    newest = waiting.order_by(DeadLetter.died_at.desc()).limit(1000)
    with operator_transaction(service) as session:
        return session.scalars(newest).all()


def find_dead_letter(letter_id: UUID) -> tuple[str, DeadLetter]:
    """The service that has it, and the letter. Raises ClickException when none has."""
    for service in SERVICES:
        with operator_transaction(service) as session:
            letter = session.get(DeadLetter, letter_id)
            if letter is not None:
                return service, letter
    raise click.ClickException(f"No dead letter {letter_id}.")


def replay_letters(letter_ids: Sequence[UUID], everything: bool) -> int:
    """Give these letters, or every letter, new attempts. Returns how many.

    A letter without an event id was never readable, so it cannot be replayed.
    """
    letters = (
        select(DeadLetter)
        .where(DeadLetter.replayed_at.is_(None), DeadLetter.event_id.is_not(None))
        .with_for_update(skip_locked=True)
    )
    if not everything:
        letters = letters.where(DeadLetter.id.in_(letter_ids))
    return sum(_replay_in(service, letters) for service in SERVICES)


def _replay_in(service: str, letters: Select[DeadLetter]) -> int:
    with operator_transaction(service) as session:
        found = session.scalars(letters).all()
        for letter in found:
            replay(session, letter)
        return len(found)
