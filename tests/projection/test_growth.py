"""How much an expression may make: what would fill the memory is refused before anything is asked of the engine."""

from __future__ import annotations

import pytest

from analytics_es.errors import BadDeclaration
from analytics_es.ingest.files.stretches import stretches
from analytics_es.projection import count, expressions, growth, key, projection
from analytics_es.projection import declaration_of as declared
from tests.limited import grown

TOO_MUCH = [
    "repeat('a', 2000000000)",
    "repeat('a', 2e9)",
    "repeat(a, n)",
    "repeat(repeat(repeat('a', 1000), 1000), 1000)",
    "length(repeat('a', 2000000000)) > 5",
    "CASE a WHEN 'x' THEN repeat('a', 2000000000) END",
    "lpad('a', 2000000000, 'x')",
    "rpad(a, n, 'x')",
    "range(2000000000)",
    "generate_series(1, n)",
    "range(1, 1000000000, 1)",
    "list_resize([1], 2000000000)",
    "array_resize([1], n)",
    "bar(1, 0, 1, 2000000000)",
    "bitstring('1', 2000000000)",
    "to_base(5, 2, 2000000000)",
    "equi_width_bins(0, 1000, 2000000000, false)",
    "format('{:2000000000d}', 5)",
    "format('{:{}}', 5, n)",
    "format(a, n)",
    "printf('%2000000000d', 5)",
    "printf('%*d', n, 5)",
    "CAST(NULL AS INTEGER[100000][100000])",
    "replace(replace(replace(repeat('a', 1000), 'a', a), 'b', a), 'c', a)",
    "regexp_replace(regexp_replace(a, '.', a, 'g'), '.', a, 'g')",
    "hex(hex(hex(hex(hex(hex(hex(a)))))))",
    " || ".join(["repeat(a, 1000)"] * 200),
    "concat(" + ", ".join(["repeat(a, 1000)"] * 200) + ")",
    "to_json([" + ", ".join(["repeat(a, 1000)"] * 200) + "])",
    "string_split(repeat(repeat(a, 1000), 4), '')",
]
USUAL = [
    "repeat('a', 1000)",
    "list_select([a, b], [2])",
    "list_resize([n], 10, 0)",
    "damerau_levenshtein(a, 'gpt-5')",
    "lpad(a, 10, '0')",
    "range(5)",
    "a || '-' || b || '-' || c",
    "replace(a, 'x', 'a longer text')",
    "replace(a, '{model}', b)",
    "regexp_replace(a, '-\\d{8}$', '')",
    "format('{:05d}', n)",
    "printf('%.2f', n)",
    "strftime(to_timestamp(n), '%Y-%m-%dT%H:%M:%S')",
    "split_part(lower(trim(a)), '/', 2)",
    "coalesce(a, b, c)",
    "json_extract_string(a, '$.user.id')",
    "date_trunc('hour', to_timestamp(epoch_ms(try_strptime(a, '%Y'))))",
    "epoch_ms(a::TIMESTAMP) - epoch_ms(b::TIMESTAMP)",
    "list_value(a, b)",
    "{'a': a, 'b': b}",
    "md5(a) || sha256(b)",
    "replace(replace(left(a, 100), 'x', left(b, 100)), 'y', left(c, 100))",
    "string_split(a, '/')[1]",
    "hex(a)",
    "to_json(a)",
    "CAST([1, 2] AS INTEGER[2])",
]


@pytest.mark.parametrize("sql", TOO_MUCH)
def test_what_could_fill_the_memory_is_refused_with_a_sentence(sql: str) -> None:
    with pytest.raises(ValueError, match=r"up to 1000|could make more than|says its widths|no wider|more than 1000"):
        expressions.parsed(sql)


@pytest.mark.parametrize("sql", USUAL)
def test_what_is_usual_is_not(sql: str) -> None:
    growth.check(expressions.parsed(sql), 10 * growth.SMALL)


@pytest.mark.parametrize("sql", ["repeat(model, 2000000000)", "replace(model, 'a', tool)"])
def test_a_projection_is_refused_that_could_make_too_much_of_an_event(sql: str) -> None:
    with pytest.raises(BadDeclaration, match=r"repeat\(\) takes a number|could make more than"):

        @projection(version=1, consumes=("job.*",))
        class Much:
            """Much."""

            text: str = key(sql)
            jobs: int = count(unit="jobs")

        declared(Much)


def test_rows_are_asked_for_in_stretches_that_make_no_more_than_there_is_room_for() -> None:
    bounds = growth.bounds([expressions.parsed("replace(a, 'x', b)")])
    rows = [*range(1, 9)]

    assert list(stretches(rows, [100] * 8, bounds)) == [(rows, True)]
    assert list(stretches(rows, [10] * 3 + [1_000_000] + [10] * 4, bounds)) == [
        ([1, 2, 3], True),
        ([4], False),
        ([5, 6, 7, 8], True),
    ]
    large = [stretch for stretch, _ in stretches(rows, [8000] * 8, bounds)]
    assert [row for stretch in large for row in stretch] == rows
    assert len(large) > 1


_MAPPED = """
import sys, json, tempfile
from pathlib import Path
from analytics_es.errors import AnalyticsError
from analytics_es.ingest.files import read_mapping, rows
folder = Path(tempfile.mkdtemp())
line = json.dumps(dict(a="x" * {size}, b="y" * {size}, c="z" * 100_000, d="x")) + "\\n"
(folder / "a.jsonl").write_text(line * {rows})
mapping = "[[event]]\\ntype = \\"'a.b'\\"\\noccurred_at = \\"'2026-03-02'\\"\\n[event.data]\\nx = "
(folder / "m.toml").write_text(mapping + json.dumps({sql!r}) + "\\n")
said = "done"
try:
    for row in rows(folder / "a.jsonl", read_mapping(folder / "m.toml")):
        said = str(row.error or said)
except AnalyticsError as error:
    said = str(error)
print(said)
"""


@pytest.mark.parametrize(
    ("sql", "size", "number", "said"),
    [
        ("repeat('a', 2000000000)", 1, 1, "repeat() takes a number up to 1000 in its place 2, and nothing else"),
        ("length(replace(a, 'x', b))", 40_000, 3, "the mapping could make more than 134217728 bytes of a row"),
        ("length(repeat(a, 1000))", 10_000, 100, "done"),
        ("length(replace(a, 'x', b))", 2_500, 60, "done"),
        ("length(replace(d, 'x', b)) + length(c)", 20_000, 20, "done"),
    ],
)
def test_a_mapping_takes_bounded_memory_whatever_it_makes(sql: str, size: int, number: int, said: str) -> None:
    megabytes, (error, *_) = grown(_MAPPED.format(sql=sql, size=size, rows=number))

    assert said in error
    assert megabytes < 700


@pytest.mark.parametrize(
    "sql",
    [
        "list_resize([a, a, a], 1000, a)",
        "list_resize([list_resize([0], 1000, 0)], 1000, list_resize([a], 1000, a))",
        "list_select([a], list_resize([1], 1000, 1))",
        "list_select([list_select([left(a, 1000)], list_resize([1], 1000, 1))], list_resize([1], 1000, 1))",
        "damerau_levenshtein(a, b)",
    ],
)
def test_what_is_filled_in_taken_often_or_laid_out_could_be_too_much_of_a_large_row(sql: str) -> None:
    with pytest.raises(ValueError, match="could make more than"):
        growth.check(expressions.tree(sql), growth.EVENT)
