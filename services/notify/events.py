"""Its side of the conversation: what notify says, and how it reacts to what it hears."""

from sqlalchemy.orm import Session

from services.notify import audiences, preferences
from services.notify.channels import in_app
from services.notify.webhooks import subscriptions
from shared.auth.withdrawn import note_access_changed
from shared.contracts.base import Fact, facts_heard_by
from shared.contracts.notify import AlertFailed, SubscriptionDisabled
from shared.contracts.registration import PersonAccessChanged, VolunteerErased, VolunteerMerged
from shared.jobs.enqueue import kick
from shared.messaging.inbox import hears

PUBLISHES: tuple[type[Fact], ...] = (AlertFailed, SubscriptionDisabled)
"""alert.failed is for the first channel that can fail; writing the in-app inbox cannot."""

PEOPLE = (PersonAccessChanged, VolunteerMerged, VolunteerErased)
SENT_AT_ONCE = 5  #: one job each; a larger batch gets one sweep


@hears(*(cls for cls in facts_heard_by("notify") if cls not in PEOPLE))
def tell_everyone(session: Session, facts: list[Fact]) -> None:
    """Write the alerts that the table of audiences asks for, and queue the fact for those who
    subscribed to it.
    """
    in_app.send(session, list(audiences.told_by(facts)))
    tell_subscribers(session, facts)


@hears(VolunteerMerged)
def follow_merges(session: Session, facts: list[VolunteerMerged]) -> None:
    """Whoever stays reads the alerts of both from now on."""
    preferences.follow_merges(session, [(fact.volunteer_id, fact.into_id) for fact in facts])
    tell_subscribers(session, facts)


@hears(VolunteerErased)
def forget_people(session: Session, facts: list[VolunteerErased]) -> None:
    """Their alerts and preferences go, and no new ones come."""
    preferences.forget_people(session, [fact.volunteer_id for fact in facts])
    tell_subscribers(session, facts)


@hears(PersonAccessChanged)
def withdraw_access(session: Session, facts: list[PersonAccessChanged]) -> None:
    """Tokens issued before the change no longer count here."""
    note_access_changed(session, facts)


def tell_subscribers(session: Session, facts: list) -> None:
    """Queue a delivery per subscription and have it sent after the commit; the sweep repairs a lost
    kick.
    """
    new = subscriptions.queue_deliveries(session, facts)
    if len(new) > SENT_AT_ONCE:
        kick(session, "notify.deliver_due")
    else:
        for delivery_id in new:
            kick(session, "notify.deliver_webhook", str(delivery_id))
