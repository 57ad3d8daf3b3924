"""What a holder shows or prints: the code as a QR picture, and a card of A7 for the purse or the
phone.
"""

import unicodedata
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

import segno

from services.rewards.models import Voucher
from shared.core.clock import SITE

LINE = 20  #: how many Latin letters fit on a line of the card; a Chinese sign takes two
LINES = 3


def qr_svg(code: str) -> str:
    drawn = BytesIO()
    _qr(code).save(drawn, kind="svg", scale=8, border=4, dark="#000", light="#fff")
    return drawn.getvalue().decode()


def qr_png(code: str) -> bytes:
    drawn = BytesIO()
    _qr(code).save(drawn, kind="png", scale=8, border=4)
    return drawn.getvalue()


def _qr(code: str) -> Any:
    """Never a micro QR: phones do not read it. A quarter may be scratched and it still reads."""
    return segno.make_qr(code, error="q")


def card_svg(voucher: Voucher, venue_name: str, code: str) -> str:
    """A card of 74 x 105 mm: what it is, where and until when (the site's calendar), the code to
    scan and to type.
    """
    last = voucher.expires_at.astimezone(SITE)
    title = "".join(
        _words(line, 14 + 7 * number, 5.5) for number, line in enumerate(wrapped(voucher.title))
    )
    return f"""<?xml version="1.0" encoding="utf-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="74mm" height="105mm" viewBox="0 0 74 105" font-family="sans-serif">
<title>{plain(voucher.title)}</title>
<rect width="74" height="105" fill="#fff"/>
<rect x="2" y="2" width="70" height="101" rx="3" fill="none" stroke="#c0392b" stroke-width="0.6"/>
{title}{_words(wrapped(venue_name)[0], 36, 3.6)}
{_words(f"有效期至 Valid until {last:%Y-%m-%d %H:%M}", 42, 3.2)}
<g transform="translate(15 44)">{_qr_for_card(code)}</g>
{_words(code, 95, 4.2, "monospace")}
</svg>
"""


def _qr_for_card(code: str) -> str:
    """44 mm wide, whatever its number of modules."""
    drawn = _qr(code)
    width, _ = drawn.symbol_size(scale=1, border=2)
    picture = drawn.svg_inline(scale=1, border=2, dark="#000", light="#fff")
    return f'<g transform="scale({44 / width:.4f})">{picture}</g>'


def _words(text: str, y: float, size: float, family: str = "sans-serif") -> str:
    return (
        f'<text x="37" y="{y}" font-size="{size}" font-family="{family}" text-anchor="middle">'
        f"{plain(text)}</text>\n"
    )


def plain(text: str) -> str:
    """Text and never markup; signs that XML cannot say are dropped."""
    return escape(
        "".join(sign for sign in text if unicodedata.category(sign) not in ("Cc", "Cn", "Cs", "Co"))
    )


def wrapped(text: str) -> list[str]:
    """At most three lines that fit on the card; what is longer ends in an ellipsis."""
    lines, width = [""], 0
    for sign in " ".join(text.split()):
        takes = 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        if width + takes > LINE:
            if len(lines) == LINES:
                lines[-1] = lines[-1][:-1] + "…"
                break
            lines, width = [*lines, ""], 0
        lines[-1] += sign
        width += takes
    return [line.strip() for line in lines]
