"""`/v1/people/{id}/alerts` and preferences, `/v1/alerts`, `/v1/templates`."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from apiflask import APIBlueprint
from flask import request
from pydantic import Field
from sqlalchemy.orm import Session

from services.notify import alerts, preferences
from services.notify.models import Alert, Preference
from services.notify.templates import TEMPLATES, Template, Topic, render
from shared.auth.access import allow, caller, only_self_or_staff
from shared.auth.principal import Role
from shared.contracts.notify import STAFF_INBOX
from shared.core.language import request_language, translate
from shared.db.engine import transaction
from shared.http.paging import Page, PageQuery, page_of
from shared.http.schemas import RequestModel, ResponseModel

bp = APIBlueprint("alerts", __name__, tag="Alerts")


class AlertsQuery(PageQuery):
    unread: bool | None = Field(
        default=None, description="true: only unread ones; false: only read ones"
    )


class AlertResponse(ResponseModel):
    id: UUID
    topic: str
    template: str
    title: str
    text: str
    created_at: datetime
    read_at: datetime | None

    @classmethod
    def of(cls, alert: Alert, language: str) -> Self:
        title, text = render(TEMPLATES[alert.template], alert.params, language)
        return cls(
            id=alert.id,
            topic=alert.topic,
            template=alert.template,
            title=title,
            text=text,
            created_at=alert.created_at,
            read_at=alert.read_at,
        )


class PreferencesRequest(RequestModel):
    language: Literal["zh-CN", "en"] | None = Field(
        default=None, description="null: the language that the browser asks for"
    )
    muted_topics: list[Topic] = Field(default_factory=list, max_length=len(Topic))


class PreferencesResponse(ResponseModel):
    language: str | None
    muted_topics: list[str]


class TemplateResponse(ResponseModel):
    name: str
    topic: str
    title: str
    text: str

    @classmethod
    def of(cls, template: Template) -> Self:
        return cls(
            name=template.name,
            topic=template.topic,
            title=translate(template.title),
            text=translate(template.text),
        )


@bp.get("/v1/people/<uuid:person_id>/alerts")
@bp.input(AlertsQuery, location="query")
@bp.output(Page[AlertResponse])
@bp.doc(summary="List a person's alerts, newest first")
@allow(Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF, Role.AUDITOR)
def get_alerts(person_id: UUID, query_data: AlertsQuery) -> Page[AlertResponse]:
    if caller().role is not Role.COORDINATOR or caller().organisation_id != person_id:
        only_self_or_staff(person_id)
    with transaction() as session:
        statement = alerts.alerts_of(session, person_id, unread=query_data.unread)
        found, after = page_of(session, statement, Alert.id, query_data)
        language = _reading_language(session, person_id)
        items = [AlertResponse.of(alert, language) for alert in found]
        return Page[AlertResponse](items=items, next=after)


@bp.put("/v1/alerts/<uuid:alert_id>/read")
@bp.output(AlertResponse)
@bp.doc(summary="Mark one's own alert as read")
@allow(Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF)
def put_read(alert_id: UUID) -> AlertResponse:
    with transaction() as session:
        alert = alerts.read_alert(session, alert_id, _own_inboxes())
        return AlertResponse.of(alert, _reading_language(session, alert.person_id))


@bp.get("/v1/people/<uuid:person_id>/preferences")
@bp.output(PreferencesResponse)
@bp.doc(summary="Show a person's language and muted topics")
@allow(Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF, Role.AUDITOR)
def get_preferences(person_id: UUID) -> Preference:
    only_self_or_staff(person_id)
    with transaction() as session:
        return preferences.preferences_of(session, person_id)


@bp.put("/v1/people/<uuid:person_id>/preferences")
@bp.input(PreferencesRequest)
@bp.output(PreferencesResponse)
@bp.doc(summary="Replace a person's language and muted topics; muted alerts are hidden, not lost")
@allow(Role.VOLUNTEER, Role.COORDINATOR, Role.STAFF)
def put_preferences(person_id: UUID, json_data: PreferencesRequest) -> Preference:
    only_self_or_staff(person_id)
    with transaction() as session:
        return preferences.set_preferences(
            session, person_id, json_data.language, json_data.muted_topics
        )


@bp.get("/v1/templates")
@bp.output(Page[TemplateResponse])
@bp.doc(summary="List the texts of all alerts, in the language of the request")
@allow(Role.STAFF, Role.AUDITOR)
def get_templates() -> Page[TemplateResponse]:
    items = [TemplateResponse.of(template) for template in TEMPLATES.values()]
    return Page[TemplateResponse](items=items, next=None)


def _own_inboxes() -> list[UUID]:
    """The caller's own inbox and the one they share: that of staff, or of their organisation."""
    principal = caller()
    shared_inbox = STAFF_INBOX if principal.is_staff else principal.organisation_id
    return [inbox for inbox in (principal.subject, shared_inbox) if isinstance(inbox, UUID)]


def _reading_language(session: Session, person_id: UUID) -> str:
    """The language that the request asks for, else the person's preference, else Chinese."""
    if "Accept-Language" in request.headers:
        return request_language()
    return preferences.preferences_of(session, person_id).language or request_language()
