"""What may not stand on the public tree, however it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.wishes.screening import Finding, findings, plain

CLEAN = (
    "想要一条厚毛毯",
    "一本50元的书, 适合三年级",
    "8:30到11:30陪我下棋",
    "2026-11-23 前送到就好",
    "给孩子一个书包和两双鞋",
    "a warm blanket for one person",
    "一台收音机, 1号电池",
)


@pytest.mark.parametrize("text", CLEAN)
def test_an_ordinary_wish_is_clean(text: str) -> None:
    assert findings(text, ["陈桂芳"]) == []


@pytest.mark.parametrize(
    "text",
    [
        "打13812345678",
        "１３８１２３４５６７８",
        "138-1234-5678",
        "一三八 一二三四 五六七八",
        "幺三八壹贰叁肆伍陆柒捌",
        "①③⑧①②③④⑤⑥⑦⑧",
        "one three eight 1234 five six seven 8",
        "0570-3021234",
        "+86 138 1234 5678",
        "电话3021234",
        "1\u200b3\u200b8\u200b12345678",
    ],
)
def test_a_phone_number_is_found_however_it_is_written(text: str) -> None:
    assert Finding.PHONE in findings(text)


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("33080219900101123X", Finding.ID_NUMBER),
        ("身份证 三三零八零二 19900101 1234", Finding.ID_NUMBER),
        ("加微信 chen_gf88", Finding.CONTACT),
        ("QQ：12345678", Finding.CONTACT),
        ("chen@example.com", Finding.CONTACT),
        ("送到花园路12号", Finding.ADDRESS),
        ("三幢二单元 301 室", Finding.ADDRESS),
        ("at 12 West Lake Road", Finding.ADDRESS),
        ("我叫陈 桂 芳", Finding.NAME),
        ("急需现金", Finding.CASH),
        ("需要5000元", Finding.CASH),
        ("希望资助两万元", Finding.CASH),
        ("please send money", Finding.CASH),
        ("付不起医药费", Finding.MEDICAL),
        ("筹手术费", Finding.MEDICAL),
        ("help with hospital bills", Finding.MEDICAL),
    ],
)
def test_what_is_not_public_is_named(text: str, finding: Finding) -> None:
    assert finding in findings(text, ["陈桂芳"])


@given(st.text(max_size=60), st.text(max_size=60), st.integers(130_0000_0000, 199_9999_9999))
def test_no_words_around_a_phone_hide_it(before: str, after: str, phone: int) -> None:
    spelled = str(phone).translate(str.maketrans("0123456789", "零一二三四五六七八九"))
    assert Finding.PHONE in findings(f"{before}，字{spelled}字{after}")


@given(st.text(max_size=200))
def test_any_text_can_be_screened(text: str) -> None:
    findings(text, [text[:4], ""])
    plain(text)
