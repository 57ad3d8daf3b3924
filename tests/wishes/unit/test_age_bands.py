"""The coarse bands that ages fall into."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.wishes.contacts import age_band
from services.wishes.models import AgeBand
from shared.core.problems import Unprocessable


@given(st.integers(0, 120), st.integers(0, 120))
def test_the_band_is_that_of_the_youngest_age(low: int, more: int) -> None:
    band = age_band(f"{low}-{low + more}")
    assert band is age_band(f"{low}+")
    assert (band in (AgeBand.CHILD, AgeBand.YOUTH)) == (low < 18)


def test_our_own_bands_stay_what_they_are() -> None:
    assert [age_band(band.value) for band in AgeBand] == list(AgeBand)


def test_a_band_upside_down_is_refused() -> None:
    with pytest.raises(Unprocessable):
        age_band("60-18")
