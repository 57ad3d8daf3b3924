"""Bodies that readers could read differently, and text that no column holds, are refused."""

import json
from typing import Any

import pytest

from devkit.testkit import District
from shared import SERVICES
from shared.core.json import RepeatedKey, read_json

ID = "0192f1c8-6d3a-7c55-9b1e-0f6f6f0f6f0f"
VENUE = b'{"name": "a", "kind": "cinema", "x": {"y": [1, {"k/1": 1, "k/1": 2}]}}'


def post(district: District, body: bytes, **headers: str) -> Any:
    return district.rewards.call(
        "POST",
        "/v1/venues",
        as_=district.token("staff"),
        data=body,
        headers={"Content-Type": "application/json", **headers},
    )


@pytest.mark.check("S3", "S7")
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"name": "a", "name": "b", "kind": "cinema"}', "/name"),
        (VENUE, "/x/y/1/k~11"),
        (b'{"name": "a", "kind": "cinema", "na\\u006de": "b"}', "/name"),
        (b'{"\\ud800": 1, "\\ud800": 2}', "/\\ud800"),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}])
def test_a_key_that_is_there_twice_is_named(
    district: District, body: bytes, pointer: str, headers: dict[str, str]
) -> None:
    answer = post(district, body, **headers)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
    assert district.rewards.call("GET", "/v1/venues", as_=district.token("staff")).json == {
        "items": [],
        "next": None,
    }


@pytest.mark.check("S7")
@pytest.mark.parametrize(
    "body",
    [
        b'{"name": NaN}',
        b'{"name": -Infinity}',
        b'{"name": "\xff"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"name": ' + b"9" * 5_000 + b"}",
        b'{"name": "a\x00b"}',
        '{"name": "a"}'.encode("utf-16"),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}])
def test_what_is_no_json_is_400(district: District, body: bytes, headers: dict[str, str]) -> None:
    assert post(district, body, **headers).status_code == 400


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "a\udfffb"])
def test_text_that_no_column_holds_is_422(district: District, text: str) -> None:
    body = json.dumps({"name": text, "kind": "cinema"}).encode()
    answer = post(district, body)
    assert answer.status_code == 422
    assert "NUL" in answer.json["detail"]


@pytest.mark.check("S7")
@pytest.mark.parametrize("service", SERVICES)
def test_nul_in_an_address_or_form_is_refused_everywhere(district: District, service: str) -> None:
    member, staff = district.services[service], district.token("staff")
    problems = {}
    for rule in member.app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            path = rule.rule
            for name, converter in rule._converters.items():
                text = "a%00b" if converter.__class__.__name__ == "UnicodeConverter" else str(ID)
                path = path.replace(f"<uuid:{name}>", text).replace(f"<{name}>", text)
            for query in ("?after=a%00b&q=%00", "?limit=1&organisation_id=%ed%a0%80&month=%00"):
                form = {"client_id": "a\x00b", "scope": "\x00", "grant_type": "client_credentials"}
                answer = member.call(method, path + query, as_=staff, data=form)
                if answer.status_code >= 500 or answer.status_code == 200:
                    problems[f"{method} {path}{query}"] = answer.status_code
    assert not {path: code for path, code in problems.items() if code != 200}
    assert not problems


@pytest.mark.parametrize("key", ["\x7f", "é" * 255, "x" * 256, " ", "\x01"])
def test_any_idempotency_key_gets_an_answer(district: District, key: str) -> None:
    answer = post(district, b'{"name": "a", "kind": "cinema"}', **{"Idempotency-Key": key})
    assert answer.status_code in (201, 400)


def test_reading_names_the_first_repeated_key_and_reads_everything_else() -> None:
    assert read_json('{"a": [1, {"b": 1.5e3}], "c": null}') == {"a": [1, {"b": 1500.0}], "c": None}
    with pytest.raises(RepeatedKey) as refused:
        read_json('[{"a": {"b": 1, "b": 2}}]')
    assert refused.value.pointer == "/0/a/b"


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", ""],
)
def test_json_under_another_type_is_read_and_not_lost(
    district: District, content_type: str
) -> None:
    """`curl -d` sends JSON as a form."""
    body = json.dumps({"name": "星光影城", "kind": "cinema"}).encode()
    answer = post(district, body, **{"Content-Type": content_type})
    assert (answer.status_code, answer.get_json().get("name")) == (201, "星光影城")
