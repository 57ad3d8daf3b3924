"""What must not be shown on the public tree.

That is a phone, identity number, contact, address, the beneficiary's own name, and appeals for cash
or medical fees. Pure functions: they return the kind of thing found, never the thing itself.

Digits are found however they are written: full-width, circled, spelled out in Chinese or English,
with dots or spaces between. This catches slips, not somebody who tries to evade it: a person at
the station reads every wish as well.
"""

import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum


class Finding(StrEnum):
    """Why a text may not be shown."""

    PHONE = "phone"
    ID_NUMBER = "id_number"
    CONTACT = "contact"  #: e-mail, WeChat or QQ name
    ADDRESS = "address"
    NAME = "name"  #: the beneficiary's own
    CASH = "cash"
    MEDICAL = "medical"


APPEALS = frozenset({Finding.CASH, Finding.MEDICAL})
"""Refused at once, however they are worded: other channels exist for them."""

_CHINESE_DIGITS = str.maketrans(
    "零〇一二三四五六七八九壹贰叁肆伍陆柒捌玖幺两", "0012345678912345678912"
)
_ENGLISH = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_DIGIT_OF = {word: str(digit) for digit, word in enumerate(_ENGLISH)}
_ENGLISH_DIGIT = re.compile(rf"\b({'|'.join(_ENGLISH)})\b")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\s\-_.,·•*/|()、,。]+(?=\d)")


def _one_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


# All patterns see plain text: half width, lower case, digits as digits.
_PATTERNS = {
    # Resident identity numbers: 18 characters (GB 11643-1999), 15 in the older form.
    Finding.ID_NUMBER: _one_of(r"(?<!\d)(?:\d{17}[\dx]|\d{15})(?!\d)"),
    Finding.PHONE: re.compile(
        r"(?<!\d)(?:\+?86)?"
        r"(?:1[3-9]\d{9}"  # mobile
        r"|0\d{9,11}"  # landline with its area code
        # A local landline number; eight digits that read as a date are none.
        r"|(?!(?:19|20)\d\d[01]\d[0-3]\d(?!\d))\d{7,8})"
        r"(?!\d)"
    ),
    Finding.CONTACT: _one_of(
        r"[\w.+-]+@[\w-]+\.\w+",
        r"(?:微信号?|薇信|wechat|weixin|\bvx\b|\bqq\b)(?:id|号)?"
        r"[\s:：是]*[a-z0-9][\w-]{4,}",
    ),
    Finding.ADDRESS: _one_of(
        r"[路街巷弄村道]\s*\d+\s*号",
        r"\d+\s*(?:号楼|栋|幢|单元|弄)",
        r"\d{2,}\s*室",
        r"(?:小区|花园|公寓|苑|新村)\s*\d+",
        r"\d+\s+(?:\w+\s+){1,3}(?:street|road|avenue|lane)\b",
    ),
    Finding.CASH: _one_of(
        "现金|转账|打款|汇款|红包|借钱|借款|还债|还款|贷款|捐款|捐钱|募捐|众筹",
        "生活费|补助金|给钱|要钱|缺钱",
        # Not where the price only describes a thing: 一本50元的书, 50元左右的书, 50元以内.
        r"(?:需要|急需|缺|求|资助|募)[^。;,!?\n]{0,6}"
        r"(?:钱|\d[\d,.]*[千万]?元)(?!的|左右的|以内)",
        r"\bcash\b|\bmoney\b|\bloan\b",
    ),
    Finding.MEDICAL: _one_of(
        "医药费|医疗费|手术费|治疗费|住院费|药费|透析费|化疗费|看病的?钱",
        r"(?:付|交|筹)[^。;,!?\n]{0,4}(?:手术|治疗|住院)",
        r"\bmedical (?:fees?|bills?|costs?|expenses?)",
        r"\bhospital (?:fees?|bills?|costs?)",
        r"\b(?:surgery|treatment) (?:fees?|bills?|costs?)",
    ),
}


def plain(text: str) -> str:
    """Return a text in one form: one width, lower case, digits as digits with nothing between."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = "".join(c for c in text if unicodedata.category(c) != "Cf")  # zero-width signs
    text = _ENGLISH_DIGIT.sub(lambda match: _DIGIT_OF[match[0]], text)
    return _BETWEEN_DIGITS.sub("", text.translate(_CHINESE_DIGITS))


def findings(text: str, names: Iterable[str] = ()) -> list[Finding]:
    """Return what a text holds that the public may not see, in a fixed order.

    `names` are the beneficiary's and guardian's.
    """
    plain_text = plain(text)
    found = {kind for kind, pattern in _PATTERNS.items() if pattern.search(plain_text)}
    if _holds_name(text, names):
        found.add(Finding.NAME)
    return [kind for kind in Finding if kind in found]


def _holds_name(text: str, names: Iterable[str]) -> bool:
    # Names are compared without what plain() does to digits: 王五 is a name.
    letters = _only_letters(text)
    return any(len(name) >= 2 and name in letters for name in map(_only_letters, names))


def _only_letters(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum())
