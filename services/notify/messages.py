"""One-time codes and short notices to one person.

They are sealed, expire after five minutes, and never become an event or a log line. No SMS provider
is connected yet; in embedded mode the dev mailbox shows what would have been sent.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from services.notify.models import Message, MessageKind
from shared.core.clock import app_now
from shared.core.crypto import Vault, vault
from shared.core.settings import Settings
from shared.db.statements import changed

LIFETIME = timedelta(minutes=5)


def send_message(
    session: Session,
    settings: Settings,
    *,
    kind: MessageKind,
    content: str,
    to: str | None,
    person_id: UUID | None,
) -> Message:
    """Keep a message for five minutes. Repeating it sends another."""
    seal = message_vault(settings).seal
    message = Message(
        person_id=person_id,
        recipient=seal(to) if to else None,
        kind=kind,
        content=seal(content),
        expires_at=app_now() + LIFETIME,
    )
    session.add(message)
    session.flush()
    session.refresh(message)
    return message


def mailbox(session: Session, limit: int) -> Sequence[Message]:
    """Return what was sent in the last five minutes, newest first."""
    current = select(Message).where(Message.expires_at > app_now())
    return session.scalars(current.order_by(Message.id.desc()).limit(limit)).all()


def forget_expired(session: Session) -> int:
    """Delete messages older than five minutes. Returns how many."""
    return changed(session.execute(delete(Message).where(Message.expires_at <= app_now())))


def message_vault(settings: Settings) -> Vault:
    return vault(settings, "messages.content")
