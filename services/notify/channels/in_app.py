"""The in-app inbox. Writing the row delivers the alert, so this channel accepts everything."""

import json
from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.notify.audiences import AlertDraft
from services.notify.outcomes import Accepted, Outcome
from shared.core.ids import new_id

# Sorted, so that two consumers that received the same events lock in one order. One parameter,
# however large the batch.
_WRITE = text("""
    INSERT INTO alerts (id, person_id, topic, event_id, template, params)
    SELECT draft.id, draft.person_id, draft.topic, draft.event_id, draft.template, draft.params
    FROM jsonb_to_recordset(cast(:drafts AS jsonb))
      AS draft (id uuid, person_id uuid, topic text, event_id uuid, template text, params jsonb)
    WHERE NOT EXISTS (SELECT FROM erased_people WHERE erased_people.person_id = draft.person_id)
    ORDER BY draft.event_id, draft.person_id, draft.template
    ON CONFLICT (event_id, person_id, template) DO NOTHING
""")


def send(session: Session, drafts: Sequence[AlertDraft]) -> list[Outcome]:
    """Write one alert per event, person and template, in one statement for the whole batch.

    An alert that is already there stays. Erased people get none.
    """
    if drafts:
        rows = json.dumps([_row(draft) for draft in drafts])
        session.execute(_WRITE, {"drafts": rows})
    return [Accepted()] * len(drafts)


def _row(draft: AlertDraft) -> dict[str, object]:
    return {
        "id": str(new_id()),
        "person_id": str(draft.person_id),
        "topic": draft.topic,
        "event_id": str(draft.event_id),
        "template": draft.template,
        "params": draft.params,
    }
