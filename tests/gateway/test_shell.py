"""What all pages have in common: language and headers; and each service's page of endpoints."""

import re
from pathlib import Path
from typing import Any

import pytest

import gateway
import shared.service
from gateway.app import Gateway, caller_of
from gateway.labels import LABELS
from gateway.shell import make_pages
from gateway.upstreams import Upstream
from shared import SERVICES
from shared.core.language import translations
from tests.support.browsing import Browser, Centre

PAGES = ("/", "/login", "/activities", "/counter", "/no/such/page")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_runs_no_foreign_and_no_inline_code(centre: Centre, path: str) -> None:
    answer = centre.browser().get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(
        r"<script(?! src=\"/static/)|<style|style=|\bon\w+=|https?://", answer.text
    )


@pytest.mark.parametrize("path", PAGES)
def test_a_page_names_its_language_and_every_field(centre: Centre, path: str) -> None:
    text = centre.browser().get(path).text
    assert '<html lang="zh-CN">' in text
    for field in re.findall(r"<(?:input|select)(?![^>]*type=\"hidden\")[^>]*>", text):
        name = re.search(r'id="(\w+)"', field)
        assert name
        assert f'<label for="{name.group(1)}"' in text
    assert text.count("<h1") == 1


def test_chinese_comes_first_and_english_by_header_or_choice(centre: Centre) -> None:
    assert "邻里心愿" in centre.browser("").get("/").text
    assert "邻里心愿" in centre.browser("fr").get("/").text
    assert "Wishes of our neighbours" in centre.browser("en-GB,en;q=0.8").get("/").text
    chosen = centre.browser("zh-CN")
    assert "Wishes of our neighbours" in chosen.get("/?lang=en").text
    assert "Wishes of our neighbours" in chosen.get("/").text
    assert "邻里心愿" in chosen.get("/?lang=zh-CN").text


def test_every_text_of_the_pages_has_its_chinese() -> None:
    folder = Path(gateway.__file__).parent
    texts = {text for kind in LABELS.values() for text in kind.values()}
    for path in (
        *folder.rglob("*.html"),
        *(Path(shared.service.__file__).parent / "templates").glob("*.html"),
    ):
        texts |= {
            a or b for a, b in re.findall(r"_\((?:\"([^\"]+)\"|'([^']+)')\)", path.read_text())
        }
    catalogue = translations("zh-CN")
    assert [text for text in sorted(texts) if catalogue.gettext(text) == text] == []


def test_a_page_of_a_service_that_does_not_answer_has_a_message(centre: Centre) -> None:
    services: dict[str, Any] = {
        name: member.app for name, member in centre.district.services.items()
    }
    services["wishes"] = Upstream("wishes", "http://127.0.0.1:1")
    browser = Browser(Gateway(services, make_pages(centre.district.settings, caller_of(services))))
    answer = browser.get("/")
    assert answer.status_code == 503
    assert "<h1>" in answer.text
    assert browser.get("/activities").status_code == 200


def test_a_script_gets_the_refusal_as_a_part_of_a_page(centre: Centre) -> None:
    browser = centre.browser()
    browser.get("/counter")
    answer = browser.post("/counter", token="stale", headers={"X-Part": "1"})
    assert answer.status_code == 400
    assert "表单" in answer.text
    assert "<html" not in answer.text


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_explains_its_endpoints_at_its_own_address(centre: Centre, service: str) -> None:
    own = centre.district.services[service].call("GET", f"/{service}/docs")
    assert own.status_code == 200
    assert "default-src 'none'" in own.headers["Content-Security-Policy"]
    document = centre.district.services[service].call("GET", f"/{service}/openapi.json").get_json()
    for path in document["paths"]:
        assert f"<code>{path}</code>" in own.text
    assert centre.browser().get(f"/{service}/docs").status_code == 200
    assert (
        centre.browser()
        .get(f"/{service}/docs/docs.css")
        .headers["Content-Type"]
        .startswith("text/css")
    )


def test_the_page_says_who_may_and_what_is_sent(centre: Centre) -> None:
    text = centre.district.wishes.call(
        "GET", "/wishes/docs", headers={"Accept-Language": "en"}
    ).text
    claim = text[text.index('id="put-v1-wishes--wish_id--claim"') :].split("</details>")[0]
    assert "coordinator, staff, volunteer" in claim
    assert "claimer_kind" in claim
    assert "volunteer | organisation" in claim
