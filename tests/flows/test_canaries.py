"""People leave traces only where they must, and none after they were erased.

Each has words that nobody else has, canaries, which are looked for in every table of every service,
in what the public sees and in what services tell each other.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from sqlalchemy import func, select, text

from devkit.testkit import District
from services.wishes import contacts
from services.wishes.models import Beneficiary
from shared import SERVICES
from tests.contracts.test_who_may_call import ANYBODY, routes_of
from tests.flows.test_hours_to_alert import Centre
from tests.support.wish_tree import Tree

PEOPLE = 20


@dataclass(frozen=True, slots=True)
class Person:
    """A volunteer who also wishes for something, and the words that only they have."""

    number: int

    @property
    def name(self) -> str:
        return f"欧阳金丝雀{self.number:03}"

    @property
    def phone(self) -> str:
        return f"1357777{self.number:04}"

    @property
    def canaries(self) -> tuple[str, ...]:
        return self.name, self.phone


@dataclass(frozen=True, slots=True)
class Traces:
    """The district after a day's work of all of them."""

    district: District
    people: list[Person]
    volunteers: list[str]
    wishes: list[str]

    def found(self) -> dict[str, int]:
        """How many rows of each table have a canary in any column, as text or as bytes."""
        words = [word for person in self.people for word in person.canaries]
        return {table: rows for table in self._tables() if (rows := self._rows_with(table, words))}

    def _tables(self) -> Iterator[str]:
        with psycopg.connect(self.district.env["WISHTREE_OWNER_DATABASE_URL"]) as connection:
            yield from (
                str(row[0])
                for row in connection.execute(
                    "SELECT schemaname || '.' || quote_ident(tablename) FROM pg_tables"
                    " WHERE schemaname = ANY(%s) ORDER BY 1",
                    [list(SERVICES)],
                )
            )

    def _rows_with(self, table: str, words: list[str]) -> int:
        patterns = [f"%{form}%" for word in words for form in (word, word.encode().hex())]
        with psycopg.connect(self.district.env["WISHTREE_OWNER_DATABASE_URL"]) as connection:
            count = f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE ANY(%s)"
            [(rows,)] = connection.execute(count, [patterns]).fetchall()  # type: ignore[arg-type]
            return int(rows)


@pytest.fixture
def traces(district: District) -> Traces:
    """Each registers, works for a voucher and gets an alert; each has a wish of their own."""
    centre, tree, people = Centre(district), Tree(district), [Person(n) for n in range(PEOPLE)]
    volunteers, wishes = [], []
    for person in people:
        body = {"name": person.name, "phone": person.phone, "birth_date": "1990-01-01"}
        volunteers.append(str(centre.request("POST", "/v1/volunteers", body)["id"]))
        centre.request("PUT", f"/v1/volunteers/{volunteers[-1]}/activation")
        record = centre.record(volunteers[-1], 120) | {"note": f"{person.name} 帮了忙"}
        centre.request("POST", "/v1/service-records", record, as_=centre.system)
        wishes.append(str(tree.published(beneficiary={"name": person.name, "phone": person.phone})))
    district.deliver_all()
    return Traces(district, people, volunteers, wishes)


@pytest.mark.check("P1")
@pytest.mark.long(reason="twenty people through all services")
def test_names_and_phones_lie_in_one_table_and_are_never_shown_or_told(traces: Traces) -> None:
    assert traces.found() == {
        "registration.service_records": PEOPLE,  # the note of whoever recorded it
        "registration.volunteers": PEOPLE,
    }
    shown = "\n".join(public_answers(traces))
    assert shown.count("一条保暖的毛毯") >= PEOPLE, "void: the wishes are not among the answers"
    assert not [word for person in traces.people for word in person.canaries if word in shown]


def public_answers(traces: Traces) -> Iterator[str]:
    """What anybody sees on every page of the APIs that is open to all."""
    for member in traces.district.services.values():
        for route in routes_of(member):
            if route.method == "GET" and ANYBODY in route.allowed:
                ids = traces.wishes if "<uuid:wish_id>" in route.path else [traces.volunteers[0]]
                for id_ in ids:
                    path = route.example().replace(route.example()[-36:], id_)
                    yield member.call("GET", path).get_data(as_text=True)
    for member in traces.district.services.values():
        yield json.dumps([event["data"] for event in member.published()], ensure_ascii=False)


@pytest.mark.check("P3")
@pytest.mark.long(reason="twenty people through all services")
def test_nothing_is_left_of_people_who_were_erased_and_sums_stay(traces: Traces) -> None:
    district = traces.district
    staff, before = district.token("staff"), sums(district)
    assert sum(traces.found().values()) == 2 * PEOPLE
    for volunteer_id in traces.volunteers:
        path = f"/v1/volunteers/{volunteer_id}/erasure"
        assert district.registration.call("PUT", path, as_=staff).status_code == 200
    district.deliver_all()
    for wish_id in traces.wishes:
        path = f"/v1/wishes/{wish_id}/withdrawal"
        assert district.wishes.call("PUT", path, as_=staff).status_code == 200
    with district.wishes.session() as session:
        assert contacts.erase_old_contacts(session, days=-1) == PEOPLE
        sealed = select(func.count()).select_from(Beneficiary).where(Beneficiary.name.is_not(None))
        assert session.scalar(sealed) == 0
    assert traces.found() == {}
    assert sums(district) == before


def sums(district: District) -> tuple[int, int]:
    """Minutes of the district, and the points that they earned."""
    with district.rewards.session() as session:
        row = session.execute(
            text(
                "SELECT sum(minutes_credited), (SELECT sum(amount) FROM transfers"
                " WHERE kind = 'earned') FROM accounts"
            )
        ).one()
        return int(row[0]), int(row[1])
