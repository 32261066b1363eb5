"""The functions and operators of SQL that are surely the same in Python, as source; of all others, Unsure is raised."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from attrs import evolve

from analytics_es.events.checks import MAX_INTEGER
from analytics_es.projection.certain import FULL, Unsure
from analytics_es.projection.code import NULL, Code, Fresh, Truth, joined, may_fail

_OF_NUMBERS = {"+": "{} + {}", "-": "{} - {}", "*": "{} * {}", "//": "quotient({}, {})", "%": "remainder({}, {})"}
_OF_TEXTS = {
    "lower": "lowered({})",
    "upper": "raised({})",
    "trim": "ascii_only({}).strip(' ')",
    "ltrim": "ascii_only({}).lstrip(' ')",
    "rtrim": "ascii_only({}).rstrip(' ')",
}
_LIKE = {"~~": "LIKE", "!~~": "NOT LIKE"}
_TESTS = {
    "starts_with": "{}.startswith({})",
    "prefix": "{}.startswith({})",
    "ends_with": "{}.endswith({})",
    "suffix": "{}.endswith({})",
    "contains": "({1} in {0})",
}


def is_test(name: str, arguments: int) -> bool:
    """Say whether a function of a text and a literal says yes or no."""
    return name in _LIKE or (name in _TESTS and arguments == 2)


def computed(name: str, codes: Sequence[Code], fresh: Fresh) -> Code:
    """Translate a function of values; raises Unsure."""
    if name == "||" and len(codes) == 2:
        return _joined(codes[0].as_text(fresh), codes[1].as_text(fresh), fresh)
    if name in _OF_NUMBERS and len(codes) == 2:
        return _of_numbers(name, codes[0], codes[1], fresh)
    if name in _OF_TEXTS and len(codes) == 1 and codes[0].kind in ("text", "nothing"):
        return codes[0].mapped(fresh, _OF_TEXTS[name])
    if name == "split_part" and len(codes) == 3:
        return _part(codes[0], codes[1], codes[2], fresh)
    raise Unsure(f"the function {name}()" if name.isidentifier() else f"the operator {name}")


def _joined(one: Code, other: Code, fresh: Fresh) -> Code:
    if NULL.source in (one.source, other.source):
        if may_fail(one.source) or may_fail(other.source):
            raise Unsure("what may fail beside NULL")
        return evolve(NULL, kind="text")
    return Code(source=_of_both(one, other, "{} + {}", fresh), kind="text")


def _of_both(one: Code, other: Code, made: str, fresh: Fresh) -> str:
    """What is made of two values, where there are both."""
    first, second = fresh(), fresh()
    either = joined("or", [f"(({first} := {one.source}) is None)", f"(({second} := {other.source}) is None)"])
    return f"(None if {either} else {made.format(first, second)})"


def _of_numbers(name: str, one: Code, other: Code, fresh: Fresh) -> Code:
    """Whole numbers of 32 or 64 bits, not literals alone: what becomes too large for them is not sure."""
    whole = all(code.kind == "number" and not code.decimals for code in (one, other))
    literals = [isinstance(code.literal, int) for code in (one, other)]
    divides_by_other = name in ("//", "%") and not (literals[1] and int(other.literal or 0) > 0)
    if not whole or all(literals) or divides_by_other:
        raise Unsure(f"the operator {name} of such numbers")
    wide = one.wide or other.wide
    made = f"bounded({_OF_NUMBERS[name]}, {MAX_INTEGER if wide else FULL})"
    return Code(source=_of_both(one, other, made, fresh), kind="number", wide=wide)


def _part(words: Code, separator: Code, place: Code, fresh: Fresh) -> Code:
    by, number = separator.literal, place.literal
    if words.kind != "text" or not (isinstance(by, str) and by and isinstance(number, int) and number > 0):
        raise Unsure("split_part() by what is no literal, or from the end")
    if place.decimals:
        raise Unsure("split_part() at no whole place")
    quoted = separator.source.replace("{", "{{").replace("}", "}}")
    return words.mapped(fresh, f"part_of({{}}, {quoted}, {number})")


def tested(name: str, words: Code, pattern: Code, fresh: Fresh, constants: dict[str, Any]) -> Truth:
    """Translate LIKE, or a function that says yes or no; raises Unsure."""
    if words.kind != "text" or not isinstance(pattern.literal, str):
        raise Unsure(f"{_LIKE.get(name, name)} by what is no literal")
    taken = fresh()
    plain = _TESTS[name].format(taken, pattern.source) if name in _TESTS else ""
    test = plain or _like(taken, pattern.literal, constants)
    there = f"({taken} := {words.source}) is not None"
    truth = Truth(true=f"({there} and {test})", false=f"({there} and not {test})")
    return truth.negated if name == "!~~" else truth


def _like(words: str, pattern: str, constants: dict[str, Any]) -> str:
    """Most patterns are a beginning, an end or a part; the others are matched, letter by letter."""
    if "\\" in pattern:
        raise Unsure("LIKE with a backslash")
    plain, ends = pattern.strip("%"), (pattern.startswith("%"), pattern.endswith("%"))
    if plain and not {"%", "_"}.intersection(plain):
        return f"({_PLAIN[ends].format(words, repr(plain))})"
    parts = {"%": ".*", "_": "."}
    letters = (parts.get(letter) or re.escape(letter) for letter in pattern)
    matching: Callable[[str], Any] = re.compile("".join(letters), re.DOTALL).fullmatch
    name = f"like_{len(constants)}"
    constants[name] = matching
    return f"({name}({words}) is not None)"


_PLAIN = {
    (False, False): "{} == {}",
    (True, False): "{}.endswith({})",
    (False, True): "{}.startswith({})",
    (True, True): "{1} in {0}",
}
