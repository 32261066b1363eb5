"""Every construct of SQL that is translated to Python says of each event what the engine says of it, NULL included."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import pytest

from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declaration import Declaration, Key, Measure
from analytics_es.projection.fold import Fold
from tests.stores import Stored, batch, stored

CONDITIONS = (
    *("model = status", "model <> status", "model < status", "model <= status", "model > status", "model >= status"),
    *("input_tokens = output_tokens", "input_tokens < cost", "duration_ms >= value", "cost = duration_ms"),
    *("cost > 0.5", "cost <= 1", "duration_ms < 40.5", "input_tokens > 5.5", "0.5 < cost", "input_tokens <> -3"),
    *("model IS DISTINCT FROM status", "cost IS DISTINCT FROM duration_ms", "input_tokens IS DISTINCT FROM cost"),
    *("model IS NULL", "tool IS NOT NULL", "(cost > 1) IS NULL", "NULL IS NULL", "(model = NULL) IS NOT NULL"),
    *(
        "model = NULL",
        "NULL < input_tokens",
        "model IN (NULL)",
        "NULL",
        "model = 'ok' AND NULL",
        "tool IS NULL OR NULL",
    ),
    *("status IN ('ok', 'error')", "status NOT IN ('ok', model)", "cost IN (0, 12, NULL)", "'ok' IN (status, model)"),
    *("input_tokens IN (5, 7.0)", "input_tokens BETWEEN 5 AND 7", "input_tokens NOT BETWEEN output_tokens AND 7"),
    *("cost BETWEEN duration_ms AND input_tokens", "model BETWEEN 'a' AND 'm'", "model BETWEEN NULL AND 'm'"),
    *("model = 'm' AND tool = 'm'", "model = 'm' OR tool = 'm'", "NOT (model = 'm') OR (tool = 'm' AND cost > 1)"),
    *("model LIKE 'a%'", "model LIKE '%b'", "model LIKE '%/%'", "model LIKE 'm'", "model LIKE '%'", "model LIKE ''"),
    *("model NOT LIKE 'a%'", "model LIKE '_'", "model LIKE 'a_b'", "model LIKE 'A%B'", "model LIKE '%_'"),
    *("model LIKE '(%'", "model LIKE '%[.]%'", "model LIKE '_%_'", "model LIKE 'a%/%c'"),
    *("starts_with(model, 'a')", "prefix(model, 'm')", "ends_with(model, 'b')", "suffix(model, '')"),
    *("contains(model, '/')", "NOT contains(model, 'm')"),
    *("CASE WHEN cost > 1 THEN true WHEN cost <= 0 THEN false END", "CASE WHEN model = 'm' THEN tool = 'm' END"),
    *("CASE model WHEN 'm' THEN true WHEN tool THEN false ELSE cost > 1 END", "coalesce(cost > 1, tool = 'm')"),
    *("true", "false", "nullif(model, tool) = 'm'", "nullif(cost, input_tokens) > 0"),
    *(
        "input_tokens // 3 = 2",
        "input_tokens % 3 = 1",
        "input_tokens - output_tokens < 0",
        "split_part(model, '/', 2) = 'b'",
    ),
)
TEXTS = (
    *(
        "model",
        "coalesce(model, tool)",
        "coalesce(model, tool, status, '-')",
        "coalesce(NULL, model)",
        "nullif(model, 'm')",
    ),
    *("nullif('m', model)", "lower(model)", "upper(tool)", "trim(model)", "ltrim(model)", "rtrim(model)"),
    *("model || tool", "model || NULL", "model || input_tokens", "cost || '/' || duration_ms", "(cost > 1) || ''"),
    *(
        "split_part(model, '/', 1)",
        "split_part(model, '/', 3)",
        "split_part(model, 'b', 2)",
        "split_part(model, '{', 1)",
    ),
    *("CAST(cost AS VARCHAR)", "CAST(duration_ms AS VARCHAR)", "CAST(model = 'm' AS VARCHAR)", "CAST(7 AS VARCHAR)"),
    *("CAST(0.50 AS VARCHAR)", "CAST(-1.25 AS VARCHAR)", "CAST(NULL AS VARCHAR)", "input_tokens", "cost", "cost > 1"),
    *("coalesce(cost, input_tokens)", "coalesce(input_tokens, 0.5)", "CASE WHEN cost > 1 THEN duration_ms ELSE 0 END"),
    *("CASE WHEN model = 'm' THEN 'a' WHEN tool = 'm' THEN status END", "nullif(cost, input_tokens)"),
    *("CASE WHEN model = 'm' THEN 'a' WHEN model = 'm' THEN 'b' WHEN tool = 'm' THEN 'c' ELSE 'd' END",),
    *(
        "CASE status WHEN 'ok' THEN model WHEN 'error' THEN tool ELSE 'else' END",
        "NULL",
        "input_tokens BETWEEN 1 AND 7",
    ),
    *(
        "input_tokens // 100",
        "input_tokens // 7",
        "input_tokens % 7",
        "input_tokens + output_tokens",
        "input_tokens * -3",
    ),
    *("CASE WHEN model = 'm' THEN 7 ELSE input_tokens END // 2", "coalesce(input_tokens, 7) % 4"),
    *("CAST(attributes.n AS INTEGER) // 3", "CAST(attributes.n AS BIGINT) * 2", "CAST(input_tokens AS INTEGER) + 1"),
    *("CAST(12.0 AS INTEGER) + input_tokens", "attributes.n || data.label"),
)
VALUES = (
    *("input_tokens", "cost", "duration_ms", "value", "coalesce(cost, value)", "coalesce(cost, duration_ms, 0)"),
    *("data.size", "attributes.weight", "coalesce(data.size, input_tokens)", "nullif(input_tokens, 7)"),
    *("CASE WHEN status = 'ok' THEN 1 ELSE 0.25 END", "CASE WHEN data.size > 5 THEN data.size END"),
    *("input_tokens * output_tokens", "input_tokens // 2", "CAST(attributes.n AS INTEGER) * 2", "minute"),
)

_TEXTS = ("ok", "error", "m", "a/b", "a\nb", "abc", " m ", "eu", "", "7", "a/b/c", "b", "(a)", "{b", "A", "mm", "[.]")


def _events(count: int) -> list[Stored]:
    """Return events of plain values, of which each lacks some."""
    chance = random.Random(15)

    def some(**choices: Sequence[Any]) -> dict[str, Any]:
        return {name: chance.choice(values) for name, values in choices.items() if chance.random() < 0.75}

    return [
        stored(
            chance.choice(["custom.thing.happened", "tool.call.completed"]),
            occurred_at=f"2026-03-02T12:{number % 60:02}:00Z",
            **some(model=_TEXTS, status=("ok", "error", "m", "b"), tool=("m", " M", "abc", "ok"), label=_TEXTS),
            **some(input_tokens=(0, 1, 5, 7, 20, 250, 12), output_tokens=(0, 5, 7, 19, 3), size=(0, 3, "5.5", 12)),
            **some(
                duration_ms=(0, 0.25, 40.5, 7, 12, 2500), cost=("0", "0.005", "12", "1", "7.00", "20"), value=(7, "12")
            ),
            attributes=some(n=("0", "7", "-7", "1000000", 12, "2"), weight=(1, "2.5", 0)),
            number=number,
        )
        for number in range(count)
    ]


EVENTS = _events(90)


def declaration(*measures: Measure, keys: Sequence[str] = ()) -> Declaration:
    """Return a declaration with a row for each event."""
    named = [Key(name=f"k{place}", sql=sql) for place, sql in enumerate(keys)]
    counting = Measure(name="events", kind="count", sql=None, where=None, unit="1", decimals=0)
    return Declaration(
        name="mine",
        version=1,
        consumes=(">",),
        where=None,
        entities=(),
        keys=(Key(name="number", sql="data.number"), *named),
        measures=measures or (counting,),
    )


def measure(name: str, **parts: Any) -> Measure:
    plain = {"kind": "count", "sql": None, "where": None, "unit": "1", "decimals": 0}
    return Measure(name=name, **{**plain, **parts})


def compared(declared: Declaration) -> list[Any]:
    """Fold event by event in Python, and all at once in the engine; return what Python is sure of, once it is equal."""
    with closing(Fold([declared], Calendar("UTC"))) as fold:
        folds = [fold.small(batch(event), [declared.name], None) for event in EVENTS]
        whole: Any = fold._in_engine(batch(*EVENTS), [declared], None)["mine"]
    sure = {number: one["mine"] for number, one in enumerate(folds) if one}
    theirs: dict[int, list[Any]] = {number: [] for number in sure}
    for row in whole.rows:
        theirs.get(int(row[2]), []).append(row)

    assert {number: sorted(rows) for number, rows in theirs.items()} == {
        number: sorted(rows) for number, rows in sure.items()
    }
    assert whole.unreadable == []
    assert len(sure) == len(EVENTS)
    return [row for rows in sure.values() for row in rows]


@pytest.mark.parametrize("part", range(4))
def test_a_condition_is_true_false_and_null_where_the_engine_says_so(part: int) -> None:
    ways = [way for sql in CONDITIONS[part::4] for way in (sql, f"NOT ({sql})", f"({sql}) IS NULL")]
    rows = compared(declaration(*(measure(f"m{place}", where=way) for place, way in enumerate(ways))))

    assert all(sum(row[place : place + 3]) == 1 for row in rows for place in range(3, len(row), 3))


def test_a_text_is_what_the_engine_makes_of_it() -> None:
    compared(declaration(keys=TEXTS))


@pytest.mark.parametrize("decimals", [0, 1, 6, 18])
def test_a_number_is_what_the_engine_makes_of_it(decimals: int) -> None:
    kinds = ("total", "smallest", "largest")
    compared(
        declaration(
            *(
                measure(f"m{place}_{kind}", kind=kind, sql=sql, decimals=decimals)
                for place, sql in enumerate(VALUES)
                for kind in kinds
            )
        )
    )


NOT_SURE = (
    *("CASE WHEN true THEN 3 END * 2147483647", "CAST(attributes.n AS INTEGER) * 2147483647", "1 + 1", "cost * 2"),
    *("input_tokens * 9223372036854775807", "input_tokens // output_tokens", "input_tokens % 0", "input_tokens // -7"),
    *(
        "model = 5",
        "model = cost",
        "(cost > 1) = true",
        "(cost > 1) IN (true)",
        "coalesce(model, cost)",
        "model OR true",
    ),
    *("CASE WHEN true THEN model ELSE 5 END", "model IS NOT DISTINCT FROM tool", "lower(cost)", "trim(model, 'a')"),
    *(
        "CAST(cost AS INTEGER)",
        "CAST(model = 'm' AS INTEGER)",
        "CAST(model AS VARCHAR(2))",
        "CAST(NULL AS INTEGER)",
        "CAST(input_tokens AS DOUBLE)",
    ),
    *("CAST(tool AS INTEGER)", "CAST(3000000000 AS INTEGER)", "lower(model)", "rtrim(model)"),
    *(
        "split_part(model, '/', -1)",
        "split_part(model, '/', 0)",
        "split_part(model, '/', 1.0)",
        "split_part(model, '', 1)",
    ),
    *(
        "split_part(model, tool, 1)",
        "model LIKE 'a\\_b'",
        "model LIKE tool",
        "model NOT LIKE tool",
        "contains(model, tool)",
    ),
    *("1234567890123456", "0.1234567890123456789", "1e3", "other.name"),
)


@pytest.mark.parametrize("sql", NOT_SURE)
def test_what_is_not_surely_alike_is_left_to_the_engine(sql: str) -> None:
    event = stored(model="É", tool="007", cost="0.5", input_tokens=7, output_tokens=3, attributes={"n": 7})
    declared = declaration(keys=(sql,))
    with closing(Fold([declared], Calendar("UTC"))) as fold:
        assert not fold._in_python(batch(event), [declared], None)
