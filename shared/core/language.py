"""User-facing words in zh-CN (first) and en, from gettext catalogues in `shared/locale/` and
`services/*/locale/`.

Source texts are English; the `.po` files are read as they are, so there is no compile step to
forget.
"""

import gettext as stdlib
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import has_request_context, request

LANGUAGES = ("zh-CN", "en")
ROOT = Path(__file__).parents[2]
PACKAGES = ("gateway", "services", "shared")


@cache
def translations(language: str) -> stdlib.NullTranslations:
    """All catalogues of one language, merged. English is the source and needs none."""
    merged = stdlib.NullTranslations()
    folder = language.replace("-", "_")
    pattern = f"**/locale/{folder}/LC_MESSAGES/messages.po"
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).glob(pattern)):
        compiled = BytesIO()
        with path.open("rb") as file:
            write_mo(compiled, read_po(file, locale=folder))
        compiled.seek(0)
        catalogue = stdlib.GNUTranslations(compiled)
        catalogue.add_fallback(merged)
        merged = catalogue
    return merged


def request_language() -> str:
    """What this request asked for; Chinese when it does not say."""
    if not has_request_context():
        return LANGUAGES[0]
    best = request.accept_languages.best_match([*LANGUAGES, "zh"], LANGUAGES[0])
    return "en" if best == "en" else "zh-CN"


def translate(message: str, language: str | None = None) -> str:
    """`message` (an English source text) in a language, or in that of the request."""
    return translations(language or request_language()).gettext(message)
