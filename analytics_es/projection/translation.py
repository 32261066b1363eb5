"""SQL expressions as Python: the same values and the same truths, of three kinds, as DuckDB's.

Names in the source: f_… fields of an event, own_… fields of one's own, t1, t2 … what was computed on the way. What is
not surely the same in Python raises Unsure, naming it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, evolve, field

from analytics_es.events.checks import MAX_INTEGER
from analytics_es.events.fields import EXACT, FIELDS, MILLISECONDS, OPEN_FIELDS, TEXT, WHOLE
from analytics_es.projection import functions
from analytics_es.projection.certain import FULL, Unsure
from analytics_es.projection.code import NULL, Code, Truth, joined, may_fail
from analytics_es.projection.expressions import Tree

SCALES = {WHOLE: 0, MILLISECONDS: 3, EXACT: 18}

_COMPARED = {
    "COMPARE_EQUAL": ("==", "!="),
    "COMPARE_NOTEQUAL": ("!=", "=="),
    "COMPARE_LESSTHAN": ("<", ">="),
    "COMPARE_GREATERTHAN": (">", "<="),
    "COMPARE_LESSTHANOREQUALTO": ("<=", ">"),
    "COMPARE_GREATERTHANOREQUALTO": (">=", "<"),
}
_CAST = {"INTEGER": FULL, "BIGINT": MAX_INTEGER}
_NUMBER = re.compile(r"(-?)0*([0-9]+)(?:\.([0-9]{1,18}))?")
_MOST_DIGITS = 15  # of a literal, before its decimals


@define
class Translator:
    """Translates the expressions of one declaration, and notes what they read."""

    numbers: bool = False  # whether fields of one's own are read as numbers, as in measures
    fields: set[str] = field(factory=set)
    own: dict[tuple[str, str, bool], str] = field(factory=dict)  # source names by path, and whether read as numbers
    constants: dict[str, Any] = field(factory=dict)
    _count: int = 0

    def fresh(self) -> str:
        """Return a name that nothing has."""
        self._count += 1
        return f"t{self._count}"

    # ── values ──────────────────────────────────────────────────────────────────────────────────────────────────

    def value(self, tree: Tree) -> Code:
        """Translate an expression into its value; raises Unsure."""
        if tree.get("type") == "OPERATOR_COALESCE":
            return self._coalesce(tree["children"])
        translate = _VALUES.get(tree["class"])
        return translate(self, tree) if translate else self.truth(tree).code

    def _column(self, tree: Tree) -> Code:
        path = tuple(tree["column_names"])
        if len(path) == 2:
            return self._own(path[0], path[1])
        (name,) = path
        kind = FIELDS.get(name)
        if kind is None:
            raise Unsure(f"the field {name}")
        self.fields.add(name)
        if kind == TEXT:
            return Code(source=f"f_{name}", kind="text")
        return Code(source=f"f_{name}", kind="number", decimals=SCALES[kind], wide=True)

    def _own(self, outer: str, inner: str) -> Code:
        if outer not in OPEN_FIELDS:
            raise Unsure(f"the field {outer}.{inner}")
        source = self.own.setdefault((outer, inner, self.numbers), f"own_{len(self.own)}")
        if self.numbers:
            return Code(source=source, kind="number", decimals=SCALES[EXACT], wide=True)
        return Code(source=source, kind="text")

    def _constant(self, tree: Tree) -> Code:
        literal = tree.get("literal", {})
        kind, words = literal.get("kind"), literal.get("text", "")
        if kind == "NULL_LITERAL":
            return NULL
        if kind == "STRING":
            return Code(source=repr(words), kind="text", literal=words)
        if kind == "BOOLEAN":
            return Code(source=str(words == "true"), kind="truth")
        parts = _NUMBER.fullmatch(words) if kind in ("INTEGER", "NUMERIC") else None
        if parts is None or len(parts[2]) > _MOST_DIGITS:
            raise Unsure(f"the literal {words}" if words else "a literal")
        decimals = parts[3] or ""
        number = int("".join((parts[1], parts[2], decimals)))
        return Code(
            source=f"({number})",
            kind="number",
            decimals=len(decimals),
            wide=not -FULL - 1 <= number <= FULL,
            literal=number,
        )

    def _case(self, tree: Tree) -> Code:
        checks = tree["case_checks"]
        whens = [self.truth(check["when_expr"]).true for check in checks]
        *thens, otherwise = branches = self._alike([check["then_expr"] for check in checks] + [tree["else_expr"]])
        source = otherwise.source
        for when, then in reversed(list(zip(whens, thens, strict=True))):
            source = f"({then.source} if {when} else {source})"
        return _chosen(branches, source)

    def _coalesce(self, children: Sequence[Tree]) -> Code:
        *first, last = choices = self._alike(children)
        source = last.source
        for code in reversed(first):
            taken = self.fresh()
            source = f"({taken} if ({taken} := {code.source}) is not None else {source})"
        return _chosen(choices, source)

    def _alike(self, trees: Sequence[Tree]) -> list[Code]:
        """Translate values that are chosen from: all of one kind, with as many decimals."""
        codes = [self.value(tree) for tree in trees]
        kinds = {code.kind for code in codes} - {"nothing"}
        if len(kinds) > 1:
            raise Unsure("a choice between texts and numbers")
        decimals = max(code.decimals for code in codes)
        scaled = [code.scaled(self.fresh, decimals) for code in codes]
        return [evolve(code, kind=kinds.copy().pop(), decimals=decimals) for code in scaled] if kinds else scaled

    def _cast(self, tree: Tree) -> Code:
        target = tree.get("type_expr", {})
        kind, code = target.get("type_name", "?"), self.value(tree["child"])
        if kind == "VARCHAR" and not target.get("children"):
            return code.as_text(self.fresh)
        most = _CAST.get(kind)
        if most is None or code.kind in ("truth", "nothing"):
            raise Unsure(f"a cast to {kind}")
        if code.kind == "text":
            made = f"cast_whole({{}}, {most})"
        elif code.decimals:
            made = f"undecimal({{}}, {10**code.decimals}, {most})"
        else:
            made = f"bounded({{}}, {most})"
        return Code(source=code.mapped(self.fresh, made).source, kind="number", wide=most > FULL)

    def _function(self, tree: Tree) -> Code:
        name = tree["function_name"]
        arguments = _arguments(tree)
        if functions.is_test(name, len(arguments)):
            return self.truth(tree).code
        if (name, len(arguments)) == ("nullif", 2):
            equal = {"class": "COMPARISON", "type": "COMPARE_EQUAL", "left": arguments[0], "right": arguments[1]}
            check = {"when_expr": equal, "then_expr": _NOTHING}
            return self._case({"class": "CASE", "case_checks": [check], "else_expr": arguments[0]})
        return functions.computed(name, [self.value(argument) for argument in arguments], self.fresh)

    # ── conditions ──────────────────────────────────────────────────────────────────────────────────────────────

    def truth(self, tree: Tree) -> Truth:
        """Translate a condition; raises Unsure."""
        kind, type_ = tree["class"], tree.get("type", "")
        if kind == "CONJUNCTION":
            return _conjunction(type_, [self.truth(child) for child in tree["children"]])
        if kind == "COMPARISON":
            return self._comparison(type_, self.value(tree["left"]), self.value(tree["right"]))
        if kind == "BETWEEN":
            return self._between(*(tree[part] for part in ("input", "lower", "upper")))
        if translate := _TRUTHS.get(type_):
            return translate(self, tree["children"])
        if kind == "FUNCTION" and functions.is_test(tree["function_name"], len(_arguments(tree))):
            words, pattern = map(self.value, _arguments(tree))
            return functions.tested(tree["function_name"], words, pattern, self.fresh, self.constants)
        if kind not in _VALUES and type_ != "OPERATOR_COALESCE":
            raise Unsure(f"the operator {type_ or kind}")
        code = self.value(tree)
        if code.kind not in ("truth", "nothing"):
            raise Unsure("a condition that is no truth")
        return Truth(true=f"({code.source} is True)", false=f"({code.source} is False)")

    def _not(self, children: Sequence[Tree]) -> Truth:
        return self.truth(children[0]).negated

    def _is_null(self, children: Sequence[Tree]) -> Truth:
        one = f"({self.fresh()} := {self.value(children[0]).source})"  # of a literal by itself, Python would warn
        return Truth(true=f"({one} is None)", false=f"({one} is not None)")

    def _is_not_null(self, children: Sequence[Tree]) -> Truth:
        return self._is_null(children).negated

    def _among(self, children: Sequence[Tree]) -> Truth:
        """IN: FALSE only where nothing is NULL."""
        one, *others = (self.value(child) for child in children)
        return _conjunction("CONJUNCTION_OR", [self._comparison("COMPARE_EQUAL", one, other) for other in others])

    def _between(self, *trees: Tree) -> Truth:
        one, lower, upper = map(self.value, trees)
        ends = (("COMPARE_GREATERTHANOREQUALTO", lower), ("COMPARE_LESSTHANOREQUALTO", upper))
        return _conjunction("CONJUNCTION_AND", [self._comparison(sign, one, end) for sign, end in ends])

    def _comparison(self, type_: str, one: Code, other: Code) -> Truth:
        kinds = {one.kind, other.kind} - {"nothing"}
        if len(kinds) > 1 or kinds == {"truth"}:
            raise Unsure("a comparison of different kinds")
        decimals = max(one.decimals, other.decimals)
        one, other = one.scaled(self.fresh, decimals), other.scaled(self.fresh, decimals)
        if type_ == "COMPARE_DISTINCT_FROM":
            return Truth(true=f"({one.source} != {other.source})", false=f"({one.source} == {other.source})")
        if type_ not in _COMPARED:
            raise Unsure(f"the comparison {type_}")
        if "nothing" in (one.kind, other.kind):
            if may_fail(one.source) or may_fail(other.source):
                raise Unsure("what may fail beside NULL")
            return Truth(true="False", false="False")
        first, second = self.fresh(), self.fresh()
        there = f"(({first} := {one.source}) is not None)"
        if other.literal is None:
            there = joined("and", [there, f"(({second} := {other.source}) is not None)"])
        else:
            second = other.source
        true, false = (f"({there} and {first} {sign} {second})" for sign in _COMPARED[type_])
        return Truth(true=true, false=false)


# ── trees ───────────────────────────────────────────────────────────────────────────────────────────────────────

_NOTHING: Tree = {"class": "CONSTANT", "literal": {"kind": "NULL_LITERAL"}}


def _arguments(tree: Tree) -> list[Tree]:
    return [argument["expression"] for argument in tree.get("arguments", ())]


def _chosen(codes: Sequence[Code], source: str) -> Code:
    return evolve(codes[0], source=source, wide=any(code.wide for code in codes), literal=None)


def _conjunction(type_: str, parts: Sequence[Truth]) -> Truth:
    """AND is TRUE where all parts are and FALSE where one is, OR the other way round."""
    true, false = [part.true for part in parts], [part.false for part in parts]
    if type_ == "CONJUNCTION_AND":
        return Truth(true=joined("and", true), false=joined("or", false))
    return Truth(true=joined("or", true), false=joined("and", false))


_VALUES: dict[str, Callable[[Translator, Tree], Code]] = {
    "COLUMN_REF": Translator._column,
    "CONSTANT": Translator._constant,
    "CASE": Translator._case,
    "CAST": Translator._cast,
    "FUNCTION": Translator._function,
}
_TRUTHS: dict[str, Callable[[Translator, Sequence[Tree]], Truth]] = {
    "OPERATOR_NOT": Translator._not,
    "OPERATOR_IS_NULL": Translator._is_null,
    "OPERATOR_IS_NOT_NULL": Translator._is_not_null,
    "COMPARE_IN": Translator._among,
}
