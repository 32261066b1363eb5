"""Shapes of values that say nothing of anybody: numbers, times, ids, versions, enumerated words. All else may.

It is the shape that decides: whether a text is of one is remembered, so that most are looked at once.
"""

from __future__ import annotations

import re
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
    UNITS,
    WORDS,
)

LONGEST = 128  # characters of what is plain
REMEMBERED = 20_000  # texts whose shape is known
_LONGEST_WORD = 64
_LONGEST_FOREIGN = 6  # characters of a word in a script that puts no spaces between words
_OPAQUE = range(12, 32)  # characters of an id that only looks random: what is longer may be a key
_WORDS_OF_A_PHRASE = 4

_NUMBER = re.compile(r"-?(?:\d{1,18}|\d{1,40}\.\d{1,40}|\d(?:\.\d{1,40})?[eE][+-]?\d{1,3})")
_UNITS = "|".join(UNITS)
_QUANTITY = re.compile(rf"[<>≤≥~]?=?\d{{1,12}}(?:\.\d{{1,6}})?\s?(?:{_UNITS})|\d{{1,5}}[x×:]\d{{1,5}}")
_TIME = re.compile(
    r"(?:19|20|21)\d\d-(?:[01]\d|W[0-5]\d)(?:-[0-3]\d(?:[T ][0-2]\d:[0-5]\d(?::[0-5]\d(?:[.,]\d{1,9})?)?"
    r"(?:Z|[+-][0-2]\d:?[0-5]\d)?)?)?|(?:19|20|21)\d\d-?Q[1-4]|[0-2]\d:[0-5]\d(?::[0-5]\d)?"
)
_UUID = re.compile(r"(?:urn:uuid:|[a-z]{1,12}[-_:])?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HEX = re.compile(r"(?:0x|sha(?:1|256|512):|md5:)?(?:[0-9a-f]{6,64}|[0-9A-F]{6,64})")
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_SORTABLE = re.compile(r"(?:[a-z]{1,12}_)?(?:[0-9A-HJKMNP-TV-Z]{26}|[0-9a-hjkmnp-tv-z]{26})")  # ULID, TypeID
_VERSION = re.compile(
    r"v?\d{1,8}(?:\.\d{1,8}){1,3}(?:[-+._]?(?:a|alpha|b|beta|c|rc|dev|pre|preview|post|final|snapshot|ga|sp|canary|"
    r"nightly|next)?[-.]?\d{0,8})?(?:\+[0-9a-g]{1,16})?|v\d{1,4}(?:[a-z]{2,5}\d{1,3})?",
    re.IGNORECASE,
)
_CODE = re.compile(r"[A-Z]{1,6}[-_]?\d{1,12}|\d{1,8}[-/]\d{1,8}|[A-Z]|[a-z]|[A-Z]{2}")
_LOCALE = re.compile(r"[a-z]{2}[-_](?:[A-Z][a-z]{3}[-_])?[A-Z]{2}")
_ZONE = re.compile(rf"(?:{'|'.join(AREAS)})/[A-Z][A-Za-z_]{{2,20}}(?:/[A-Z][A-Za-z_]{{2,20}})?")
_MEDIA = re.compile(rf"(?:{'|'.join(MEDIA)})/[a-z0-9][a-z0-9.+-]{{0,63}}(?:; ?charset=[a-zA-Z0-9-]{{1,16}})?")
# Most ids that are new with every event: they need one look, and are not remembered.
_ID = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|(?=\d*[a-f])(?=[a-f]*\d)(?:[0-9a-f]{16}){1,2}|"
    rf"(?:{'|'.join(sorted(ID_PREFIXES))})[-_]\d{{1,12}}"
)
_PARTS = re.compile(r"[-_.:/+ ]|, ?")
_PREFIXED = re.compile(r"[A-Za-z][a-z]{0,15}[-_:.]([0-9A-Za-z-]+)")
_JOINTS = re.compile(r"[^0-9A-Za-z]")
_RUNS = re.compile(r"\d+|[^\W\d_]+")
_HUMPS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

_ADDRESS = re.compile(
    r"@|://|\?|^[~\\]|^/?(?:home|users|root|documents and settings)[/\\]|[a-z]:\\|(?:\d{1,3}\.){3}\d{1,3}(?:\D|$)|"
    r"(?:[0-9a-f]{1,4}:){3,}|::|(?:[0-9a-f]{2}[:-]){5}",
    re.IGNORECASE,
)
_KEY = re.compile(
    rf"(?:{'|'.join(map(re.escape, KEY_PREFIXES))})|(?:{'|'.join(LONG_KEY_PREFIXES)})(?=\w*\d)[\w-]{{20,}}$"
    r"|\d{6,12}:[\w-]{30,}",
    re.IGNORECASE,
)
_PHONE = re.compile(r"\+\d|0\d{6,}|\(?\d{2,5}\)?[-/. ]\d{2,4}[-/. ]\d{3,}|\d{3}-\d{2}-\d{4}|0\d{1,5}[-/]\d{3,}")
_PERSONAL = re.compile(
    r"-?\d{1,3}\.\d{3,}[,; ]+-?\d{1,3}\.\d{3,}|\d{6}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])\d{3}[\dXx]"
)  # of China; a place on Earth
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
    return _is_opaque(text) or (prefixed is not None and (prefixed[1].isdigit() or _is_opaque(prefixed[1])))


def is_word(text: str) -> bool:
    """Say whether a text is plain, or one word: a field says that it names something, and not somebody."""
    if is_plain(text) or is_id(text):
        return True
    if not 0 < len(text) <= _LONGEST_WORD or _WORD.fullmatch(text) is None or _is_private(text):
        return False
    return len(text) <= _LONGEST_FOREIGN or _SPACELESS.search(text) is None


# ── what is somebody's ──────────────────────────────────────────────────────────────────────────────────────────


def _is_private(text: str) -> bool:
    """Say whether a text is an address, a key, or a number of a person."""
    if _ADDRESS.search(text) or _KEY.match(text) or _PHONE.match(text) or _PERSONAL.fullmatch(text):
        return _TIME.fullmatch(text) is None and _LOCALE.fullmatch(text) is None
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

_SHAPES = (_NUMBER, _QUANTITY, _TIME, _UUID, _TRACEPARENT, _SORTABLE, _CODE, _LOCALE, _ZONE, _MEDIA)
_OF_SHAPE = re.compile("|".join(f"(?:{shape.pattern})" for shape in _SHAPES))


def _has_shape(text: str) -> bool:
    return bool(_OF_SHAPE.fullmatch(text) or _VERSION.fullmatch(text)) or _is_hex(text)


def _is_hex(text: str) -> bool:
    """Say whether a text is a hexadecimal number, and no word that happens to have these letters."""
    digits = text.rpartition(":")[2]
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
    return _is_hex(text) or (len(text) in _OPAQUE and _looks_random(text, 0.15))


# ── words ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _is_of_words(text: str) -> bool:
    """Say whether a text is made of words of enumerations and numbers: `tool_calls`, `eu-west-1`, `ai.generateText`."""
    prefix, separator, rest = _split(text)
    if separator and prefix.lower() in ID_PREFIXES and (rest.isdigit() or _is_opaque(rest)):
        return True
    parts = _PARTS.split(text.strip("[]()\"' "))
    if not all(parts) or (" " in text and not _is_phrase(parts)):
        return False
    alone = len(parts) == 1 and text.isalpha()
    return all(_is_part(part, alone=alone) for part in parts)


def _is_phrase(parts: Sequence[str]) -> bool:
    """Say whether parts with spaces between them are few words, with no number that is long."""
    return len(parts) <= _WORDS_OF_A_PHRASE and parts[0].isalpha() and all(len(n) < 4 for n in parts if n.isdigit())


def _split(text: str) -> tuple[str, str, str]:
    at = next((n for n, letter in enumerate(text) if letter in "-_:"), -1)
    return (text[:at], text[at], text[at + 1 :]) if at > 0 else (text, "", "")


def _is_part(part: str, *, alone: bool) -> bool:
    lower = part.lower()
    if lower in WORDS or (part.isdigit() and len(part) <= 18) or (lower in COMPANIONS and not alone):
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
