"""A piece of SQL as Python source: of which kind its value is, and how source is made of source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from attrs import evolve, frozen

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
        """It as a value."""
        return Code(source=f"(True if {self.true} else False if {self.false} else None)", kind="truth")


NULL = Code(source="None", kind="nothing")
