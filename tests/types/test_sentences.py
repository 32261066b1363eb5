"""A sentence tells its own words from what is put into them, whatever that is and however often it is put together."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es.errors import BadData, BadField, OwnWords, UnknownMetric, UnreadableMessage
from analytics_es.events.codec import to_json
from analytics_es.types.sentences import Sentence, as_own_words, joined, of_error, sentence
from tests.hostile_store import NAMES

PACKAGE = Path(__file__).parent.parent.parent / "analytics_es"
TEXTS = st.text(st.characters(codec="utf-8") | st.sampled_from("`-{}0 "))


def test_to_who_reads_it_a_sentence_is_its_text() -> None:
    said = sentence(
        "… and {beyond:,} more of {name!r}, {{as}} of {day:%d.%m.}", beyond=1200, name="x", day=date(2026, 3, 1)
    )

    assert said == "… and 1,200 more of 'x', {as} of 01.03."
    assert to_json([said], indent=False) == f'["{said}"]'


def test_its_own_words_have_places() -> None:
    said = sentence("{{as}} {name}: {name!r}", name="{0}")

    assert (said.own, said.put) == ("{{as}} {0}: {1}", ("{0}", "'{0}'"))


def test_a_sentence_within_another_keeps_its_own_words() -> None:
    inner = sentence("`analytics-es budgets {{}} {name}`", name="`a`")
    outer = sentence("no {what}: {inner}, {inner}", what="--top 3", inner=inner)

    assert outer == "no --top 3: `analytics-es budgets {} `a``, `analytics-es budgets {} `a``"
    assert outer.own == "no {0}: `analytics-es budgets {{}} {1}`, `analytics-es budgets {{}} {2}`"
    assert outer.put == ("--top 3", "`a`", "`a`")


def test_texts_are_joined_and_sentences_among_them_keep_their_own_words() -> None:
    said = joined(" · ", ["a `name`", sentence("`status`"), sentence("{n} --top", n=3)])

    assert (said, said.own) == ("a `name` · `status` · 3 --top", "{0} · `status` · {1} --top")
    assert joined(" · ", []) == ""


def test_its_own_words_change_and_what_is_put_into_them_stays() -> None:
    said = sentence("--where {name}", name="--where").reworded(lambda own: own.replace("--where", "where"))

    assert said == "where --where"


def test_names_change_but_those_that_are_part_of_a_command() -> None:
    said = sentence("{who}: `analytics-es usage {who}`", who="p_1").renamed(lambda name: f"{name}; rm -rf ~")

    assert said == "p_1; rm -rf ~: `analytics-es usage p_1`"


def test_braces_of_a_command_are_no_place_of_a_name() -> None:
    said = sentence("{who}: `analytics-es usage --db {{0}}.db`", who="p_1").renamed(lambda name: "Ada")

    assert said == "Ada: `analytics-es usage --db {0}.db`"


def test_a_copy_is_the_same_sentence() -> None:
    said = copy.deepcopy(sentence("`a` {name}", name="`b`"))

    assert (said, said.own, said.put) == ("`a` `b`", "`a` {0}", ("`b`",))


# ── errors ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "error",
    [
        BadData(kind="`list`"),
        BadField(field="cost", problem="{0} is --none"),
        BadField(field="cost", problem="is none", actual="`x`"),
        UnknownMetric(metric="`a`" * 50, hint="."),
    ],
)
def test_an_error_says_the_same_as_a_sentence(error: BadData) -> None:
    assert of_error(error) == str(error)


def test_the_own_words_of_an_error_are_its_docstring() -> None:
    said = of_error(UnknownMetric(metric="`a`", hint=sentence(": {it}, `b`.", it="`c`")))

    assert said.own == "There is no metric {0}: {1}, `b`. `analytics-es metrics` lists them all."
    assert said.put == ("'`a`'", "`c`")


def test_a_detail_in_words_of_ours_is_among_the_own_words() -> None:
    error = UnreadableMessage(problem=OwnWords("it has no {id}: `say` it"))

    assert "it has no {{id}}: `say` it" in of_error(error).own
    assert of_error(error) == str(error)


# ── laws ────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.lists(TEXTS | st.sampled_from(NAMES), max_size=4))
def test_whatever_is_put_into_a_sentence_changes_none_of_its_own_words(texts: list[str]) -> None:
    once = joined(" · ", texts)
    twice = sentence("`say` {again}", again=joined(" · ", [once]))

    assert (once, twice) == (" · ".join(texts), f"`say` {' · '.join(texts)}")
    assert twice.own == " ".join(["`say`", " · ".join(f"{{{place}}}" for place in range(len(texts)))])
    assert twice.put == tuple(texts)


@given(TEXTS)
def test_own_words_that_are_escaped_have_no_places(text: str) -> None:
    assert Sentence(as_own_words(text), ()) == text


# ── who makes them ──────────────────────────────────────────────────────────────────────────────────────────────


def _calls(name: str) -> Iterator[tuple[str, ast.expr]]:
    """Yield where something is called in the package, and what it is given first."""
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text()
        if path.name != "sentences.py" and f"{name}(" in text and "sentences import" in text:
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                    yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node.args[0]


@pytest.mark.parametrize("name", ["sentence", "joined"])
def test_own_words_are_written_where_a_sentence_is_made(name: str) -> None:
    calls = [*_calls(name)]

    assert calls
    assert [place for place, first in calls if not isinstance(first, ast.Constant)] == []


def test_nobody_makes_own_words_of_texts_but_of_options_that_were_typed() -> None:
    assert [*_calls("Sentence")] == []
    assert {place.partition(":")[0] for place, _ in _calls("as_own_words")} <= {"cli/hints.py"}


def _outside(node: ast.AST) -> Iterator[str]:
    """Yield the texts in which a command stands, and which are no own words of a sentence, nor a docstring."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "sentence":
        return
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    text = "".join(part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))
    if text.count("`") > 1:
        yield text
    for inner in ast.iter_child_nodes(node):
        is_docstring = isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant)
        yield from () if is_docstring else _outside(inner)


def test_whatever_answers_say_of_commands_is_a_sentence() -> None:
    rooms = [PACKAGE / "presentation", PACKAGE / "service", PACKAGE / "queries", PACKAGE / "cost"]
    paths = [path for room in rooms for path in room.rglob("*.py") if path.name != "sentences.py"]

    assert [(path.name, text) for path in paths for text in _outside(ast.parse(path.read_text()))] == []
