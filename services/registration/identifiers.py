"""Rules about people that need no database: phones, ages, volunteer numbers."""

from datetime import date

import phonenumbers

from shared.core.problems import invalid


def normal_phone(given: str, pointer: str = "/phone") -> str:
    """Return the number in E.164; one without a country is Chinese. Raises a 422 at `pointer`."""
    try:
        number = phonenumbers.parse(given, "CN")
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        raise invalid(pointer, "This is not a telephone number.")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def age_on(birth_date: date, day: date) -> int:
    """Count completed years. Born on 29 February: 1 March is the birthday in other years."""
    had_birthday = (day.month, day.day) >= (birth_date.month, birth_date.day)
    return day.year - birth_date.year - (not had_birthday)


def volunteer_number(serial: int) -> str:
    """Return eight digits and two check digits (ISO 7064 MOD 97-10).

    One wrong digit, or two swapped, are always noticed.
    """
    # The whole number is 1 modulo 97, as the last two digits of an IBAN make it.
    return f"{serial:08d}{98 - serial * 100 % 97:02d}"


def is_volunteer_number(number: str) -> bool:
    is_digits = len(number) >= 10 and number.isascii() and number.isdigit()
    return is_digits and int(number) % 97 == 1
