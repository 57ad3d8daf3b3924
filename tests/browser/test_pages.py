"""What only a browser shows: pages fit a phone, work by keyboard, are readable in the dark and
break no policy.
"""

import re
from typing import Any

import pytest

from tests.support.browsing import Centre

pytestmark = pytest.mark.browser

PAGES = ("/", "/login", "/activities", "/counter", "/wishes/docs", "/no/such/page")
CONTRASTS = """() => {
  const light = (c) => c.map((v) => v / 255)
    .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const parts = (s) => s.match(/[\\d.]+/g).map(Number);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = parts(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > 0) return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll("body *")]
    .filter((e) => e.offsetParent)
    .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
    .map((e) => {
      const [a, b] = [light(parts(getComputedStyle(e).color).slice(0, 3)), light(ground(e))];
      return [e.textContent.trim().slice(0, 40), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
    })
    .filter(([, ratio]) => ratio < 4.5);
}"""


@pytest.fixture
def open_page(chromium: Any, address: str) -> Any:
    """Open a page; its console messages about errors and policies are in `.complaints`."""
    contexts = []

    def open_(path: str, **options: Any) -> Any:
        context = chromium.new_context(base_url=address, **({"locale": "zh-CN"} | options))
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                page.complaints.append(message.text) if "Policy" in message.text else None
            ),
        )
        page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_fits_a_phone_and_can_be_read(
    centre: Centre, open_page: Any, path: str, scheme: str
) -> None:
    centre.wish("一条保暖的毛毯, 标题很长" * 6)
    page = open_page(path, viewport={"width": 320, "height": 640}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.evaluate(CONTRASTS) == []
    assert page.complaints == []


def test_a_wish_is_claimed_without_a_mouse(centre: Centre, open_page: Any) -> None:
    centre.volunteer()
    wish = centre.wish()
    page = open_page("/login")
    page.focus("#phone")
    page.keyboard.type("13800000011")
    page.keyboard.press("Enter")
    page.wait_for_selector("#code:focus")
    page.keyboard.type(centre.code_sent_to("13800000011"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/me")
    page.goto(f"/wishes/{wish}")
    for _ in range(20):
        page.keyboard.press("Tab")
        focused = page.evaluate("""() => {
          const element = document.activeElement;
          return [element.textContent, getComputedStyle(element).outlineStyle];
        }""")
        assert focused[1] == "solid"
        if focused[0] == "我来认领":
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**?done=claimed")
    assert "认领成功" in page.inner_text("[role=status]")


def test_the_counter_keeps_the_key_while_the_page_is_open(centre: Centre, open_page: Any) -> None:
    page = open_page("/counter")
    page.fill("#key", "no-such-key")
    page.fill("#code", "2345")
    page.click("button[value=check]")
    page.wait_for_selector("#result .notice.bad")
    assert page.input_value("#key") == "no-such-key"
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert not re.search("no-such-key", page.url)
    page.reload()
    assert page.input_value("#key") == ""
    assert page.complaints == []
