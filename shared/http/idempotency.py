"""`Idempotency-Key`: a POST that is repeated with its key gets the stored answer.

Key and answer are stored in the transaction of the effect. A key whose first request still runs is
refused with 409, one that was used for another body with 422. A failed request stores nothing, so
it may be repeated with its key. Answers may carry a secret, so they are stored encrypted.
https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
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
from shared.core.crypto import Vault, vault
from shared.core.problems import BadRequest, Conflict, Unprocessable
from shared.core.settings import Settings
from shared.db.engine import joinable_transaction
from shared.db.statements import changed
from shared.db.types import Plumbing

HEADER = "Idempotency-Key"
KEPT = timedelta(hours=24)
_EXEMPT = "__no_idempotency_key__"


class IdempotencyKey(Plumbing):
    """A key and the answer that its first request got. Kept 24 hours."""

    __tablename__ = "idempotency_keys"

    scope: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    """Hash of caller, path and key: nobody gets another's answer."""
    body_hash: Mapped[bytes] = mapped_column(LargeBinary)
    """Hash of the body's bytes, which a process of an older version compares."""
    content_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Hash of what the body means. None: stored by a process that did not know it yet."""
    status: Mapped[int]
    answer: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(server_default=app_now(), index=True)


class StillRunning(Conflict):
    """The first request with this idempotency key has not finished yet."""


class KeyReused(Unprocessable):
    """This idempotency key was used for another request body."""


def exempt_from_idempotency_keys(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let a POST ignore the header: it is idempotent by itself or changes nothing."""
    setattr(view, _EXEMPT, True)
    return view


def takes_idempotency_keys(view: Callable[..., Any]) -> bool:
    """Tell whether a POST route heeds the header."""
    return not hasattr(view, _EXEMPT)


def idempotently(settings: Settings, view: Callable[[], Response]) -> Response:
    """Run the view once per caller, path and key; give the same answer again for 24 hours."""
    scope, body_hash, content_hash = _scope(), _body_hash(), _content_hash()
    box = vault(settings, "idempotency_keys.answer")
    with joinable_transaction() as session:
        _lock(session, scope)
        stored = session.get(IdempotencyKey, scope)
        if stored is not None and stored.created_at > _kept_since(session):
            if body_hash != stored.body_hash and content_hash != stored.content_hash:
                raise KeyReused("Use a new key for a new request.")
            return _replayed(stored, box)
        response = view()
        session.merge(
            IdempotencyKey(
                scope=scope,
                body_hash=body_hash,
                content_hash=content_hash,
                status=response.status_code,
                answer=box.seal(_packed(response)),
                created_at=app_now(),
            )
        )
        return response


def forget_old_keys(session: Session) -> int:
    """Delete keys older than 24 hours; returns how many."""
    old = IdempotencyKey.created_at < app_now() - KEPT
    return changed(session.execute(delete(IdempotencyKey).where(old)))


def _scope() -> bytes:
    key = request.headers[HEADER]
    if not 1 <= len(key) <= 255:
        raise BadRequest(f"{HEADER} must be 1 to 255 characters.")
    principal = caller_if_any()
    return _hash(principal.key if principal else "anyone", request.path, key)


def _body_hash() -> bytes:
    return _hash(request.query_string.decode("latin-1"), request.get_data(cache=True).hex())


def _content_hash() -> bytes:
    """A hash of what the request means: the same JSON in another order or spacing is the same."""
    body = request.get_data(cache=True)
    meant = _canonical(body) if request.is_json else body
    return _hash("content", request.query_string.decode("latin-1"), meant.hex())


def _canonical(body: bytes) -> bytes:
    """JSON in one spelling; bytes that are no JSON as they are."""
    try:
        return json.dumps(json.loads(body), sort_keys=True).encode()
    except ValueError:
        return body


def _lock(session: Session, scope: bytes) -> None:
    """Take the key for this transaction, or raise StillRunning."""
    number = int.from_bytes(scope[:8], signed=True)
    if not session.scalar(select(func.pg_try_advisory_xact_lock(number))):
        raise StillRunning("Wait for the first request to finish, then repeat this one.")


def _kept_since(session: Session) -> datetime:
    moment: datetime = session.scalars(select(app_now() - KEPT)).one()
    return moment


def _packed(response: Response) -> str:
    return json.dumps({"body": response.get_data(as_text=True), "type": response.content_type})


def _replayed(stored: IdempotencyKey, box: Vault) -> Response:
    answer = json.loads(box.unseal(stored.answer))
    response = Response(answer["body"], status=stored.status, content_type=answer["type"])
    response.headers["Idempotent-Replayed"] = "true"
    return response


def _hash(*parts: str) -> bytes:
    return hashlib.sha256("\x1f".join(parts).encode()).digest()
