"""JSON from outside: read strictly, and the type of JSON whose fields this code does not define."""

import json
from collections.abc import Iterator
from typing import Any

JsonObject = dict[str, Any]
"""A JSON object that another program or a specification defines: a part of an OpenAPI document,
the claims of a token, the data of an event, or the answer of another service."""


class RepeatedKey(ValueError):
    """An object names a key twice, so readers would not agree on what it says."""

    def __init__(self, pointer: str) -> None:
        super().__init__(f"{pointer} is there twice")
        self.pointer = pointer  #: where, as a JSON pointer (RFC 6901)


def read_json(text: str) -> Any:
    """Read JSON (RFC 8259). NaN and Infinity are no JSON.

    Raises RepeatedKey, RecursionError for deep nesting, ValueError for anything else that is wrong.
    """
    try:
        return _STRICT.decode(text)
    except RepeatedKey:
        # Only now the place is worth a second reading, which keeps every member.
        raise RepeatedKey(next(_repeated(_AS_MEMBERS.decode(text)))) from None


class _Members(list[tuple[str, Any]]):
    """The members of an object as they were written."""


def _each_once(members: list[tuple[str, Any]]) -> JsonObject:
    found = dict(members)
    if len(found) != len(members):
        raise RepeatedKey("")
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_STRICT = json.JSONDecoder(object_pairs_hook=_each_once, parse_constant=_refuse_constant)
_AS_MEMBERS = json.JSONDecoder(object_pairs_hook=_Members, parse_constant=_refuse_constant)


def _repeated(value: Any, pointer: str = "") -> Iterator[str]:
    """Yield the pointers of keys that are there before."""
    if isinstance(value, _Members):
        seen = set()
        for key, inner in value:
            here = f"{pointer}/{in_pointer(key)}"
            if key in seen:
                yield here
            seen.add(key)
            yield from _repeated(inner, here)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _repeated(inner, f"{pointer}/{index}")


def in_pointer(name: str) -> str:
    """Escape a name as a part of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def storable(text: str) -> bool:
    """Tell whether a text column of PostgreSQL holds this: no NUL, no half of a surrogate pair."""
    has_half = not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text)
    return not has_half and "\x00" not in text


def made_storable(text: str) -> str:
    """Write out what no text column holds."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
