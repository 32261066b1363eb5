"""What a mapping names once, in its table [let], and uses often: `$name` and `$name(…)` in expressions.

What has no parameter is a column of its own, which the engine computes once a row; what has one is written out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import Factory, frozen

COLUMN = "__let_"  # how the columns begin that named expressions are
MOST = 512 * 1024  # characters of an expression that is written out
DEEPEST = 32

_HEAD = re.compile(r"([A-Za-z_]\w*)(?:\(\s*([A-Za-z_]\w*)\s*\))?", re.ASCII)
# What stands in quotes is nobody's name.
_PART = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\$([A-Za-z_]\w*)(\s*\()?""", re.ASCII)
_COLUMN = re.compile(rf'"{COLUMN}([A-Za-z_]\w*)"', re.ASCII)
_BRACKET = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|([()])""")


@frozen
class _Definition:
    parameter: str | None
    expression: str


@frozen
class Definitions:
    """Named expressions; one with a parameter, `tokens(column)`, is used with what stands for it: `$tokens(prompt)`."""

    _by_name: Mapping[str, _Definition] = Factory(dict)

    @classmethod
    def read(cls, table: Any) -> Definitions:
        """Read a table of names and expressions; raises ValueError, in one line."""
        if not isinstance(table, dict):
            raise ValueError("must be a table of names and expressions")
        by_name = {}
        for head, expression in table.items():
            named = _HEAD.fullmatch(head.strip())
            if not named:
                raise ValueError(
                    f"{head!r:.80} is no name: use letters, digits and _, such as tokens or tokens(column)"
                )
            if not isinstance(expression, str):
                raise ValueError(f"{head} must be a text that holds an SQL expression")
            by_name[named[1]] = _Definition(named[2], expression)
        return cls(by_name)

    def written_out(self, expression: str) -> str:
        """Return an expression over columns; raises ValueError for a name that is not defined."""
        return self._written(expression, {}, 0) if self._by_name else expression

    def used(self, expressions: Iterable[str]) -> dict[str, str]:
        """Return the named columns that expressions over columns read, each after those that it reads itself."""
        in_order: dict[str, str] = {}
        for expression in expressions:
            self._use(expression, in_order, ())
        return in_order

    def _use(self, expression: str, in_order: dict[str, str], above: tuple[str, ...]) -> None:
        for name in dict.fromkeys(_COLUMN.findall(expression)):
            if name in above:
                raise ValueError(f"${name} is defined by itself")
            if name not in in_order and name in self._by_name:
                written = self.written_out(self._by_name[name].expression)
                self._use(written, in_order, (*above, name))
                in_order[name] = written

    def _written(self, expression: str, standing: Mapping[str, str], depth: int) -> str:
        """Write an expression out in which some parameters stand for others, which are written out already."""
        if depth > DEEPEST:
            raise ValueError("names that are defined by one another have no end")
        parts, place = list[str](), 0
        while found := _PART.search(expression, place):
            parts.append(expression[place : found.start()])
            name, opening, place = found[1], found[2], found.end()
            if name is None:
                parts.append(found[0])
            elif name in standing:
                parts.append(f"({standing[name]}){opening or ''}")
            else:
                part, place = self._named(expression, name, opening, place, standing, depth)
                parts.append(part)
            if sum(map(len, parts)) > MOST:
                raise ValueError(f"longer than {MOST} characters, written out")
        return "".join([*parts, expression[place:]])

    def _named(
        self, expression: str, name: str, opening: str | None, place: int, standing: Mapping[str, str], depth: int
    ) -> tuple[str, int]:
        """Return what a name stands for at a place of an expression, and where it goes on."""
        definition = self._by_name.get(name)
        if definition is None:
            raise ValueError(f"${name} is not defined: [let] has {', '.join(sorted(self._by_name))}")
        if definition.parameter is None:
            return f'"{COLUMN}{name}"', place - len(opening or "")
        if not opening:
            raise ValueError(f"${name} takes one expression: ${name}(…)")
        end = _closing(expression, place)
        argument = self._written(expression[place:end], standing, depth + 1)
        return f"({self._written(definition.expression, {definition.parameter: argument}, depth + 1)})", end + 1


def _closing(expression: str, place: int) -> int:
    """Return where the bracket closes that was opened before a place."""
    open_brackets = 1
    for found in _BRACKET.finditer(expression, place):
        open_brackets += {"(": 1, ")": -1}.get(found[1] or "", 0)
        if not open_brackets:
            return found.start()
    raise ValueError("a bracket is not closed")
