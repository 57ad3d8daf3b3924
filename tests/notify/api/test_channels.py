"""Channels, by what reaches people when one of them refuses."""

from types import SimpleNamespace

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from devkit.testkit import District
from services.notify.channels import CHANNELS
from services.notify.models import Alert
from services.notify.outcomes import Permanent
from shared.core.ids import new_id
from tests.support.receivers import hours, message


def test_what_one_channel_refuses_is_logged_and_still_reaches_the_inbox(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    pigeons = SimpleNamespace(send=lambda session, drafts: [Permanent("lost")] * len(drafts))
    monkeypatch.setitem(CHANNELS, "pigeons", pigeons)
    shen_fang = new_id()

    with capture_logs() as logged:
        district.notify.receive(message(hours(shen_fang)))

    [refused] = [entry for entry in logged if entry["event"] == "alert not accepted"]
    assert (refused["channel"], refused["template"]) == ("pigeons", "hours_recorded")
    with district.notify.session() as session:
        assert session.scalars(select(Alert.person_id)).all() == [shen_fang]
    assert district.notify.published() == []
