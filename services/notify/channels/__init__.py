"""How people are reached: one file a channel, which offers `send`.

To add a channel, copy a file, enter it in `CHANNELS`, and add its texts to `templates` if it needs
its own. What sends to systems is in `webhooks/`.
"""

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy.orm import Session

from services.notify.audiences import AlertDraft
from services.notify.channels import in_app
from services.notify.outcomes import Outcome


class Channel(Protocol):
    """One way to reach people. A module with this function is a channel."""

    def send(self, session: Session, drafts: Sequence[AlertDraft]) -> Sequence[Outcome]:
        """Send alerts to the people they name. Return one outcome a draft, in the same order.

        The transaction of the event handler is open, so a channel that sends over the network
        writes a row here and sends it in a job. A repeated draft must not reach anybody twice.
        """


CHANNELS: dict[str, Channel] = {
    "in_app": in_app,
}
