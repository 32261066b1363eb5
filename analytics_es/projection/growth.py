"""How much an SQL expression may make of a row: what would fill the memory is refused before it is asked for.

The engine's limit of memory does not hold for the texts and lists that functions make, one value at a time.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

from analytics_es.projection import engine

MOST_MADE = 128 * 2**20  # bytes that one expression may make of one row
MOST_TIMES = 1000  # what repeats, pads or counts takes no larger number
EVENT = 256 * 1024  # bytes that an event may have
SMALL = 64  # bytes that a number, a time or a truth value takes, as text too

Tree = Mapping[str, Any]

# Functions of which no result is longer than what they are given, and those of JSON that give a part of it.
_KEEPS = frozenset(
    {"lower", "lcase", "upper", "ucase", "trim", "ltrim", "rtrim", "reverse", "substr", "substring", "split_part"}
    | {"left", "right", "nullif", "concat", "||", "greatest", "least", "struct_extract", "element_at", "list_extract"}
    | {"array_extract", "list_slice", "array_slice", "list_value", "list_pack", "row", "struct_pack", "regexp_extract"}
    | {"list_sort", "list_distinct", "list_concat", "flatten", "strip_accents", "constant_or_null", "alias"}
)
_CUTTING = {"left", "right"}
_COUNTED = {"repeat": 1, "lpad": 1, "rpad": 1, "list_resize": 1, "array_resize": 1, "bar": 3, "bitstring": 1}
_COUNTED |= {"equi_width_bins": 2, "to_base": 2}
_FILLING = {"list_resize", "array_resize"}
# What may take an element as often as it is named, and what lays out each letter of one text beside each of another.
_PAIRING = {"list_select": 1, "array_select": 1, "damerau_levenshtein": 8}
_RANGES = {"range", "generate_series"}
_REPLACING = {"replace": 2, "regexp_replace": 2, "array_to_string": 1, "list_aggr": 2, "list_aggregate": 2}
_REPLACING |= {"array_aggr": 2, "array_aggregate": 2, "overlay": 1, "concat_ws": 0, "aggregate": 2}
_WRITING = {"format", "printf", "strftime"}
_SPLITTING = {"split", "str_split", "string_split", "string_to_array", "str_split_regex", "string_split_regex"}
_SPLITTING |= {"regexp_split_to_array", "regexp_extract_all"}
_OTHERS = 8  # times: what writes each letter as eight, or escapes it
_EXTENTS = frozenset({"json_pretty"})  # which indents each level
_FIXED = re.compile(
    r"(?:BOOLEAN|U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?|FLOAT|DOUBLE|DECIMAL|DATE|TIME|INTERVAL|UUID)\b.*|TIME.*"
)
_NUMBERS = re.compile(r"\d+")


def check(tree: Tree, row: int) -> None:
    """Raise ValueError where an expression could make more than MOST_MADE of a row of so many bytes."""
    if made(tree, row) > MOST_MADE:
        raise ValueError(
            f"it could make more than {MOST_MADE} bytes of a row of {row}: shorten what it makes, by left()"
        )


def made(tree: Tree, row: int | Mapping[str, int]) -> int:
    """Return how many bytes an expression makes of a row at most, all steps together; raises ValueError without end.

    The row is of so many bytes, or of so many by the name of each column, in small letters.
    """
    return made_by({}, [tree], row)


def made_by(
    columns: Mapping[str, Tree],
    trees: Sequence[Tree],
    row: int | Mapping[str, int],
    parts: dict[int, list[Tree]] | None = None,
) -> int:
    """Return how many bytes expressions make of a row at most, together with columns that are computed before them.

    `parts` are those of nodes that were asked about before.
    """
    sizing = _Sizing(row, parts)
    for name, tree in columns.items():
        sizing.name(name, sizing.of(tree))
    for tree in trees:
        sizing.of(tree)
    return sizing.total


class _Sizing:
    """Sizes of what the parts of an expression make."""

    def __init__(self, row: int | Mapping[str, int], parts: dict[int, list[Tree]] | None = None) -> None:
        self._parts = {} if parts is None else parts  # of nodes that are there as long as this
        self._columns = dict(row) if isinstance(row, Mapping) else {}
        self._row = row if isinstance(row, int) else sum(row.values())
        self.total = 0

    def name(self, column: str, size: int) -> None:
        """Take a column that is computed, and how many bytes it has at most."""
        self._columns[column.lower()] = size

    def of(self, node: Any) -> int:
        """Return the most bytes that a part makes."""
        kind = node.get("class") if isinstance(node, Mapping) else None
        if kind == "COLUMN_REF":
            return self._columns.get(str(node["column_names"][0]).lower(), self._row)
        if kind == "CONSTANT":
            return max(len(str(node.get("literal", {}).get("text", "")).encode()), 1)
        sizes = [self.of(part) for part in self._of_node(node)]
        size = self._made(kind, node, sizes)
        self.total += size
        return size

    def _of_node(self, node: Any) -> list[Tree]:
        if (parts := self._parts.get(id(node))) is None:
            parts = self._parts[id(node)] = [*_parts(node)]
        return parts

    def _made(self, kind: Any, node: Tree, sizes: list[int]) -> int:
        if kind == "FUNCTION" and node["function_name"] in _PAIRING and len(sizes) > 1:
            return self._paired(node["function_name"], sizes)
        if kind == "FUNCTION":
            return self._called(node["function_name"], node, sizes)
        if kind == "CAST":
            return _cast(node.get("type_expr"), sum(sizes))
        if kind in ("COMPARISON", "CONJUNCTION", "BETWEEN") or node.get("type", "").startswith(
            ("COMPARE", "OPERATOR_IS")
        ):
            return SMALL
        return max(sizes, default=SMALL)

    def _paired(self, name: str, sizes: list[int]) -> int:
        pairs = _PAIRING[name] * max(sizes[0], 1) * max(sizes[1], 1)
        if name in _fixed():
            self.total += pairs
            return SMALL
        return pairs

    def _called(self, name: str, node: Tree, sizes: list[int]) -> int:
        arguments, whole = [argument["expression"] for argument in node.get("arguments", ())], sum(sizes)
        if name in _COUNTED:
            return _repeated(name, _counted(name, arguments, _COUNTED[name]), sizes)
        if name in _CUTTING and len(arguments) > 1 and (letters := _number(arguments[1])) >= 0:
            return min(whole, 4 * letters + 1)
        if name in _RANGES:
            bounds = [_counted(name, arguments, place) for place in range(len(arguments))]
            return 16 * sum(bounds)
        if name in _REPLACING and len(sizes) > 1:
            between = sizes[_REPLACING[name]] if _REPLACING[name] < len(sizes) else 1
            return whole + (sizes[1 if name == "concat_ws" else 0] + len(sizes)) * (1 + between)
        if name in _WRITING:
            return _written(name, arguments, whole)
        if name in _fixed():
            return SMALL
        if name in _EXTENTS:
            return whole * min(self._row, MOST_TIMES)
        if name in _SPLITTING:
            return whole * 64
        if "json_extract" in name or name == "->>":
            paths = [part for argument in arguments[1:] for part in (argument, *_parts(argument))]
            return whole * (len(paths) if all(_plain_path(path) for path in paths) else MOST_TIMES)
        return whole + 16 * len(sizes) if name in _KEEPS else whole * _OTHERS + SMALL


def _repeated(name: str, times: int, sizes: list[int]) -> int:
    if name == "repeat":
        return max(sizes[0], 1) * times
    filling = sizes[2] if name in _FILLING and len(sizes) > 2 else 0
    return sum(sizes) + (20 + filling) * times


def _parts(node: Any) -> Iterator[Tree]:
    """Yield the expressions right below a part."""
    for name, part in node.items():
        if name == "type_expr":
            continue
        for inner in part if isinstance(part, list) else [part]:
            if isinstance(inner, Mapping) and "class" in inner:
                yield inner
            elif isinstance(inner, Mapping) and name != "literal":
                yield from _parts(inner)


def _plain_path(path: Tree) -> bool:
    literal = path.get("literal", {}).get("text")
    return path.get("class") == "FUNCTION" or (isinstance(literal, str) and "*" not in literal and ".." not in literal)


def _cast(kind: Any, size: int) -> int:
    if not isinstance(kind, Mapping):
        return size * _OTHERS
    sizes = [_number(part) for part in _every(kind) if part.get("class") == "CONSTANT"]
    if any(part.get("type_name") == "array" for part in _every(kind)) and prod(sizes) > MOST_TIMES:
        raise ValueError(f"an array of more than {MOST_TIMES} elements is not allowed")
    if kind.get("type_name") in ("VARCHAR", "TEXT", "JSON"):
        return max(2 * size, SMALL)
    return (
        SMALL if _FIXED.fullmatch(str(kind.get("type_name", "")).upper()) else size * 16 + SMALL * max(prod(sizes), 1)
    )


def _every(node: Any) -> Iterator[Tree]:
    yield node
    for part in node.get("children", ()):
        yield from _every(part)


def _number(node: Tree) -> int:
    text = str(node.get("literal", {}).get("text", ""))
    return int(text) if node.get("class") == "CONSTANT" and _NUMBERS.fullmatch(text.removeprefix("-").strip()) else -1


def _counted(name: str, arguments: list[Tree], place: int) -> int:
    """Return how often a function repeats, which has to be said by a number."""
    if place >= len(arguments):
        return MOST_TIMES
    number = arguments[place]
    if number.get("class") == "FUNCTION" and number.get("function_name") == "-" and len(number["arguments"]) == 1:
        number = number["arguments"][0]["expression"]
    times = _number(number)
    if not 0 <= times <= MOST_TIMES:
        raise ValueError(f"{name}() takes a number up to {MOST_TIMES} in its place {place + 1}, and nothing else")
    return times


def _written(name: str, arguments: list[Tree], whole: int) -> int:
    """Return how long a text is that is written by a pattern, whose widths have to be said by it."""
    pattern = next(
        (str(part["literal"].get("text", "")) for part in arguments if part.get("class") == "CONSTANT"), None
    )
    if name == "strftime":
        return whole * 40
    if (
        pattern is None
        or arguments[0].get("class") != "CONSTANT"
        or "*" in pattern
        or re.search(r"\{[^{}]*\{", pattern)
    ):
        raise ValueError(f"{name}() takes a text in its place 1 that says its widths, and nothing else")
    widths = [int(number) for number in _NUMBERS.findall(pattern)[:MOST_TIMES]]
    if max(widths, default=0) > MOST_TIMES:
        raise ValueError(f"{name}() writes no wider than {MOST_TIMES}")
    places = pattern.count("{") + pattern.count("%")
    return whole * (1 + places) + sum(widths) + 400 * places


@functools.cache
def _fixed() -> frozenset[str]:
    """Names of functions all of whose results are numbers, times or truth values."""
    # The types of results of each scalar function.
    types = "SELECT function_name, list(DISTINCT return_type) FROM duckdb_functions() "
    types += "WHERE function_type = 'scalar' GROUP BY 1"
    fixed = (name for name, kinds in engine.ask(types) if all(kind and _FIXED.fullmatch(kind) for kind in kinds))
    return frozenset({*fixed, "+", "-", "~~", "!~~", "md5", "sha1", "sha256", "dayname", "monthname", "typeof", "chr"})


def bounds(trees: Sequence[Tree], columns: Mapping[str, Tree] | None = None) -> list[int]:
    """Return how many bytes expressions make together of a row that has up to 2^n bytes, for n from 0 to 26.

    `columns` are computed before them, once.
    """
    parts: dict[int, list[Tree]] = {}
    return [made_by(columns or {}, trees, 2**power, parts) for power in range(27)]
