"""The in-app inbox: writing the row is delivering it, so it cannot fail by itself. One statement
for a whole batch.
"""

import json
from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.notify.audiences import Told
from shared.core.ids import new_id
from shared.db.statements import changed

# Sorted, so that two buses that were handed the same facts lock in one order. One parameter,
# however large the batch.
_WRITE = text("""
    INSERT INTO alerts (id, person_id, topic, event_id, template, params)
    SELECT told.id, told.person_id, told.topic, told.event_id, told.template, told.params
    FROM jsonb_to_recordset(cast(:told AS jsonb))
      AS told (id uuid, person_id uuid, topic text, event_id uuid, template text, params jsonb)
    WHERE NOT EXISTS (SELECT FROM erased_people WHERE erased_people.person_id = told.person_id)
    ORDER BY told.event_id, told.person_id, told.template
    ON CONFLICT (event_id, person_id, template) DO NOTHING
""")


def send(session: Session, told: Sequence[Told]) -> int:
    """Write one alert per fact, person and template; what is already there stays. Returns how many
    are new.
    """
    if not told:
        return 0
    rows = [
        {
            "id": str(new_id()),
            "person_id": str(t.person_id),
            "topic": t.topic,
            "event_id": str(t.event_id),
            "template": t.template,
            "params": t.params,
        }
        for t in told
    ]
    return changed(session.execute(_WRITE, {"told": json.dumps(rows)}))
