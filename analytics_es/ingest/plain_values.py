"""Shapes of values that say nothing of anybody: numbers, times, ids, versions, enumerated words. All else may.

It is the shape that decides: whether a text is of one is remembered, so that most are looked at once.
"""

from __future__ import annotations

import functools
import re
import zoneinfo
from collections.abc import Callable, Sequence
from itertools import pairwise

from analytics_es.ingest.plain_words import (
    AREAS,
    COMPANIONS,
    ID_PREFIXES,
    KEY_PREFIXES,
    LONG_KEY_PREFIXES,
    MEDIA,
    NUMBERED,
    SPOKEN,
    SUBTYPES,
    SURNAMES,
    UNITS,
    WORDS,
)

LONGEST = 128  # characters of what is plain
REMEMBERED = 20_000  # texts whose shape is known
_LONGEST_WORD = 64
_LONGEST_FOREIGN = 6  # characters of a word in a script that puts no spaces between words
_OPAQUE = range(12, 32)  # characters of an id that only looks random: what is longer may be a key
_SPACES_OF_A_NAME = 3
_WORDS_OF_A_PHRASE = 4  # with spaces between them
_MOST_WORDS = 6  # with anything between them

_NUMBER = re.compile(r"-?(?:\d{1,18}|\d{1,40}\.\d{1,40}|\d(?:\.\d{1,40})?[eE][+-]?\d{1,3})")
_UNITS = "|".join(UNITS)
_QUANTITY = re.compile(rf"[<>≤≥~]?=?\d{{1,12}}(?:\.\d{{1,6}})?\s?(?:{_UNITS})|\d{{1,5}}[x×:]\d{{1,5}}")
_TIME = re.compile(
    r"(?:19|20|21)\d\d-(?:[01]\d|W[0-5]\d)(?:-[0-3]\d(?:[T ][0-2]\d:[0-5]\d(?::[0-5]\d(?:[.,]\d{1,9})?)?"
    r"(?:Z|[+-][0-2]\d:?[0-5]\d)?)?)?|(?:19|20|21)\d\d-?Q[1-4]|[0-2]\d:[0-5]\d(?::[0-5]\d)?"
)
_PREFIX = rf"(?:{'|'.join(sorted(ID_PREFIXES))})"
_OWNERS = "user|usr|customer|account|acct|member|product|event|session|tenant|device|document|request|trace"
_UUID = re.compile(
    rf"(?:urn:uuid:|(?:{_PREFIX}|{_OWNERS}|[a-z])[-_:])?[0-9a-fA-F]{{8}}(?:-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}"
)
_HEX = re.compile(r"(?:0x|sha(?:1|256|512):|md5:)?(?:[0-9a-f]{6,64}|[0-9A-F]{6,64})")
_HEX_OF_TEXT = re.compile(r"(?:0x)?(?:[4-7][0-9a-f]|3[0-9]|2[0cdef]|27){10,}", re.IGNORECASE)  # letters, spaces, marks
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_SORTABLE = re.compile(
    rf"(?:(?:{_PREFIX}|{_OWNERS})_)?[0-7](?:[0-9A-HJKMNP-TV-Z]{{25}}|[0-9a-hjkmnp-tv-z]{{25}})"
)  # ULID, TypeID
_VERSION = re.compile(
    r"v?\d{1,8}(?:\.\d{1,8}){1,3}(?:[-+._]?(?:a|alpha|b|beta|c|rc|dev|pre|preview|post|final|snapshot|ga|sp|canary|"
    r"nightly|next)?[-.]?\d{0,8})?(?:\+[0-9a-g]{1,16})?|v\d{1,4}(?:[a-z]{2,5}\d{1,3})?",
    re.IGNORECASE,
)
_CODE = re.compile(r"[A-Z]{1,6}[-_]\d{1,12}(?:[-_]\d{1,8})?|[A-Z]{1,2}\d{1,12}|\d{1,8}[-/]\d{1,8}|[A-Z]|[a-z]|[A-Z]{2}")
_LOCALE = re.compile(r"[a-z]{2}[-_](?:(?:Hans|Hant|Latn|Cyrl|Arab|Deva)[-_])?[A-Z]{2}")
_ZONE = re.compile(rf"(?:{'|'.join(AREAS)})/[A-Z]\S{{1,40}}")
_MEDIA = re.compile(
    rf"(?:{'|'.join(MEDIA)})/([a-z0-9.+-]{{1,80}})(?:; ?charset=(?:utf-?\d+|us-ascii|iso-[\d-]+))?", re.IGNORECASE
)
# Most ids that are new with every event: they need one look, and are not remembered.
_ID = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?!(?:[4-7][0-9a-f]|3[0-9]|2[0cdef]|27){10,}$)(?=\d*[a-f])(?=[a-f]*\d)(?:[0-9a-f]{16}){1,2}|"
    rf"{_PREFIX}[-_](?!0[1-9]\d{{7}})\d{{1,12}}|"
    # Of calls and answers: hexadecimal digits, or letters and digits, which change often.
    rf"(?!fc-){_PREFIX}[-_](?!0\d{{6}}|(?:[4-7][0-9a-f]|3[0-9]|2[0cdef]|27){{10,}}$)(?=[0-9A-Za-z]{{12,31}}$)"
    r"(?:(?:\d++|[a-f]++){6,}|(?=[0-9A-Za-z]*[g-z])(?:\d++|[A-Za-z]++){6,})"
)
_PARTS = re.compile(r"[-_.:/+ ]|, ?")
_PREFIXED = re.compile(r"[A-Za-z][a-z]{0,15}[-_:.]([0-9A-Za-z-]+)")
_JOINTS = re.compile(r"[^0-9A-Za-z]")
_RUNS = re.compile(r"\d+|[^\W\d_]+")
_CAPITAL = re.compile(r"[A-Z](?=[a-z]{2})")  # of a word: CallAda42 changes once
_HUMPS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

_ADDRESS = re.compile(
    r"@|://|\?|^[~\\]|^/?(?:home|users|root|documents and settings)[/\\]|[a-z]:\\|(?:\d{1,3}\.){3}\d{1,3}(?:\D|$)|"
    r"(?:[0-9a-f]{1,4}:){3,}|::|(?:[0-9a-f]{2}[:-]){5}",
    re.IGNORECASE,
)
_MAIL_OR_IP = re.compile(r"[^\s@]@[^\s@]+\.[^\s@]|(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_KEY = re.compile(
    rf"(?:{'|'.join(map(re.escape, KEY_PREFIXES))})|(?:{'|'.join(LONG_KEY_PREFIXES)})(?=\w*\d)[\w-]{{20,}}$"
    r"|\d{6,12}:[\w-]{30,}",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"\+\d|1[-. ]\d{3}[-. ]\d{3}[-. ]\d{4}|0\d{6,}|\(?\d{2,5}\)?[-/. ]\d{2,4}[-/. ]\d{3,}|\d{3}-\d{2}-\d{4}|"
    r"0\d{1,5}[-/ ]\d{3,}|\d{1,2}[./]\d{1,2}[./](?:19|20)\d\d$"
)  # or a day of birth
_PERSONAL = re.compile(
    r"(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}|-?\d{1,3}\.\d{3,}[,; ]+-?\d{1,3}\.\d{3,}|"
    r"\d{6}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])\d{3}[\dXx]",
    re.IGNORECASE,
)  # a device; a place on Earth; of China
_ACCOUNT = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_CARD = re.compile(r"[3-6]\d{12,18}")
_WORD = re.compile(r"[\w/{][\w.:/+{}&-]*")
_SPACELESS = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ud7af\uf900-\ufaff\uff66-\uff9d]")


def is_plain(text: str) -> bool:
    """Say whether a text is a number, a time, an id, a version, or words of enumerations."""
    if _ID.fullmatch(text):
        return True
    if len(text) > LONGEST or not text.isascii():
        return False
    if not text:
        return True
    return not _is_private(text) and (_has_shape(text) or _is_of_words(text))


def is_id(text: str) -> bool:
    """Say whether a text is plain, or an id of any make: a field says that it holds one."""
    if is_plain(text):
        return True
    if len(text) > LONGEST or not text.isascii() or _is_private(text):
        return False
    prefixed = _PREFIXED.fullmatch(text)
    return _is_opaque(text) or (
        prefixed is not None
        and (prefixed[1].isdigit() or _is_opaque(prefixed[1]) or _UUID.fullmatch(prefixed[1]) is not None)
    )


def is_word(text: str) -> bool:
    """Say whether a text is plain, or one word: a field says that it names something, and not somebody."""
    if is_plain(text) or is_id(text):
        return True
    if not 0 < len(text) <= _LONGEST_WORD or _WORD.fullmatch(text) is None or _is_private(text):
        return False
    return len(text) <= _LONGEST_FOREIGN or _SPACELESS.search(text) is None


def is_private_name(name: str) -> bool:
    """Say whether the name of a field is an address, a number of a phone, a key or a sentence, and no name."""
    if _MAIL_OR_IP.search(name) or name.count(" ") > _SPACES_OF_A_NAME:
        return True
    if _PHONE.match(name) and not any(map(str.isalpha, name)):
        return _TIME.fullmatch(name) is None
    return any(map(_may_be_key, _JOINTS.split(name)))


# ── what is somebody's ──────────────────────────────────────────────────────────────────────────────────────────


def _is_private(text: str) -> bool:
    """Say whether a text is an address, a key, or a number of a person."""
    if _ADDRESS.search(text) or _KEY.match(text) or _PHONE.match(text) or _PERSONAL.fullmatch(text):
        return not (_TIME.fullmatch(text) or _LOCALE.fullmatch(text) or _is_zone(text))
    if _ACCOUNT.fullmatch(text):
        return _remainder(text[4:] + text[:4]) == 1
    return (bool(_CARD.fullmatch(text)) and _passes_luhn(text)) or any(map(_may_be_key, _JOINTS.split(text)))


def _may_be_key(part: str) -> bool:
    return len(part) > _OPAQUE[-1] and _looks_random(part, 0.3)


def _remainder(text: str) -> int:
    """Return the remainder by 97 that a right number of an account (IBAN) has."""
    return int("".join(str(int(letter, 36)) for letter in text)) % 97


def _passes_luhn(digits: str) -> bool:
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


# ── shapes ──────────────────────────────────────────────────────────────────────────────────────────────────────

_SHAPES = (_NUMBER, _QUANTITY, _TIME, _UUID, _TRACEPARENT, _SORTABLE, _CODE, _LOCALE)
_OF_SHAPE = re.compile("|".join(f"(?:{shape.pattern})" for shape in _SHAPES))


def _has_shape(text: str) -> bool:
    return bool(_OF_SHAPE.fullmatch(text) or _VERSION.fullmatch(text)) or _is_hex(text) or _is_listed(text)


def _is_listed(text: str) -> bool:
    """Say whether a text is the name of a time zone or of a media type, and not only of their form."""
    if _is_zone(text):
        return True
    media = _MEDIA.fullmatch(text)
    return media is not None and all(map(_is_subtype, re.split(r"[.+-]", media[1].lower())))


def _is_subtype(part: str) -> bool:
    return part in SUBTYPES or _is_part(part, alone=False)


def _is_zone(text: str) -> bool:
    return _ZONE.fullmatch(text) is not None and text in _zones()


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _is_hex(text: str) -> bool:
    """Say whether a text is a hexadecimal number, and no word that happens to have these letters."""
    digits = text.rpartition(":")[2]
    if _HEX_OF_TEXT.fullmatch(text):
        return False
    return _HEX.fullmatch(text) is not None and (text.startswith("0x") or _alternates(digits, 3))


def _alternates(text: str, runs: int) -> bool:
    return sum(one.isdigit() != other.isdigit() for one, other in pairwise(text)) + 1 >= runs


def _looks_random(text: str, changes: float) -> bool:
    """Say whether letters and digits change so often that nobody has written it, and it is no hexadecimal number."""
    letters = text.replace("-", "").replace("_", "")
    if not letters.isalnum() or not any(map(str.isdigit, letters)) or _HEX.fullmatch(letters):
        return False
    kinds = ["9" if letter.isdigit() else "A" if letter.isupper() else "a" for letter in letters]
    return sum(one != other for one, other in pairwise(kinds)) >= len(letters) * changes


def _is_opaque(text: str) -> bool:
    return _is_hex(text) or (len(text) in _OPAQUE and _looks_random(_CAPITAL.sub("a", text), 0.15))


# ── words ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _is_of_words(text: str) -> bool:
    """Say whether a text is made of words of enumerations and numbers: `tool_calls`, `eu-west-1`, `ai.generateText`."""
    prefix, separator, rest = _split(text)
    if separator and prefix.lower() in ID_PREFIXES and (rest.isdigit() or _is_opaque(rest)):
        return _PHONE.match(rest) is None or rest.startswith("00")
    parts = _PARTS.split(text.strip("[]()\"' "))
    if not all(parts) or (" " in text and not _is_phrase(parts)):
        return False
    alone, words = len(parts) == 1 and text.isalpha(), [part for part in parts if part.isalpha()]
    if len(words) > _MOST_WORDS or sum(len(word) == 1 for word in words) > 2 or (alone and _is_of_somebody(text)):
        return False
    if len(words) > 1 and COMPANIONS.issuperset(map(str.lower, words)):  # Ray Dean
        return False
    return all(_is_part(part, alone=alone) for part in parts)


def _is_phrase(parts: Sequence[str]) -> bool:
    """Say whether parts with spaces between them are few words, with no number that is long."""
    names = sum(part.istitle() and (part.lower() in COMPANIONS or part.lower() in SURNAMES) for part in parts)
    return (
        len(parts) <= _WORDS_OF_A_PHRASE
        and parts[0].isalpha()
        and all(len(n) < 4 for n in parts if n.isdigit())
        and SPOKEN.isdisjoint(parts)
        and names < 2
    )


def _is_of_somebody(word: str) -> bool:
    """Say whether a word is also a name, and written like one."""
    return word.istitle() and word.lower() in SURNAMES


def _split(text: str) -> tuple[str, str, str]:
    at = next((n for n, letter in enumerate(text) if letter in "-_:"), -1)
    return (text[:at], text[at], text[at + 1 :]) if at > 0 else (text, "", "")


def _is_part(part: str, *, alone: bool) -> bool:
    lower = part.lower()
    if (
        lower in WORDS
        or (part.isdigit() and len(part) <= 18 and not _PHONE.match(part))
        or (lower in COMPANIONS and not alone)
    ):
        return True
    if not part.isalnum():
        return False
    runs = _RUNS.findall(part)
    if len(runs) > 1:
        return (len(runs) <= 4 and all(run.isdigit() or _is_run(run) for run in runs)) or _is_hex(part)
    humps = _HUMPS.findall(part)
    return len(humps) > 1 and "".join(humps) == part and all(hump.lower() in WORDS | COMPANIONS for hump in humps)


def _is_run(letters: str) -> bool:
    """Say whether letters between digits are a word, or too few to be one."""
    return len(letters) == 1 or letters.lower() in NUMBERED or letters.lower() in WORDS


# ── remembered ──────────────────────────────────────────────────────────────────────────────────────────────────


class Remembered(dict[str, bool]):
    """What a rule says of texts, so that each is looked at once; so many, then it begins anew."""

    def __init__(self, rule: Callable[[str], bool]) -> None:
        super().__init__()
        self._rule = rule

    def __missing__(self, text: str) -> bool:
        if _ID.fullmatch(text):
            return True
        verdict = self._rule(text)
        if len(text) <= LONGEST:
            if len(self) >= REMEMBERED:
                self.clear()
            self[text] = verdict
        return verdict
