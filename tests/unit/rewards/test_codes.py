"""Every slip of one or two signs is noticed before anybody asks the database."""

import itertools
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from services.rewards import codes

VALID = [codes.new_code() for _ in range(20)]


def test_a_new_code_passes_and_has_19_signs() -> None:
    for code in VALID:
        assert codes.check(code)
        assert len(code) == 19
        assert set(code) <= set(codes.SIGNS)


def test_look_alikes_are_not_among_the_signs() -> None:
    assert len(set(codes.SIGNS)) == 31
    assert not set(codes.SIGNS) & set("01ILO")


def test_every_single_substitution_is_noticed() -> None:
    for code in VALID:
        for place, sign in itertools.product(range(19), codes.SIGNS):
            if sign != code[place]:
                assert not codes.check(code[:place] + sign + code[place + 1 :])


def test_every_double_substitution_is_noticed() -> None:
    """All of them: the check is linear, so only the differences of two signs at two places count."""
    base = codes.with_check_signs(codes.SIGNS[0] * codes.RANDOM_SIGNS)  # all zeros: a word is valid iff its sums are 0
    assert base == codes.SIGNS[0] * 19
    for i, j in itertools.combinations(range(19), 2):
        for a, b in itertools.product(codes.SIGNS[1:], repeat=2):
            wrong = list(base)
            wrong[i], wrong[j] = a, b
            assert not codes.check("".join(wrong))


def test_double_substitutions_in_real_codes_are_noticed() -> None:
    chance = random.Random(19)
    for _ in range(5_000):
        code = list(chance.choice(VALID))
        for place in chance.sample(range(19), 2):
            code[place] = chance.choice([sign for sign in codes.SIGNS if sign != code[place]])
        assert not codes.check("".join(code))


def test_every_swap_of_two_unlike_signs_is_noticed() -> None:
    for code in VALID:
        for i, j in itertools.combinations(range(19), 2):
            if code[i] != code[j]:
                swapped = list(code)
                swapped[i], swapped[j] = swapped[j], swapped[i]
                assert not codes.check("".join(swapped))


def test_grouping_case_spaces_dashes_and_full_width_signs_are_free() -> None:
    code = VALID[0]
    full_width = "".join(chr(ord(sign) + 0xFEE0) for sign in code)
    for typed in (codes.grouped(code), code.lower(), f"  {codes.grouped(code).replace('-', ' – ')} ", full_width):
        assert codes.normalise(typed) == code


@settings(max_examples=200)
@given(st.text(max_size=100))
def test_no_text_upsets_the_check(text: str) -> None:
    assert codes.check(codes.normalise(text)) in (True, False)
