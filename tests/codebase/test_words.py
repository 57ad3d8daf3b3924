"""One word, one thing: no name in production code has a word that the glossary rules out.

The last column of the glossary names words that are not used for a term. Most of them are right for
something else (the `user` of a database, the `answer` of a browser), so this page lists those that
are right for nothing here. Names only: prose is for a reader to judge. A name that other systems
rely on, such as a column or a field of the API, would be an exception; there is none today.
"""

import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCTION = ("console", "devkit", "gateway", "services", "shared")

#: A word of the glossary's last column, and its forms as part of a name.
RULED_OUT = {
    "amiss": ("amiss",),
    "announce": ("announce", "announces", "announced"),
    "asker": ("asker", "askers"),
    "asking": ("asking",),
    "bill": ("bill", "bills"),
    "bonus": ("bonus",),
    "booking": ("booking", "bookings"),
    "buried": ("bury", "buried"),
    "coupon": ("coupon", "coupons"),
    "cron": ("cron",),
    "debt": ("debt", "debts"),
    "doing": ("doing",),
    "door": ("door", "doors"),
    "ear": ("ear", "ears"),
    "emit": ("emit", "emits", "emitted"),
    "fact": ("fact", "facts"),
    "guessing": ("guessing",),
    "hear": ("hear", "hears", "heard"),
    "invoice": ("invoice", "invoices"),
    "kick": ("kick", "kicks", "kicked"),
    "lies there": ("lies",),
    "listener": ("listener", "listeners"),
    "partner": ("partner", "partners"),
    "poison": ("poison", "poisoned"),
    "poor": ("poor", "poorest"),
    "pump": ("pump", "pumps"),
    "purse": ("purse", "purses"),
    "rest": ("resting",),
    "say": ("say", "says", "said"),
    "shift": ("shift", "shifts"),
    "shop": ("shop", "shops"),
    "slot": ("slot",),
    "speaker": ("speaker", "speakers"),
    "tell": ("tell", "tells"),
    "telling": ("telling",),
    "ticket": ("ticket", "tickets"),
    "told": ("told",),
    "walk": ("walk", "walks", "walked"),
    "walker": ("walker", "walkers"),
}
#: Last parts of a class name: `ClaimRequest`, not `ClaimBody`.
RULED_OUT_SUFFIXES = ("Body", "Shown")


@dataclass(frozen=True, slots=True)
class Name:
    """A name in the code, and where it is."""

    text: str
    path: Path
    line: int

    def parts(self) -> set[str]:
        """Split `HoursRecorded`, `hours_recorded` and `HOURS_RECORDED` into hours and recorded."""
        return {part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", self.text)}

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}: {self.text}"


def names_in(path: Path) -> Iterator[Name]:
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type == tokenize.NAME:
            yield Name(token.string, path, token.start[0])


@cache
def all_names() -> tuple[Name, ...]:
    paths = [path for folder in PRODUCTION for path in sorted((ROOT / folder).rglob("*.py"))]
    return tuple(name for path in paths for name in names_in(path))


def words_not_used() -> set[str]:
    """The words in the last column of the glossary's tables, without their remarks."""
    rows = (ROOT / "docs/glossary.md").read_text().splitlines()
    cells = [row.rstrip(" |").rpartition(" | ")[2] for row in rows if row.startswith("| ")]
    return {word.strip() for cell in cells for word in re.sub(r"\([^)]*\)", "", cell).split(",")}


def test_no_name_has_a_word_that_the_glossary_rules_out() -> None:
    forms = {form for words in RULED_OUT.values() for form in words}
    found = [str(name) for name in all_names() if name.parts() & forms]
    assert not found, "\n".join(found)


def test_requests_and_responses_are_called_so() -> None:
    found = [str(name) for name in all_names() if name.text.endswith(RULED_OUT_SUFFIXES)]
    assert not found, "\n".join(found)


def test_the_glossary_rules_out_each_of_these_words() -> None:
    assert {*RULED_OUT, *RULED_OUT_SUFFIXES} <= words_not_used()
