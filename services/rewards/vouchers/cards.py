"""What a holder shows or prints: the code as a QR picture, and an A7 card for purse or phone."""

import unicodedata
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

import segno

from services.rewards.models import Voucher
from shared.core.clock import SITE

LINE = 20  #: Latin letters on a line of the card; a Chinese character takes the place of two
LINES = 3
_UNWRITABLE = ("Cc", "Cn", "Cs", "Co")
"""Unicode categories that XML cannot contain."""


def qr_svg(code: str) -> str:
    """Draw a code as a QR code in SVG."""
    drawn = BytesIO()
    _qr(code).save(drawn, kind="svg", scale=8, border=4, dark="#000", light="#fff")
    return drawn.getvalue().decode()


def qr_png(code: str) -> bytes:
    """Draw a code as a QR code in PNG."""
    drawn = BytesIO()
    _qr(code).save(drawn, kind="png", scale=8, border=4)
    return drawn.getvalue()


def _qr(code: str) -> Any:
    # Never a micro QR code: phones do not read it. With error level Q a quarter may be scratched.
    return segno.make_qr(code, error="q")


def card_svg(voucher: Voucher, venue_name: str, code: str) -> str:
    """Draw a card of 74 x 105 mm with title, venue, last day at the site, QR code and code."""
    last = voucher.expires_at.astimezone(SITE)
    title = "".join(
        _text(line, 14 + 7 * number, 5.5) for number, line in enumerate(wrapped(voucher.title))
    )
    return f"""<?xml version="1.0" encoding="utf-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="74mm" height="105mm" viewBox="0 0 74 105"
 font-family="sans-serif">
<title>{plain(voucher.title)}</title>
<rect width="74" height="105" fill="#fff"/>
<rect x="2" y="2" width="70" height="101" rx="3" fill="none" stroke="#c0392b" stroke-width="0.6"/>
{title}{_text(wrapped(venue_name)[0], 36, 3.6)}
{_text(f"有效期至 Valid until {last:%Y-%m-%d %H:%M}", 42, 3.2)}
<g transform="translate(15 44)">{_qr_for_card(code)}</g>
{_text(code, 95, 4.2, "monospace")}
</svg>
"""


def _qr_for_card(code: str) -> str:
    """Draw it 44 mm wide, for any number of modules."""
    drawn = _qr(code)
    width, _ = drawn.symbol_size(scale=1, border=2)
    picture = drawn.svg_inline(scale=1, border=2, dark="#000", light="#fff")
    return f'<g transform="scale({44 / width:.4f})">{picture}</g>'


def _text(text: str, y: float, size: float, family: str = "sans-serif") -> str:
    return (
        f'<text x="37" y="{y}" font-size="{size}" font-family="{family}" text-anchor="middle">'
        f"{plain(text)}</text>\n"
    )


def plain(text: str) -> str:
    """Escape markup and drop characters that XML cannot contain."""
    return escape("".join(one for one in text if unicodedata.category(one) not in _UNWRITABLE))


def wrapped(text: str) -> list[str]:
    """Wrap text into at most three lines of the card; longer text ends in an ellipsis."""
    lines, width = [""], 0
    for character in " ".join(text.split()):
        takes = 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if width + takes > LINE:
            if len(lines) == LINES:
                lines[-1] = lines[-1][:-1] + "…"
                break
            lines, width = [*lines, ""], 0
        lines[-1] += character
        width += takes
    return [line.strip() for line in lines]
