"""Rules about people that need no database: phones, ages, volunteer numbers."""

from datetime import date

import phonenumbers

from shared.core.problems import invalid


def normal_phone(given: str, pointer: str = "/phone") -> str:
    """The number in E.164; one without a country is Chinese. Raises a 422 that names the field."""
    try:
        number = phonenumbers.parse(given, "CN")
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        raise invalid(pointer, "This is not a telephone number.")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def age_on(birth_date: date, day: date) -> int:
    """Completed years. Who was born on 29 February has their birthday on 1 March in other years."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def volunteer_number(serial: int) -> str:
    """Eight digits and two check digits (ISO 7064 MOD 97-10): one wrong digit or a swap of two is
    always noticed.
    """
    return f"{serial:08d}{98 - serial * 100 % 97:02d}"


def is_volunteer_number(number: str) -> bool:
    return len(number) >= 10 and number.isascii() and number.isdigit() and int(number) % 97 == 1
