"""What must not stand on the public tree: phone, identity number, contact, address, the
beneficiary's own name, and appeals for cash or medical fees. Pure functions; they say what kind of
thing was found, never the thing itself.

Digits are found in any dress: full-width, circled, spelled out in Chinese or English, with dots or
spaces between. It is a net for honest slips, not for somebody set on passing it: a person at the
station reads every wish as well.
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
"""Not for the tree at all, however they are worded: other channels exist for them."""

_DIGITS = str.maketrans("零〇一二三四五六七八九壹贰叁肆伍陆柒捌玖幺两", "0012345678912345678912")
_ENGLISH = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_WORDS = {word: str(digit) for digit, word in enumerate(_ENGLISH)}
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\s\-_.,·•*/|()、,。]+(?=\d)")

_PATTERNS = {
    Finding.ID_NUMBER: re.compile(r"(?<!\d)(\d{17}[\dx]|\d{15})(?!\d)"),
    Finding.PHONE: re.compile(
        r"(?<!\d)(?:\+?86)?(1[3-9]\d{9}|0\d{9,11}|(?!(?:19|20)\d\d[01]\d[0-3]\d(?!\d))\d{7,8})(?!\d)"
    ),
    Finding.CONTACT: re.compile(
        r"[\w.+-]+@[\w-]+\.\w+|(?:微信号?|薇信|wechat|weixin|\bvx\b|\bqq\b)(?:id|号)?[\s:：是]*[a-z0-9][\w-]{4,}"
    ),
    Finding.ADDRESS: re.compile(
        r"[路街巷弄村道]\s*\d+\s*号|\d+\s*(?:号楼|栋|幢|单元|弄)|\d{2,}\s*室|(?:小区|花园|公寓|苑|新村)\s*\d+"
        r"|\d+\s+(?:\w+\s+){1,3}(?:street|road|avenue|lane)\b"
    ),
    Finding.CASH: re.compile(
        r"现金|转账|打款|汇款|红包|借钱|借款|还债|还款|贷款|捐款|捐钱|募捐|众筹|生活费|补助金|给钱|要钱|缺钱"
        r"|(?:需要|急需|缺|求|资助|募)[^。;,!?\n]{0,6}(?:钱|\d[\d,.]*[千万]?元)(?!的|左右的|以内)"
        r"|\bcash\b|\bmoney\b|\bloan\b"
    ),
    Finding.MEDICAL: re.compile(
        r"医药费|医疗费|手术费|治疗费|住院费|药费|透析费|化疗费|看病的?钱|(?:付|交|筹)[^。;,!?\n]{0,4}(?:手术|治疗|住院)"
        r"|\bmedical (?:fees?|bills?|costs?|expenses?)|\bhospital (?:fees?|bills?|costs?)"
        r"|\b(?:surgery|treatment) (?:fees?|bills?|costs?)"
    ),
}


def plain(text: str) -> str:
    """The text as a reader hears it: one width, lower case, digits as digits and nothing between
    them.
    """
    text = unicodedata.normalize("NFKC", text).lower()
    text = "".join(c for c in text if unicodedata.category(c) != "Cf")  # zero-width signs
    text = re.sub(r"\b(" + "|".join(_WORDS) + r")\b", lambda m: _WORDS[m[0]], text)
    return _BETWEEN_DIGITS.sub("", text.translate(_DIGITS))


def findings(text: str, names: Iterable[str] = ()) -> list[Finding]:
    """What a text holds that the public may not see, in a fixed order. `names` are the
    beneficiary's and guardian's.
    """
    told = plain(text)
    found = {kind for kind, pattern in _PATTERNS.items() if pattern.search(told)}
    # Names are compared without what plain() does to digits: 王五 is a name.
    squeezed = _squeezed(text)
    if any(len(name) >= 2 and name in squeezed for name in map(_squeezed, names)):
        found.add(Finding.NAME)
    return [kind for kind in Finding if kind in found]


def _squeezed(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum())
