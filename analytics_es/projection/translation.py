"""SQL expressions as Python: the same values and the same truths, of three kinds, as DuckDB's.

Names in the source: f_… fields of an event, own_… fields of one's own, t1, t2 … what was computed on the way. A number
is a whole number of its last decimals. What is not surely the same in Python raises Unsure, naming it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

from attrs import define, evolve, field, frozen

from analytics_es.events.checks import MAX_INTEGER
from analytics_es.events.fields import EXACT, FIELDS, MILLISECONDS, TEXT, WHOLE
from analytics_es.projection.certain import FULL, Unsure
from analytics_es.projection.expressions import Tree

Kind = Literal["text", "number", "truth", "nothing"]

_SCALES = {WHOLE: 0, MILLISECONDS: 3, EXACT: 18}
_COMPARED = {
    "COMPARE_EQUAL": ("==", "!="),
    "COMPARE_NOTEQUAL": ("!=", "=="),
    "COMPARE_LESSTHAN": ("<", ">="),
    "COMPARE_GREATERTHAN": (">", "<="),
    "COMPARE_LESSTHANOREQUALTO": ("<=", ">"),
    "COMPARE_GREATERTHANOREQUALTO": (">=", "<"),
}
_WHOLE_TYPES = {"INTEGER": 2**31 - 1, "BIGINT": MAX_INTEGER}
_MOST_DIGITS = 15  # of a literal, before its decimals


@frozen(kw_only=True)
class Code:
    """A value as source. A number has so many decimals; a `wide` one is of 64 bits, else of 32. A literal is told."""

    source: str
    kind: Kind
    decimals: int = 0
    wide: bool = False
    literal: str | int | None = None


@frozen(kw_only=True)
class Truth:
    """A condition as two sources: whether it is TRUE, and whether it is FALSE; where neither holds, it is NULL."""

    true: str
    false: str


NULL = Code(source="None", kind="nothing")


@define
class Translator:
    """Translates the expressions of one declaration, and notes what they read."""

    numbers: bool = False  # whether fields of one's own are read as numbers, as in measures
    fields: set[str] = field(factory=set)
    own: dict[tuple[str, str, bool], str] = field(factory=dict)  # source names by path, and whether read as numbers
    constants: dict[str, Any] = field(factory=dict)
    _count: int = 0

    def name(self) -> str:
        """Return a name that nothing has."""
        self._count += 1
        return f"t{self._count}"

    # ── values ──────────────────────────────────────────────────────────────────────────────────────────────────

    def value(self, tree: Tree) -> Code:
        """Translate an expression into its value, None where it is NULL."""
        translate = _VALUES.get(tree["class"])
        if tree.get("type") == "OPERATOR_COALESCE":
            return self._coalesce(tree["children"])
        if translate:
            return translate(self, tree)
        return _stated(self.truth(tree))

    def _column(self, tree: Tree) -> Code:
        path = tuple(tree["column_names"])
        if len(path) == 2:
            return self._own(path)
        (name,) = path
        kind = FIELDS.get(name)
        if kind is None:
            raise Unsure(f"the field {name}")
        self.fields.add(name)
        if kind == TEXT:
            return Code(source=f"f_{name}", kind="text")
        return Code(source=f"f_{name}", kind="number", decimals=_SCALES[kind], wide=True)

    def _own(self, path: tuple[str, ...]) -> Code:
        source = self.own.setdefault((path[0], path[1], self.numbers), f"own_{len(self.own)}")
        if self.numbers:
            return Code(source=source, kind="number", decimals=18, wide=True)
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
        if kind in ("INTEGER", "NUMERIC") and (
            parts := re.fullmatch(r"(-?[0-9]+)(?:\.([0-9]{1,18}))?", words, re.ASCII)
        ):
            decimals = len(parts[2] or "")
            number = int(parts[1] + (parts[2] or ""))
            if len(parts[1].lstrip("-0")) <= _MOST_DIGITS or (not decimals and abs(number) <= MAX_INTEGER):
                wide = abs(number) > FULL
                return Code(source=f"({number})", kind="number", decimals=decimals, wide=wide, literal=number)
        raise Unsure(f"the literal {words}" if words else "a literal")

    def _case(self, tree: Tree) -> Code:
        whens = [self.truth(check["when_expr"]).true for check in tree["case_checks"]]
        branches = [self.value(check["then_expr"]) for check in tree["case_checks"]] + [self.value(tree["else_expr"])]
        *thens, otherwise = alike = self._alike(branches)
        source = otherwise.source
        for when, then in reversed(list(zip(whens, thens, strict=True))):
            source = f"({then.source} if {when} else {source})"
        return evolve(alike[0], source=source, wide=any(code.wide for code in branches), literal=None)

    def _coalesce(self, children: Sequence[Tree]) -> Code:
        *first, last = alike = self._alike([self.value(child) for child in children])
        source = last.source
        for code in reversed(first):
            taken = self.name()
            source = f"({taken} if ({taken} := {code.source}) is not None else {source})"
        return evolve(alike[0], source=source, wide=any(code.wide for code in alike), literal=None)

    def _alike(self, codes: Sequence[Code]) -> list[Code]:
        """Bring values to one kind, as the branches of a choice are."""
        kinds = {code.kind for code in codes} - {"nothing"}
        if len(kinds) > 1:
            raise Unsure("a choice between texts and numbers")
        kind = kinds.pop() if kinds else "nothing"
        decimals = max(code.decimals for code in codes)
        return [
            evolve(self.scaled(code, decimals) if kind == "number" else code, kind=kind, decimals=decimals)
            for code in codes
        ]

    def scaled(self, code: Code, decimals: int) -> Code:
        """Return a number with more decimals."""
        if code.decimals == decimals or code.kind != "number":
            return code
        factor = 10 ** (decimals - code.decimals)
        if isinstance(code.literal, int):
            number = code.literal * factor
            return evolve(code, source=f"({number})", decimals=decimals, literal=number)
        return evolve(self.mapped(code, f"{{}} * {factor}"), decimals=decimals)

    def mapped(self, code: Code, made: str, kind: Kind | None = None) -> Code:
        """Return what is made of a value, {}, where there is one."""
        if code.kind == "nothing":
            return code
        taken = self.name()
        source = f"(None if ({taken} := {code.source}) is None else {made.format(taken)})"
        return evolve(code, source=source, kind=kind or code.kind, literal=None)

    def as_text(self, code: Code) -> Code:
        """Return a value as VARCHAR."""
        if code.kind in ("text", "nothing"):
            return evolve(code, kind="text")
        if code.kind == "truth":
            return evolve(self.mapped(code, "('true' if {} else 'false')", "text"), decimals=0)
        made = f"decimal_text({{}}, {code.decimals})" if code.decimals else "str({})"
        return evolve(self.mapped(code, made, "text"), decimals=0)

    def _cast(self, tree: Tree) -> Code:
        target = tree.get("type_expr", {})
        kind, code = target.get("type_name", "?"), self.value(tree["child"])
        if kind == "VARCHAR" and not target.get("children"):
            return self.as_text(code)
        most = _WHOLE_TYPES.get(kind)
        if most is None or code.kind in ("truth", "nothing"):
            raise Unsure(f"a cast to {kind}")
        if code.kind == "text":
            made = f"cast_whole({{}}, {most})"
        elif code.decimals:
            made = f"undecimal({{}}, {10**code.decimals}, {most})"
        else:
            made = f"bounded({{}}, {most})"
        return Code(source=self.mapped(code, made).source, kind="number", wide=most == MAX_INTEGER)

    # ── functions ───────────────────────────────────────────────────────────────────────────────────────────────

    def _function(self, tree: Tree) -> Code:
        name = tree["function_name"]
        arguments = [argument["expression"] for argument in tree.get("arguments", ())]
        if name in _LIKE or (name, len(arguments)) in _TESTS:
            return _stated(self.truth(tree))
        if (name, len(arguments)) == ("nullif", 2):
            equal = {"class": "COMPARISON", "type": "COMPARE_EQUAL", "left": arguments[0], "right": arguments[1]}
            return self._case(_choice(equal, _NOTHING, arguments[0]))
        if (name, len(arguments)) == ("if", 3):
            return self._case(_choice(*arguments))
        codes = [self.value(argument) for argument in arguments]
        if name == "||" and len(codes) == 2:
            return self._joined(*map(self.as_text, codes))
        if name in _OF_NUMBERS and len(codes) == 2:
            return self._computed(name, *codes)
        if name in _OF_TEXTS and len(codes) == 1 and codes[0].kind in ("text", "nothing"):
            return self.mapped(codes[0], _OF_TEXTS[name])
        if name == "split_part" and len(codes) == 3:
            return self._part(*codes)
        raise Unsure(f"the function {name}()" if name.isidentifier() else f"the operator {name}")

    def _joined(self, one: Code, other: Code) -> Code:
        if "nothing" in (one.kind, other.kind):
            return evolve(NULL, kind="text")
        first, second = self.name(), self.name()
        either = f"({first} := {one.source}) is None or ({second} := {other.source}) is None"
        return Code(source=f"(None if {either} else {first} + {second})", kind="text")

    def _computed(self, name: str, one: Code, other: Code) -> Code:
        """Whole numbers, at least one of them of 64 bits: what becomes too large for it is not sure."""
        whole = all(code.kind == "number" and not code.decimals for code in (one, other))
        divides = name in ("//", "%")
        by_literal = isinstance(other.literal, int) and other.literal > 0
        if not whole or not (one.wide or other.wide) or (divides and not by_literal):
            raise Unsure(f"the operator {name} of these kinds of numbers")
        first, second = self.name(), self.name()
        either = f"({first} := {one.source}) is None or ({second} := {other.source}) is None"
        made = _OF_NUMBERS[name].format(first, second)
        return Code(source=f"(None if {either} else bounded({made}, {MAX_INTEGER}))", kind="number", wide=True)

    def _part(self, words: Code, separator: Code, place: Code) -> Code:
        by, number = separator.literal, place.literal
        if words.kind != "text" or not (isinstance(by, str) and by and isinstance(number, int) and number > 0):
            raise Unsure("split_part() by what is no literal, or from the end")
        if place.decimals:
            raise Unsure("split_part() at no whole place")
        return self.mapped(words, f"part_of({{}}, {_braced(separator.source)}, {place.source})")

    # ── conditions ──────────────────────────────────────────────────────────────────────────────────────────────

    def truth(self, tree: Tree) -> Truth:
        """Translate a condition."""
        kind, type_ = tree["class"], tree.get("type")
        if kind == "CONJUNCTION":
            parts = [self.truth(child) for child in tree["children"]]
            ands, ors = (f"({word.join(getattr(part, side) for part in parts)})" for word, side in _sides(type_))
            return Truth(true=ands, false=ors)
        if kind == "COMPARISON":
            return self._comparison(tree)
        if kind == "BETWEEN":
            return self.truth(_between(tree))
        if type_ == "OPERATOR_NOT":
            truth = self.truth(tree["children"][0])
            return Truth(true=truth.false, false=truth.true)
        if type_ in ("OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL"):
            source = self.value(tree["children"][0]).source
            is_null, is_there = f"({source} is None)", f"({source} is not None)"
            return (
                Truth(true=is_null, false=is_there)
                if type_ == "OPERATOR_IS_NULL"
                else Truth(true=is_there, false=is_null)
            )
        if type_ == "COMPARE_IN":
            return self._among(*tree["children"])
        if kind == "FUNCTION" and (test := self._test(tree)):
            return test
        if kind not in _VALUES and type_ != "OPERATOR_COALESCE":
            raise Unsure(f"the operator {type_ or kind}")
        code = self.value(tree)
        if code.kind not in ("truth", "nothing"):
            raise Unsure("a condition that is no truth")
        return Truth(true=f"({code.source} is True)", false=f"({code.source} is False)")

    def _comparison(self, tree: Tree) -> Truth:
        one, other = self._comparable(self.value(tree["left"]), self.value(tree["right"]))
        if tree["type"] == "COMPARE_DISTINCT_FROM":
            return Truth(true=f"({one.source} != {other.source})", false=f"({one.source} == {other.source})")
        if tree["type"] not in _COMPARED:
            raise Unsure(f"the comparison {tree['type']}")
        if "nothing" in (one.kind, other.kind):
            return Truth(true="False", false="False")
        first, second = self.name(), self.name()
        there = f"({first} := {one.source}) is not None"
        if other.literal is not None:
            second = other.source
        else:
            there += f" and ({second} := {other.source}) is not None"
        sides = (f"({there} and {first} {sign} {second})" for sign in _COMPARED[tree["type"]])
        return Truth(true=next(sides), false=next(sides))

    def _comparable(self, one: Code, other: Code) -> tuple[Code, Code]:
        kinds = {one.kind, other.kind} - {"nothing"}
        if len(kinds) > 1 or kinds == {"truth"}:
            raise Unsure("a comparison of different kinds")
        decimals = max(one.decimals, other.decimals)
        return self.scaled(one, decimals), self.scaled(other, decimals)

    def _among(self, tree: Tree, *others: Tree) -> Truth:
        """IN: FALSE only where nothing is NULL."""
        equal = [
            self._comparison({"class": "COMPARISON", "type": "COMPARE_EQUAL", "left": tree, "right": other})
            for other in others
        ]
        true, false = (
            f"({word.join(getattr(part, side) for part in equal)})" for word, side in _sides("CONJUNCTION_OR")
        )
        return Truth(true=true, false=false)

    def _test(self, tree: Tree) -> Truth | None:
        """A function of texts that says yes or no."""
        name = tree["function_name"]
        arguments = [argument["expression"] for argument in tree.get("arguments", ())]
        if name not in _LIKE and (name, len(arguments)) not in _TESTS:
            return None
        words, pattern = map(self.value, arguments)
        if words.kind != "text" or not isinstance(pattern.literal, str):
            raise Unsure(f"{'LIKE' if name in _LIKE else name} by what is no literal")
        taken = self.name()
        like = name in _LIKE
        test = self._like(taken, pattern.literal) if like else _TESTS[name, 2].format(taken, pattern.source)
        there = f"({taken} := {words.source}) is not None"
        truth = Truth(true=f"({there} and {test})", false=f"({there} and not {test})")
        return truth if name != "!~~" else Truth(true=truth.false, false=truth.true)

    def _like(self, words: str, pattern: str) -> str:
        if "\\" in pattern:
            raise Unsure("LIKE with a backslash")
        parts = {"%": ".*", "_": "."}
        compiled = re.compile("".join(parts.get(letter) or re.escape(letter) for letter in pattern), re.DOTALL)
        plain = pattern.strip("%")
        if "%" not in plain and "_" not in plain and plain:
            first, last = pattern.startswith("%"), pattern.endswith("%")
            simple = {(False, False): "{} == {}", (True, False): "{}.endswith({})", (False, True): "{}.startswith({})"}
            return "(" + simple.get((first, last), "{1} in {0}").format(words, repr(plain)) + ")"
        name = f"like_{len(self.constants)}"
        self.constants[name] = compiled.fullmatch
        return f"({name}({words}) is not None)"


# ── trees ───────────────────────────────────────────────────────────────────────────────────────────────────────

_NOTHING: Tree = {"class": "CONSTANT", "literal": {"kind": "NULL_LITERAL"}}


def _choice(condition: Tree, then: Tree, otherwise: Tree) -> Tree:
    return {"class": "CASE", "case_checks": [{"when_expr": condition, "then_expr": then}], "else_expr": otherwise}


def _between(tree: Tree) -> Tree:
    ends = (("COMPARE_GREATERTHANOREQUALTO", "lower"), ("COMPARE_LESSTHANOREQUALTO", "upper"))
    children = [
        {"class": "COMPARISON", "type": comparison, "left": tree["input"], "right": tree[end]}
        for comparison, end in ends
    ]
    return {"class": "CONJUNCTION", "type": "CONJUNCTION_AND", "children": children}


def _sides(kind: str | None) -> tuple[tuple[str, str], tuple[str, str]]:
    """How both sides of a conjunction are made of those of its parts."""
    if kind == "CONJUNCTION_AND":
        return (" and ", "true"), (" or ", "false")
    return (" or ", "true"), (" and ", "false")


def _braced(source: str) -> str:
    return source.replace("{", "{{").replace("}", "}}")


def _stated(truth: Truth) -> Code:
    return Code(source=f"(True if {truth.true} else False if {truth.false} else None)", kind="truth")


_VALUES: dict[str, Callable[[Translator, Tree], Code]] = {
    "COLUMN_REF": Translator._column,
    "CONSTANT": Translator._constant,
    "CASE": Translator._case,
    "CAST": Translator._cast,
    "FUNCTION": Translator._function,
}
_OF_NUMBERS = {"+": "{} + {}", "-": "{} - {}", "*": "{} * {}", "//": "quotient({}, {})", "%": "remainder({}, {})"}
_OF_TEXTS = {
    "lower": "lowered({})",
    "upper": "raised({})",
    "trim": "ascii_only({}).strip(' ')",
    "ltrim": "ascii_only({}).lstrip(' ')",
    "rtrim": "ascii_only({}).rstrip(' ')",
}
_LIKE = {"~~", "!~~"}
_TESTS = {
    ("starts_with", 2): "{}.startswith({})",
    ("prefix", 2): "{}.startswith({})",
    ("suffix", 2): "{}.endswith({})",
    ("ends_with", 2): "{}.endswith({})",
    ("contains", 2): "({1} in {0})",
}
