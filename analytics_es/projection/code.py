"""A piece of SQL as Python source: of which kind its value is, and how source is made of source."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal

from attrs import evolve, frozen

from analytics_es.projection.certain import Unsure

Kind = Literal["text", "number", "truth", "nothing"]
Fresh = Callable[[], str]  # gives a name that nothing has


@frozen(kw_only=True)
class Code:
    """A value as source, None where it is NULL. A literal is told, too.

    A number is a whole number of its last decimals; a `wide` one is of 64 bits or a decimal, others of 32.
    """

    source: str
    kind: Kind
    decimals: int = 0
    wide: bool = False
    literal: str | int | None = None

    def mapped(self, fresh: Fresh, made: str, kind: Kind | None = None) -> Code:
        """Return what is made of the value, {}, where there is one."""
        if self.kind == "nothing":
            return self
        taken = fresh()
        source = f"(None if ({taken} := {self.source}) is None else {made.format(taken)})"
        return evolve(self, source=source, kind=kind or self.kind, literal=None)

    def scaled(self, fresh: Fresh, decimals: int) -> Code:
        """Return a number with more decimals."""
        if self.decimals == decimals or self.kind != "number":
            return self
        factor = 10 ** (decimals - self.decimals)
        if isinstance(self.literal, int):
            number = self.literal * factor
            return evolve(self, source=f"({number})", decimals=decimals, literal=number)
        return evolve(self.mapped(fresh, f"{{}} * {factor}"), decimals=decimals)

    def as_text(self, fresh: Fresh) -> Code:
        """Return a value as VARCHAR."""
        if self.kind in ("text", "nothing"):
            return evolve(self, kind="text")
        if self.kind == "truth":
            return self.mapped(fresh, "('true' if {} else 'false')", "text")
        made = f"decimal_text({{}}, {self.decimals})" if self.decimals else "str({})"
        return evolve(self.mapped(fresh, made, "text"), decimals=0)


@frozen(kw_only=True)
class Truth:
    """A condition as two sources: whether it is TRUE, and whether it is FALSE; where neither holds, it is NULL."""

    true: str
    false: str

    @property
    def negated(self) -> Truth:
        """NOT it."""
        return Truth(true=self.false, false=self.true)

    @property
    def code(self) -> Code:
        """It as a value; raises Unsure."""
        return Code(source=_bounded(f"(True if {self.true} else False if {self.false} else None)"), kind="truth")


NULL = Code(source="None", kind="nothing")
LONGEST = 200_000  # characters of a condition's source

_MAY_FAIL = re.compile(r"\b(bounded|cast_whole|undecimal)\(")


def may_fail(source: str) -> bool:
    """Say whether the engine may fail to compute it: a cast, or a number that grows too large."""
    return _MAY_FAIL.search(source) is not None


def joined(word: Literal["and", "or"], sources: Sequence[str]) -> str:
    """Join what is True or False; raises Unsure.

    The engine computes all of it, and fails where one part fails: what may fail is never left out.
    """
    sign = {"and": "&", "or": "|"}[word] if any(map(may_fail, sources[1:])) else word
    return _bounded(f"({f' {sign} '.join(sources)})")


def _bounded(source: str) -> str:
    """A condition says its parts several times: source grows with the power of how deep they are nested."""
    if len(source) > LONGEST:
        raise Unsure("an expression that is nested too deeply")
    return source
