"""The code as a picture and on a card: a phone reads the code; each look is recorded."""

from io import BytesIO
from typing import Any
from xml.etree import ElementTree

import pytest
import segno
from PIL import Image

from shared.core.ids import new_id
from tests.support.bank import Bank, Venue

PICTURES = ("code.svg", "code.png", "card.svg")


def look(bank: Bank, voucher_id: str, name: str, who: Any) -> Any:
    return bank.rewards.call("GET", f"/v1/vouchers/{voucher_id}/{name}", as_=bank.of(who))


@pytest.mark.parametrize("name", PICTURES)
def test_only_the_holder_sees_it_each_look_is_noted_and_nothing_is_kept(
    bank: Bank, star: Venue, name: str
) -> None:
    voucher = bank.earned(bank.fang)
    answer = look(bank, voucher, name, bank.fang)
    assert answer.status_code == 200
    assert answer.content_type.startswith("image/png" if name.endswith("png") else "image/svg+xml")
    assert answer.headers["Cache-Control"] == "no-store"
    foreign, unknown = (
        look(bank, voucher, name, bank.qiang),
        look(bank, str(new_id()), name, bank.qiang),
    )
    assert foreign.status_code == unknown.status_code == 404
    bank.ask("GET", f"/v1/vouchers/{voucher}/{name}", as_=bank.staff, status=403)
    assert bank.rows("SELECT looked_by FROM code_looks") == [(bank.fang,)]


def modules(code: str) -> list[list[int]]:
    return [list(row) for row in segno.make_qr(code, error="q").matrix]


def test_the_picture_is_the_full_size_qr_of_the_code(bank: Bank, star: Venue) -> None:
    voucher = bank.earned(bank.fang)
    code = bank.code_of(bank.fang, voucher)
    with Image.open(BytesIO(look(bank, voucher, "code.png", bank.fang).data)) as image:
        drawn = image.convert("1")
        size = drawn.width // 8
        seen = [
            [int(not drawn.getpixel((8 * x + 4, 8 * y + 4))) for x in range(size)]
            for y in range(size)
        ]
    assert [row[4:-4] for row in seen[4:-4]] == modules(code)
    svg = ElementTree.fromstring(look(bank, voucher, "code.svg", bank.fang).data)
    assert svg.tag == "{http://www.w3.org/2000/svg}svg"
    assert not segno.make_qr(code).is_micro


def test_the_card_shows_title_venue_last_day_and_code(bank: Bank, star: Venue) -> None:
    voucher = bank.earned(bank.fang)
    code = bank.code_of(bank.fang, voucher)
    card = ElementTree.fromstring(look(bank, voucher, "card.svg", bank.fang).data)
    words = [text.text or "" for text in card.iter("{http://www.w3.org/2000/svg}text")]
    assert {"电影票", "星光影城 Star cinema"[:20], code} <= {word.strip() for word in words}
    last = bank.rows(
        "SELECT to_char(expires_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD') FROM vouchers"
    )[0][0]
    assert any(last in word for word in words)
    assert (card.get("width"), card.get("height")) == ("74mm", "105mm")
    assert code not in str(bank.rewards.published())


def test_titles_and_names_are_text_and_never_markup(bank: Bank) -> None:
    star = Venue(bank, '<script>alert("1")</script>&')
    bank.minute_is_a_point()
    bank.issue(bank.product(star.id, title='</text><script href="x">\x07 & "电影" ' + "很长" * 60))
    voucher = bank.earned(bank.fang)
    answer = look(bank, voucher, "card.svg", bank.fang)
    card = ElementTree.fromstring(answer.data)
    tags = {element.tag.rpartition("}")[2] for element in card.iter()}
    assert tags <= {"svg", "title", "rect", "text", "g", "path"}
    assert b"<script" not in answer.data
