"""How times, sums and numbers are written on a page. Times are those at the site."""

from datetime import date, datetime
from typing import Any

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal
from flask import g

from shared.core.clock import SITE
from shared.core.language import translate


def when(instant: str | None, until: str | None = None) -> str:
    """An RFC 3339 instant, or the time between two, as people at the centre read it."""
    if not instant:
        return ""
    start = datetime.fromisoformat(instant).astimezone(SITE)
    shown = f"{start:%Y-%m-%d %H:%M}"
    if not until:
        return shown
    end = datetime.fromisoformat(until).astimezone(SITE)
    return (
        f"{shown}–{end:%H:%M}" if end.date() == start.date() else f"{shown} – {end:%Y-%m-%d %H:%M}"
    )


def hours(minutes: int | None) -> str:
    """Whole minutes as hours, at most one decimal, rounded down: never more than was worked."""
    tenths = (minutes or 0) * 10 // 60
    return f"{tenths // 10}" if tenths % 10 == 0 else f"{tenths / 10:.1f}"


def number(value: int | None) -> str:
    return format_decimal(value or 0, locale=_locale())


def yuan(fen: int | None) -> str:
    """A sum in fen, as yuan."""
    return format_currency((fen or 0) / 100, "CNY", locale=_locale())


def day(value: str | None) -> str:
    """A calendar day, or the day of an instant."""
    if not value:
        return ""
    found = (
        datetime.fromisoformat(value).astimezone(SITE).date()
        if "T" in value
        else date.fromisoformat(value)
    )
    return format_date(found, "long", locale=_locale())


def month(value: str) -> str:
    return format_date(
        date.fromisoformat(f"{value}-01"),
        "yyyy年M月" if _locale() == "zh_CN" else "MMMM yyyy",
        locale=_locale(),
    )


def rate(terms: dict[str, int | None]) -> str:
    """What counted for a record: points per minutes, and a share of it where one applied."""
    share = terms["percent"]
    if share == 0:
        return "0 %"
    words = translate("%(minutes)s minutes earn %(points)s points", g.language) % terms
    return f"{words} × {share} %" if share is not None else words


def _locale() -> str:
    return "en" if g.language == "en" else "zh_CN"


FILTERS: dict[str, Any] = {
    "when": when,
    "hours": hours,
    "number": number,
    "yuan": yuan,
    "day": day,
    "month": month,
    "rate": rate,
}
