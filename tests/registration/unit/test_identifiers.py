"""Phones, ages, volunteer numbers."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registration.identifiers import (
    age_on,
    is_volunteer_number,
    normal_phone,
    volunteer_number,
)
from shared.core.problems import Unprocessable


@given(st.integers(1, 10**9), st.integers(0, 9), st.integers(1, 9))
def test_one_wrong_digit_in_a_volunteer_number_is_noticed(serial, place, more):
    number = volunteer_number(serial)
    assert is_volunteer_number(number)
    place %= len(number)
    wrong = number[:place] + str((int(number[place]) + more) % 10) + number[place + 1 :]
    assert not is_volunteer_number(wrong)


@given(st.integers(1, 10**9), st.integers(0, 8))
def test_two_swapped_digits_are_noticed(serial, place):
    number = volunteer_number(serial)
    place %= len(number) - 1
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert swapped == number or not is_volunteer_number(swapped)


def test_a_phone_has_one_form():
    forms = ("13800000001", "+86 138-0000-0001", "0086 13800000001", "8613800000001")
    assert {normal_phone(form) for form in forms} == {"+8613800000001"}


@given(st.text(max_size=30))
def test_what_is_no_phone_is_named(text):
    try:
        assert normal_phone(text).startswith("+")
    except Unprocessable as error:
        assert error.more["errors"][0]["pointer"] == "/phone"


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        (date(2008, 3, 1), date(2026, 2, 28), 17),
        (date(2008, 3, 1), date(2026, 3, 1), 18),
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
    ],
)
def test_a_birthday_counts_from_its_morning(born, day, age):
    assert age_on(born, day) == age
