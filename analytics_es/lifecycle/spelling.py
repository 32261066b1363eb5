"""A name that is spelled otherwise: in other capitals, or with its letters composed otherwise (é as one or as two)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator


def folded(text: str) -> str:
    """Return what all spellings of a text have in common."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())


_ESCAPED = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|([\"/]))")


def unescaped(text: str) -> str:
    """Return a text without the escapes of JSON: JSON in a text says ë as \\u00eb."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)) if match[1] else match[2], text)


def spellings(text: str) -> Iterator[str]:
    """Yield the usual other spellings of a text: those that may be tried where nothing can be searched."""
    cased = dict.fromkeys([text, text.lower(), text.casefold(), text.upper(), text.title(), text.capitalize()])
    forms = (unicodedata.normalize(form, one) for one in cased for form in ("NFC", "NFD", "NFKC", "NFKD"))
    yield from (one for one in dict.fromkeys([*cased, *forms]) if one != text)
