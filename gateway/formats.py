"""How times, sums and numbers are written on a page. Times are those at the site."""

from collections.abc import Callable
from datetime import date, datetime

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal
from flask import g

from shared.core.clock import SITE
from shared.core.language import translate


def when(instant: str | None, until: str | None = None) -> str:
    """An RFC 3339 instant, or the time between two, as people at the centre read it."""
    if not instant:
        return ""
    start = _at_site(instant)
    if not until:
        return f"{start:%Y-%m-%d %H:%M}"
    end = _at_site(until)
    if end.date() == start.date():
        return f"{start:%Y-%m-%d %H:%M}–{end:%H:%M}"
    return f"{start:%Y-%m-%d %H:%M} – {end:%Y-%m-%d %H:%M}"


def hours(minutes: int | None) -> str:
    """Whole minutes as hours, at most one decimal, rounded down: never more than was worked."""
    whole, tenth = divmod((minutes or 0) * 10 // 60, 10)
    return f"{whole}.{tenth}" if tenth else f"{whole}"


def number(value: int | None) -> str:
    return format_decimal(value or 0, locale=_locale())


def yuan(fen: int | None) -> str:
    """A sum in fen, as yuan."""
    return format_currency((fen or 0) / 100, "CNY", locale=_locale())


def day(value: str | None) -> str:
    """A calendar day, or the day of an instant at the site."""
    if not value:
        return ""
    found = _at_site(value).date() if "T" in value else date.fromisoformat(value)
    return format_date(found, "long", locale=_locale())


def month(value: str) -> str:
    """A month YYYY-MM; CLDR has no pattern of year and month alone that fits both languages."""
    pattern = "yyyy年M月" if _locale() == "zh_CN" else "MMMM yyyy"
    return format_date(date.fromisoformat(f"{value}-01"), pattern, locale=_locale())


def rate(terms: dict[str, int | None]) -> str:
    """What counted for a record: points per minutes, and a share of it where one applied."""
    share = terms["percent"]
    if share == 0:
        return "0 %"
    pattern = translate("%(minutes)s minutes earn %(points)s points", g.language)
    earned = pattern % terms
    return f"{earned} × {share} %" if share is not None else earned


def _at_site(instant: str) -> datetime:
    return datetime.fromisoformat(instant).astimezone(SITE)


def _locale() -> str:
    return "en" if g.language == "en" else "zh_CN"


FILTERS: dict[str, Callable[..., str]] = {
    "when": when,
    "hours": hours,
    "number": number,
    "yuan": yuan,
    "day": day,
    "month": month,
    "rate": rate,
}
