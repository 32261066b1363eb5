"""What a mapping names once and uses often: names stand for expressions, and nothing in quotes is a name."""

from __future__ import annotations

from pathlib import Path

import pytest

from analytics_es.errors import BadMapping
from analytics_es.ingest.files import read_mapping, rows
from analytics_es.ingest.files.definitions import DEEPEST, Definitions

MAPPING = """
[let]
"number(column)" = "CAST(nullif(trim(CAST($column AS VARCHAR)), '') AS DOUBLE)"
prompt = "$number(prompt)"
input = "$prompt + coalesce($number(nullif(CAST(cached AS VARCHAR), ')')), 0)"

[[event]]
type = "'provider.call.completed'"
occurred_at = "ts"
[event.data]
model = "'$prompt'"
input_tokens = "$input"
"""


def test_names_stand_for_expressions_that_may_use_names_themselves(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(MAPPING)
    (tmp_path / "calls.csv").write_text("ts,prompt,cached\n2026-03-02T10:00:00Z,100,20\n2026-03-02T11:00:00Z,7,\n")

    data = [row.event and row.event["data"] for row in rows(tmp_path / "calls.csv", read_mapping(tmp_path / "m.toml"))]

    assert data == [{"model": "$prompt", "input_tokens": 120.0}, {"model": "$prompt", "input_tokens": 7.0}]


def test_a_mapping_without_definitions_is_read_as_it_is() -> None:
    assert Definitions().written_out("$x") == "$x"


@pytest.mark.parametrize(
    ("let", "expression", "problem"),
    [
        ({"a": "1"}, "$b", "$b is not defined: [let] has a"),
        ({"a(x)": "$x"}, "$a", "$a takes one expression: $a(…)"),
        ({"a(x)": "$x"}, "$a(lower(b)", "a bracket is not closed"),
        ({"a": "$b", "b": "$a"}, "$a", "$a is defined by itself"),
        ({"a(x)": "$a($x)"}, "$a(1)", "names that are defined by one another have no end"),
        ({"a": "$y", "b(y)": "$a"}, "$b(1)", "$y is not defined: [let] has a, b"),
        ({"a b": "1"}, "$a", "'a b' is no name: use letters, digits and _, such as tokens or tokens(column)"),
        ({"a": 1}, "$a", "a must be a text that holds an SQL expression"),
        ("a", "$a", "must be a table of names and expressions"),
    ],
)
def test_what_is_not_understood_is_said_in_a_line(let: object, expression: str, problem: str) -> None:
    with pytest.raises(ValueError) as error:
        definitions = Definitions.read(let)
        definitions.used([definitions.written_out(expression)])

    assert str(error.value) == problem


def test_what_is_written_out_is_bounded() -> None:
    doubling = {f"a{n}(x)": f"$a{n + 1}($x) || $a{n + 1}($x)" for n in range(DEEPEST - 1)}

    with pytest.raises(ValueError, match="characters, written out"):
        Definitions.read({**doubling, f"a{DEEPEST - 1}(x)": "$x"}).written_out("$a0('text')")


def test_what_is_named_is_computed_once_a_row_and_after_what_it_reads() -> None:
    definitions = Definitions.read({"c": "$b + $a", "b": "$a * 2", "a": "tokens", "d": "1"})

    assert [*definitions.used([definitions.written_out("$c")])] == ["a", "b", "c"]


def test_a_slip_names_the_table_and_the_place(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(MAPPING.replace('"$input"', '"$imput"'))

    with pytest.raises(BadMapping, match=r"\[\[event\]\] 1, data.input_tokens: \$imput is not defined"):
        read_mapping(tmp_path / "m.toml")
