"""Texts for people in zh-CN (the default) and en, from the gettext catalogues of each package.

Source texts are English. The `.po` files are read as they are, so that no compile step can be
forgotten.
"""

import gettext as stdlib
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import has_request_context, request
from werkzeug.datastructures import LanguageAccept

LANGUAGES = ("zh-CN", "en")
ROOT = Path(__file__).parents[2]
PACKAGES = ("gateway", "services", "shared")


@cache
def translations(language: str) -> stdlib.NullTranslations:
    """All catalogues of one language, merged. English is the source and needs none."""
    merged = stdlib.NullTranslations()
    for path in _catalogues(language):
        catalogue = _read(path)
        catalogue.add_fallback(merged)
        merged = catalogue
    return merged


def _catalogues(language: str) -> list[Path]:
    pattern = f"**/locale/{language.replace('-', '_')}/LC_MESSAGES/messages.po"
    return sorted(path for package in PACKAGES for path in (ROOT / package).glob(pattern))


def _read(path: Path) -> stdlib.NullTranslations:
    """Compile a `.po` file in memory, because `gettext` reads only the compiled form."""
    compiled = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=path.parts[-3]))
    compiled.seek(0)
    return stdlib.GNUTranslations(compiled)


def request_language() -> str:
    """The language that the request accepts best; Chinese if it names none."""
    return language_of(request.accept_languages) if has_request_context() else LANGUAGES[0]


def language_of(accepted: LanguageAccept) -> str:
    best = accepted.best_match([*LANGUAGES, "zh"], LANGUAGES[0])
    return "en" if best == "en" else "zh-CN"


def translate(message: str, language: str | None = None) -> str:
    """Translate an English source text into a language, or into that of the request."""
    return translations(language or request_language()).gettext(message)
