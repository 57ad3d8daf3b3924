"""`/v1/messages`: one-time codes in; in embedded mode the dev mailbox out."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import Field, model_validator

from services.notify import messages
from services.notify.models import MessageKind
from shared.auth.access import allow, settings
from shared.core.problems import NotFound
from shared.db.engine import transaction
from shared.http.paging import Page
from shared.http.schemas import RequestModel, ResponseModel

bp = APIBlueprint("messages", __name__, tag="Messages")

Sent = Annotated[str, Field(min_length=1, max_length=500)]


class MessageRequest(RequestModel):
    kind: MessageKind
    to: Annotated[str, Field(min_length=3, max_length=100)] | None = None
    person_id: UUID | None = None
    code: Sent | None = None
    text: Sent | None = None

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if (self.to is None) == (self.person_id is None):
            raise ValueError("send either `to` or `person_id`")
        if (self.code is None) == (self.text is None):
            raise ValueError("send either `code` or `text`")
        return self


class MessageResponse(ResponseModel):
    id: UUID
    kind: str
    expires_at: datetime


class MailResponse(MessageResponse):
    to: str | None
    person_id: UUID | None
    text: str
    created_at: datetime


@bp.post("/v1/messages")
@bp.input(MessageRequest)
@bp.output(MessageResponse, status_code=201)
@bp.doc(summary="Send a one-time code or a short notice to one person")
@allow(scope="messages:send")
def post_message(json_data: MessageRequest) -> Any:
    with transaction() as session:
        return messages.send_message(
            session,
            settings(),
            kind=json_data.kind,
            content=json_data.code or json_data.text or "",
            to=json_data.to,
            person_id=json_data.person_id,
        )


@bp.get("/v1/messages")
@bp.output(Page[MailResponse])
@bp.doc(
    summary="The dev mailbox: what was sent in the last five minutes (embedded mode only, else 404)"
)
@allow(public=True)
def get_messages() -> dict[str, Any]:
    if not settings().embedded:
        raise NotFound("There is no mailbox here.")
    box = messages.box_of(settings())
    with transaction() as session:
        items = [
            {
                "id": m.id,
                "kind": m.kind,
                "expires_at": m.expires_at,
                "person_id": m.person_id,
                "to": box.unseal(m.recipient) if m.recipient else None,
                "text": box.unseal(m.content),
                "created_at": m.created_at,
            }
            for m in messages.mailbox(session, 200)
        ]
    return {"items": items, "next": None}
