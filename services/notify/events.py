"""Its side of the conversation: what notify says, and how it reacts to what it hears."""

from sqlalchemy.orm import Session

from services.notify import audiences, preferences
from services.notify.channels import in_app
from services.notify.webhooks import subscriptions
from shared.contracts.base import Event, events_handled_by
from shared.contracts.registration import PersonAccessChanged, VolunteerErased, VolunteerMerged
from shared.jobs.enqueue import enqueue
from shared.messaging.inbox import handles

PEOPLE = (PersonAccessChanged, VolunteerMerged, VolunteerErased)
SENT_AT_ONCE = 5  #: one job each; a larger batch gets one sweep


@handles(*(cls for cls in events_handled_by("notify") if cls not in PEOPLE))
def tell_everyone(session: Session, events: list[Event]) -> None:
    """Write the alerts that the table of audiences asks for, and queue the fact for those who
    subscribed to it.
    """
    in_app.send(session, list(audiences.told_by(events)))
    tell_subscribers(session, events)


@handles(VolunteerMerged)
def follow_merges(session: Session, events: list[VolunteerMerged]) -> None:
    """Whoever stays reads the alerts of both from now on."""
    preferences.follow_merges(session, [(event.volunteer_id, event.into_id) for event in events])
    tell_subscribers(session, events)


@handles(VolunteerErased)
def forget_people(session: Session, events: list[VolunteerErased]) -> None:
    """Their alerts and preferences go, and no new ones come."""
    preferences.forget_people(session, [event.volunteer_id for event in events])
    tell_subscribers(session, events)


def tell_subscribers(session: Session, events: list) -> None:
    """Queue a delivery per subscription and have it sent after the commit; the sweep repairs a lost
    kick.
    """
    new = subscriptions.queue_deliveries(session, events)
    if len(new) > SENT_AT_ONCE:
        enqueue(session, "notify.deliver_due")
    else:
        for delivery_id in new:
            enqueue(session, "notify.deliver_webhook", str(delivery_id))
