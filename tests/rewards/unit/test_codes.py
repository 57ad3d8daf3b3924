"""Every typing error of one or two signs is noticed without a look-up."""

import itertools
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.rewards.vouchers import codes

VALID = [codes.new_code() for _ in range(20)]


def test_a_new_code_passes_and_has_19_signs() -> None:
    for code in VALID:
        assert codes.check(code)
        assert len(code) == 19
        assert set(code) <= set(codes.SIGNS)


@pytest.mark.check("S5")
def test_the_generator_is_even_and_never_repeats() -> None:
    """Chi-square of 10,000 codes at each place; one in a million runs exceeds the limit."""
    made = [codes.new_code() for _ in range(10_000)]
    assert len(set(made)) == len(made)
    expected = len(made) / len(codes.SIGNS)
    for place in range(codes.LENGTH):
        counts = Counter(code[place] for code in made)
        chi_square = sum((counts[sign] - expected) ** 2 / expected for sign in codes.SIGNS)
        # 30 degrees of freedom: the chance is 4e-8 at each of the 19 places.
        assert chi_square < 92, (place, chi_square)
    pairs = Counter(code[:2] for code in made)
    assert max(pairs.values()) < 40, pairs.most_common(1)  # about 10 each


def test_all_substitutions_of_two_signs_in_some_codes_are_noticed() -> None:
    """Exhaustively, although the sums alone prove it: 171 pairs of places, 30 * 30 signs."""
    for code in VALID[:2]:
        for i, j in itertools.combinations(range(codes.LENGTH), 2):
            for a, b in itertools.product(codes.SIGNS, repeat=2):
                if a != code[i] and b != code[j]:
                    assert not codes.check(code[:i] + a + code[i + 1 : j] + b + code[j + 1 :])


def test_look_alikes_are_not_among_the_signs() -> None:
    assert len(set(codes.SIGNS)) == 31
    assert not set(codes.SIGNS) & set("01ILO")


def test_every_single_substitution_is_noticed() -> None:
    for code in VALID:
        for place, sign in itertools.product(range(19), codes.SIGNS):
            if sign != code[place]:
                assert not codes.check(code[:place] + sign + code[place + 1 :])


def test_every_double_substitution_is_noticed() -> None:
    """All of them: the check is linear, so only the differences at two places count."""
    # The code of zeros: another one is valid if and only if its differences sum to zero.
    base = codes.with_check_signs(codes.SIGNS[0] * codes.RANDOM_SIGNS)
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
    for typed in (
        codes.grouped(code),
        code.lower(),
        f"  {codes.grouped(code).replace('-', ' – ')} ",
        full_width,
    ):
        assert codes.normalise(typed) == code


@settings(max_examples=200)
@given(st.text(max_size=100))
def test_no_text_upsets_the_check(text: str) -> None:
    assert codes.check(codes.normalise(text)) in (True, False)
