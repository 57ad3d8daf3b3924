"""The text of a voucher's card, without a database."""

import pytest

from services.rewards.vouchers import cards


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("电影票", ["电影票"]),
        ("", [""]),
        ("一" * 15, ["一" * 10, "一" * 5]),
        ("a" * 70, ["a" * 20, "a" * 20, "a" * 19 + "…"]),
    ],
)
def test_long_titles_are_wrapped(text: str, lines: list[str]) -> None:
    assert cards.wrapped(text) == lines
