"""`Idempotency-Key`: repeating a POST gives the stored answer, in the transaction of the effect.

IETF draft-ietf-httpapi-idempotency-key-header: 409 while the first is running, 422 for the same key
with another body. A failed request leaves no row, so it may be repeated with the same key. Answers
may carry a secret: they are sealed.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from flask import Response, request
from sqlalchemy import LargeBinary, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.auth.access import caller_if_any
from shared.core.clock import app_now
from shared.core.crypto import vault
from shared.core.problems import BadRequest, Conflict, Unprocessable
from shared.core.settings import Settings
from shared.db.engine import joinable_transaction
from shared.db.statements import changed
from shared.db.types import Plumbing

HEADER = "Idempotency-Key"
EXEMPT = "__no_idempotency_key__"
KEPT = timedelta(hours=24)


class IdempotencyKey(Plumbing):
    __tablename__ = "idempotency_keys"

    scope: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    """Hash of caller, path and key: nobody can replay another's answer."""
    body_hash: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int]
    answer: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(server_default=app_now(), index=True)


class StillRunning(Conflict):
    """The first request with this idempotency key has not finished yet."""


class KeyReused(Unprocessable):
    """This idempotency key was used for another request body."""


def exempt_from_idempotency_keys(view: Callable[..., Any]) -> Callable[..., Any]:
    """For POSTs that are idempotent by themselves or change nothing: token, check, webhook,
    callback.
    """
    setattr(view, EXEMPT, True)
    return view


def idempotently(settings: Settings, view: Callable[[], Response]) -> Response:
    """Run the view once per (caller, path, key); give the same answer again for 24 hours."""
    key = request.headers[HEADER]
    if not 1 <= len(key) <= 255:
        raise BadRequest(f"{HEADER} must be 1 to 255 characters.")
    principal = caller_if_any()
    scope = _hash(principal.key if principal else "anyone", request.path, key)
    body_hash = _hash(request.query_string.decode("latin-1"), request.get_data(cache=True).hex())
    box = vault(settings, "idempotency_keys.answer")
    with joinable_transaction() as session:
        if not session.scalar(
            select(func.pg_try_advisory_xact_lock(int.from_bytes(scope[:8], signed=True)))
        ):
            raise StillRunning("Wait for the first request to finish, then repeat this one.")
        stored = session.get(IdempotencyKey, scope)
        if stored is not None and stored.created_at > _kept_since(session):
            if stored.body_hash != body_hash:
                raise KeyReused("Use a new key for a new request.")
            return _replayed(stored, box.unseal(stored.answer))
        response = view()
        answer = json.dumps(
            {"body": response.get_data(as_text=True), "type": response.content_type}
        )
        session.merge(
            IdempotencyKey(
                scope=scope,
                body_hash=body_hash,
                status=response.status_code,
                answer=box.seal(answer),
                created_at=app_now(),
            )
        )
        return response


def forget_old_keys(session: Session) -> int:
    """Delete what is older than 24 hours; returns how many rows."""
    return changed(
        session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < app_now() - KEPT))
    )


def _kept_since(session: Session) -> datetime:
    moment: datetime = session.scalars(select(app_now() - KEPT)).one()
    return moment


def _replayed(stored: IdempotencyKey, answer: str) -> Response:
    content = json.loads(answer)
    response = Response(content["body"], status=stored.status, content_type=content["type"])
    response.headers["Idempotent-Replayed"] = "true"
    return response


def _hash(*parts: str) -> bytes:
    return hashlib.sha256("\x1f".join(parts).encode()).digest()
