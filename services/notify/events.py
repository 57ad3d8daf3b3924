"""How notify handles the events it receives."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from services.notify import alerts, audiences, preferences
from services.notify.webhooks import subscriptions
from shared.contracts.base import Event, events_handled_by
from shared.contracts.registration import PersonAccessChanged, VolunteerErased, VolunteerMerged
from shared.jobs.enqueue import enqueue
from shared.messaging.inbox import handles

HANDLED_ELSEWHERE = (PersonAccessChanged, VolunteerMerged, VolunteerErased)
SENT_AT_ONCE = 5  #: one job each; a larger batch gets one sweep


@handles(*(cls for cls in events_handled_by("notify") if cls not in HANDLED_ELSEWHERE))
def alert_people_and_subscribers(session: Session, events: list[Event]) -> None:
    """Send the alerts that the table of audiences asks for, and deliveries to subscribers."""
    alerts.send_alerts(session, list(audiences.draft_alerts(events)))
    send_to_subscribers(session, events)


@handles(VolunteerMerged)
def follow_merges(session: Session, events: list[VolunteerMerged]) -> None:
    """Let the person who stays read the alerts of both from now on."""
    preferences.follow_merges(session, [(event.volunteer_id, event.into_id) for event in events])
    send_to_subscribers(session, events)


@handles(VolunteerErased)
def erase_people(session: Session, events: list[VolunteerErased]) -> None:
    """Delete their alerts and preferences, and accept no new alerts for them."""
    preferences.erase_people(session, [event.volunteer_id for event in events])
    send_to_subscribers(session, events)


def send_to_subscribers(session: Session, events: Sequence[Event]) -> None:
    """Create a delivery per subscription, and enqueue sending it after the commit.

    If the enqueued job is lost, the sweep sends it.
    """
    due = subscriptions.create_deliveries(session, events)
    if len(due) > SENT_AT_ONCE:
        enqueue(session, "notify.deliver_due")
    else:
        for delivery_id in due:
            enqueue(session, "notify.deliver_webhook", str(delivery_id))
