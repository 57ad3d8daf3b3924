"""GET /v1/people/{id}/alerts, PUT /v1/alerts/{id}/read, preferences."""

import random
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from devkit.testkit import District
from services.notify.models import Alert, MergedPerson
from shared.contracts.notify import STAFF_INBOX
from shared.contracts.registration import Origin, VolunteerErased, VolunteerMerged
from shared.contracts.rewards import StockLow
from shared.core.ids import new_id
from shared.db.bulk import insert_rows
from tests.support.receivers import hours, message, voucher
from tests.support.statements import counted


def count(district: District) -> int:
    with district.notify.session() as session:
        return session.scalar(select(func.count()).select_from(Alert)) or 0


def alerts(district: District, person: UUID, as_: str | None = None, **options: Any) -> Any:
    token = as_ or district.token("volunteer", person)
    return district.notify.call("GET", f"/v1/people/{person}/alerts", as_=token, **options)


def items(district: District, person: UUID, **options: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = alerts(district, person, **options).json["items"]
    return found


def test_an_event_alerts_a_person_once_however_often_it_arrives(district: District) -> None:
    shen_fang = new_id()
    imported = hours(shen_fang, Origin.IMPORT)
    events = [message(hours(shen_fang)), message(voucher(shen_fang)), message(imported)] * 2
    random.Random(7).shuffle(events)
    district.notify.receive(*events[:3])
    district.notify.receive(*events[3:])

    chinese = {alert["topic"]: alert["text"] for alert in items(district, shen_fang)}
    assert chinese == {
        "hours": "已记录 2026-03-01 的 2 小时。",
        "vouchers": "“星光影院 Star cinema”已放入您的券包，有效期至 2026-12-31 23:59。",
    }
    assert count(district) == 2
    english = items(district, shen_fang, headers={"Accept-Language": "en"})
    assert "2 h on 2026-03-01 were recorded." in [alert["text"] for alert in english]
    assert district.notify.published() == []


def test_the_alert_constraint_holds_when_the_inbox_forgot(district: District) -> None:
    event = message(hours(new_id()))
    district.notify.receive(event)
    with district.notify.session() as session:
        session.execute(text("DELETE FROM inbox"))
    district.notify.receive(event)
    assert count(district) == 1


def test_strangers_see_nothing(district: District) -> None:
    shen_fang, wang_qiang = new_id(), new_id()
    district.notify.receive(message(hours(shen_fang)))
    alert = items(district, shen_fang)[0]["id"]
    stranger = district.token("volunteer", wang_qiang)
    assert alerts(district, shen_fang, stranger).status_code == 404
    assert district.notify.call("PUT", f"/v1/alerts/{alert}/read", as_=stranger).status_code == 404
    assert alerts(district, shen_fang, district.token("staff")).status_code == 200
    assert items(district, shen_fang)[0]["read_at"] is None


def test_reading_is_harmless_to_repeat_and_unread_leaves_it_out(district: District) -> None:
    shen_fang = new_id()
    district.notify.receive(message(hours(shen_fang)))
    me = district.token("volunteer", shen_fang)
    path = f"/v1/alerts/{items(district, shen_fang)[0]['id']}/read"
    first = district.notify.call("PUT", path, as_=me).json["read_at"]
    assert district.notify.call("PUT", path, as_=me).json["read_at"] == first
    assert items(district, shen_fang, query_string={"unread": "true"}) == []


def test_after_a_merge_the_one_who_stays_also_gets_late_alerts(district: District) -> None:
    old, older, kept = new_id(), new_id(), new_id()
    district.notify.receive(
        message(VolunteerMerged(volunteer_id=old, into_id=kept)), message(hours(older))
    )
    district.notify.receive(
        message(VolunteerMerged(volunteer_id=older, into_id=old)), message(hours(old))
    )
    assert len(items(district, kept)) == 2


@pytest.mark.check("P3")
def test_the_erased_keep_no_alerts_and_get_no_new_ones(district: District) -> None:
    shen_fang, duplicate = new_id(), new_id()
    district.notify.receive(message(hours(shen_fang)), message(hours(duplicate)))
    district.notify.receive(message(VolunteerErased(volunteer_id=shen_fang)))
    district.notify.receive(message(VolunteerMerged(volunteer_id=duplicate, into_id=shen_fang)))
    district.notify.receive(message(hours(shen_fang)), message(hours(duplicate)))
    assert count(district) == 0


def test_staff_share_an_inbox_and_organisations_have_one(district: District) -> None:
    low = StockLow(product_id=new_id(), venue_id=new_id(), title="游泳", left=2)
    district.notify.receive(message(low))
    staff = district.token("staff")
    [alert] = items(district, STAFF_INBOX, as_=staff)
    assert alert["text"] == "“游泳”仅剩 2 份。"
    read = district.notify.call("PUT", f"/v1/alerts/{alert['id']}/read", as_=staff)
    assert read.status_code == 200

    station = new_id()
    coordinator = district.token("coordinator", organisation=station)
    assert alerts(district, station, coordinator).status_code == 200


def test_muted_topics_are_hidden_until_unmuted(district: District) -> None:
    shen_fang = new_id()
    me = district.token("volunteer", shen_fang)

    def prefer(**preferences: Any) -> int:
        path = f"/v1/people/{shen_fang}/preferences"
        return district.notify.call("PUT", path, preferences, as_=me).status_code

    assert prefer(muted_topics=["hours"], language="en") == 200
    district.notify.receive(message(hours(shen_fang)))
    assert items(district, shen_fang) == []
    assert prefer(language="en") == 200
    assert items(district, shen_fang)[0]["title"] == "Hours recorded"
    assert prefer(muted_topics=["nonsense"]) == 422


def chain_of_duplicates(district: District, count: int) -> tuple[UUID, UUID]:
    """Merge 1 into 2, 2 into 3 and so on; returns the first and the last."""
    people = [new_id() for _ in range(count)]
    rows = [{"person_id": one, "into_id": two} for one, two in pairwise(people)]
    with district.notify.session() as session:
        insert_rows(session, MergedPerson, rows)
    return people[0], people[-1]


def test_a_chain_of_2000_duplicates_is_read_and_erased_in_a_few_statements(
    district: District,
) -> None:
    first, last = chain_of_duplicates(district, 2_000)
    district.notify.receive(message(hours(first)))
    assert len(items(district, last)) == 1
    with counted(district.notify) as sent:
        district.notify.receive(message(VolunteerErased(volunteer_id=last)))
    assert len(sent) < 30, "\n".join(sent)
    district.notify.receive(message(hours(first)))
    assert count(district) == 0


def test_an_erasure_that_overtook_a_merge_goes_down_a_chain_of_2000(district: District) -> None:
    first, last = chain_of_duplicates(district, 2_000)
    kept = new_id()
    district.notify.receive(message(hours(first)), message(VolunteerErased(volunteer_id=kept)))
    district.notify.receive(message(VolunteerMerged(volunteer_id=last, into_id=kept)))
    assert count(district) == 0


def test_merges_in_a_circle_end(district: District) -> None:
    one, two = new_id(), new_id()
    district.notify.receive(
        message(hours(one)),
        message(VolunteerMerged(volunteer_id=one, into_id=two)),
        message(VolunteerMerged(volunteer_id=two, into_id=one)),
    )
    assert len(items(district, one)) == len(items(district, two)) == 1
    district.notify.receive(message(VolunteerErased(volunteer_id=two)))
    assert count(district) == 0
