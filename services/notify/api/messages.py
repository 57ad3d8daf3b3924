"""`/v1/messages`: send one-time codes; in embedded mode, read the dev mailbox."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import Field, model_validator

from services.notify import messages
from services.notify.models import Message, MessageKind
from shared.auth.access import allow, settings
from shared.core.crypto import Vault
from shared.core.problems import NotFound
from shared.db.engine import transaction
from shared.http.paging import Page
from shared.http.schemas import RequestModel, ResponseModel

bp = APIBlueprint("messages", __name__, tag="Messages")

MAILBOX_LIMIT = 200
Content = Annotated[str, Field(min_length=1, max_length=500)]


class MessageRequest(RequestModel):
    kind: MessageKind
    to: Annotated[str, Field(min_length=3, max_length=100)] | None = None
    person_id: UUID | None = None
    code: Content | None = None
    text: Content | None = None

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

    @classmethod
    def of(cls, message: Message, vault: Vault) -> Self:
        return cls(
            id=message.id,
            kind=message.kind,
            expires_at=message.expires_at,
            person_id=message.person_id,
            to=vault.unseal(message.recipient) if message.recipient else None,
            text=vault.unseal(message.content),
            created_at=message.created_at,
        )


@bp.post("/v1/messages")
@bp.input(MessageRequest)
@bp.output(MessageResponse, status_code=201)
@bp.doc(summary="Send a one-time code or a short notice to one person")
@allow(scope="messages:send")
def post_message(json_data: MessageRequest) -> Message:
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
    summary="Read the dev mailbox: the messages of the last five minutes. Embedded mode only, "
    "else 404"
)
@allow(public=True)
def get_messages() -> Page[MailResponse]:
    if not settings().embedded:
        raise NotFound("There is no mailbox here.")
    vault = messages.message_vault(settings())
    with transaction() as session:
        found = messages.mailbox(session, MAILBOX_LIMIT)
        items = [MailResponse.of(message, vault) for message in found]
    return Page[MailResponse](items=items, next=None)
