"""Huge, deep, long and malformed input is refused at once, and costs little memory."""

import json
import resource
import time
from dataclasses import dataclass

import pytest

from devkit.testkit import District

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Hostile:
    """A body that nobody sends in earnest, and how it is refused."""

    body: bytes
    statuses: tuple[int, ...]


def in_field(text: str) -> bytes:
    return json.dumps({"name": text, "kind": "company"}).encode()


HOSTILE = {
    "50 MB": Hostile(b"[" + b"0," * (25 * MEGABYTE) + b"0]", (413,)),
    "10,000 levels of lists": Hostile(b"[" * 10_000 + b"]" * 10_000, (400, 422)),
    "10,000 levels of objects": Hostile(b'{"a":' * 10_000 + b"1" + b"}" * 10_000, (400, 422)),
    "levels that never close": Hostile(b'{"name":' * 100_000, (400, 422)),
    "900,000 items": Hostile(b"[" + b"0," * 900_000 + b"0]", (400, 422)),
    "100,000 fields": Hostile(json.dumps({str(n): 0 for n in range(100_000)}).encode(), (422,)),
    "a number of 100,000 digits": Hostile(b'{"name": ' + b"9" * 100_000 + b"}", (400, 422)),
    "a name of 1 MB": Hostile(in_field("心" * 300_000), (422,)),
    "half a character": Hostile(b'{"name": "\xe5\xbf"}', (400, 422)),
    "not a number": Hostile(b'{"name": NaN}', (400, 422)),
    "infinite": Hostile(b'{"name": 1e400}', (400, 422)),
    "a NUL": Hostile(in_field("a\x00b"), (422,)),
    "XML with an entity": Hostile(b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///x">]>', (400,)),
    "gzip": Hostile(b"\x1f\x8b\x08" + b"\x00" * 1000, (400,)),
}


@pytest.mark.check("S7")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_is_refused_within_a_second(district: District, name: str) -> None:
    hostile, staff = HOSTILE[name], district.token("staff")
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.process_time()
    response = district.registration.call(
        "POST",
        "/v1/organisations",
        as_=staff,
        data=hostile.body,
        content_type="application/json",
    )
    assert response.status_code in hostile.statuses, response.get_data(as_text=True)[:500]
    assert response.content_type == "application/problem+json"
    assert len(response.data) < 100_000
    assert time.process_time() - started < 1
    # In KiB; the client holds the body in this process as well.
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before.ru_maxrss
    assert grown * 1024 < 100 * MEGABYTE + len(hostile.body)


@pytest.mark.check("S7")
@pytest.mark.parametrize("limit", ["1000000000", "-1", "0", "1e9", "9" * 1000, "x"])
def test_a_page_of_any_size_is_refused(district: District, limit: str) -> None:
    for service, path in (("registration", "/v1/organisations"), ("rewards", "/v1/products")):
        response = district.services[service].call("GET", f"{path}?limit={limit}")
        assert response.status_code == 422, response.get_data(as_text=True)


@pytest.mark.check("S7")
@pytest.mark.parametrize("text", ["1 ", "1-", "一二", "a@", "﹣１", "  "])
def test_no_text_holds_the_screening_up(district: District, text: str) -> None:
    """Texts that make a pattern go back and forth."""
    beneficiary = {"name": "陈奶奶", "phone": "13712345678", "age_band": "70-79", "consent": True}
    body = {
        "title": "想要棉衣",
        "description": text * 1990,
        "category": "goods",
        "station_id": "00000000-0000-7000-8000-000000000000",
        "beneficiary": beneficiary,
    }
    started = time.process_time()
    assert district.wishes.call("POST", "/v1/wishes", body).status_code in (201, 422)
    assert time.process_time() - started < 1
