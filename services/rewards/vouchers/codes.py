"""Typed voucher codes: 31 signs without look-alikes, 17 of them random, 2 to check.

With the signs as numbers c_1..c_19 modulo the prime 31, sum c_i = 0 and sum i*c_i = 0. Two wrong
signs at i and j would need d_i + d_j = 0 and i*d_i + j*d_j = 0, so (i - j)*d_i = 0: impossible, as
0 < |i - j| < 31. A swap of two unlike signs changes the second sum by (i - j)*(a - b). So every
such typing error is noticed offline.
"""

import secrets
import unicodedata

from shared.core.crypto import Vault, vault
from shared.db.engine import current_database

SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
RANDOM_SIGNS = 17
LENGTH = RANDOM_SIGNS + 2
_VALUE = {sign: value for value, sign in enumerate(SIGNS)}
_BASE = len(SIGNS)


def new_code() -> str:
    """Make a code, ungrouped: 17 * log2(31) = 84 random bits."""
    return with_check_signs("".join(secrets.choice(SIGNS) for _ in range(RANDOM_SIGNS)))


def with_check_signs(body: str) -> str:
    """Append the two signs that bring both sums to zero."""
    total = sum(_VALUE[sign] for sign in body)
    weighted = sum(place * _VALUE[sign] for place, sign in enumerate(body, start=1))
    last = (total * (LENGTH - 1) - weighted) % _BASE
    return body + SIGNS[(-total - last) % _BASE] + SIGNS[last]


def normalise(typed: str) -> str:
    """Make capitals, drop spaces and dashes, and turn full-width signs into plain ones."""
    plain = unicodedata.normalize("NFKC", typed).upper()
    return "".join(
        sign for sign in plain if not sign.isspace() and unicodedata.category(sign) != "Pd"
    )


def check(code: str) -> bool:
    """Tell whether a normalised code has right check signs. Such a voucher need not exist."""
    if len(code) != LENGTH or any(sign not in _VALUE for sign in code):
        return False
    values = [_VALUE[sign] for sign in code]
    weighted = (place * value for place, value in enumerate(values, start=1))
    return sum(values) % _BASE == 0 and sum(weighted) % _BASE == 0


def grouped(code: str) -> str:
    """Group a code for reading: XXXX-XXXXX-XXXXX-XXXXX."""
    return "-".join((code[:4], code[4:9], code[9:14], code[14:]))


def code_vault() -> Vault:
    """Return the vault that seals and fingerprints codes."""
    return vault(current_database().settings, "rewards.vouchers.code")
