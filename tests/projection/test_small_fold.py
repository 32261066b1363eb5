"""Few events are folded in Python: whatever is, is as the engine has it, and what may be odd is left to the engine."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import orjson
import pyarrow as pa
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from analytics_es.errors import Closed
from analytics_es.projection import certain, count, projection
from analytics_es.projection import fold as fold_module
from analytics_es.projection.calendar import Calendar
from analytics_es.projection.declaration import Declaration, Key, Measure
from analytics_es.projection.fold import Fold, Folded, succeeded
from analytics_es.projection.fold_sql import ProjectionSql
from tests.examples import examples
from tests.stores import batch, engine, stored

# ── declarations ────────────────────────────────────────────────────────────────────────────────────────────────

KEYS = (
    *("type", "family", "activity", "outcome", "source", "status", "model", "thresholds", "batch", "corrects"),
    *("input_tokens", "minute", "duration_ms", "cost", "value", "duration_us", "attributes.region", "data.label"),
    "CASE WHEN value > 10 THEN 'much' WHEN value <= 10 THEN 'little' END",
    "CASE status WHEN 'ok' THEN model WHEN 'error' THEN error_type ELSE '' END",
    "coalesce(model, tool, task_type, job_type)",
    "lower(trim(service_tier)) || ' ' || coalesce(user_id, '?')",
    "model || CASE WHEN input_tokens > 5 THEN ' +' ELSE '' END",
    "nullif(status, 'ok')",
    "CASE WHEN duration_ms > 40.5 THEN 'slow' ELSE 'quick' END",
    "split_part(model, '/', 2)",
    "ltrim(model) || rtrim(tool) || upper(status)",
    "input_tokens // 100",
    "input_tokens % 7",
    "input_tokens * 1000 - output_tokens",
    "CAST(attributes.n AS INTEGER)",
    "CAST(attributes.n AS INTEGER) // 100",
    "CAST(input_tokens AS VARCHAR) || '/' || cost",
    "CASE WHEN cost > 1 THEN duration_ms ELSE 0 END",
    "CASE WHEN input_tokens > 1 THEN cost ELSE duration_ms END",
    "cost > value",
    "value IS NULL",
    "data.label = attributes.region",
    "attributes.region NOT IN ('eu', 'us')",
    "coalesce(cost, cost_change) BETWEEN 0 AND 1",
    "regexp_replace(model, '[0-9]', '')",
    "value * 2",
)
WHERES = (
    None,
    *("outcome = 'ok'", "outcome IS NOT NULL", "NOT status = 'ok'", "value > 10", "duration_ms > 40", "cost < 0"),
    *("type LIKE '%.completed'", "type NOT LIKE 'custom.%'", "model LIKE '%a_c%'", "model LIKE 'm%1'", "true"),
    "status IN ('ok', 'error')",
    "NOT (status IN ('ok', NULL))",
    "NOT (model = 'm' AND input_tokens > 5)",
    "NOT (model = 'm' OR input_tokens > 5)",
    "model = 'm' OR NOT (tool IS NULL)",
    "value > 10 OR output_tokens > 5",
    "attributes.region = 'eu'",
    "data.label <> attributes.region",
    "attributes.region > 'e' AND attributes.region <= 'v'",
    "CAST(attributes.n AS INTEGER) > 10",
    "starts_with(model, 'm') AND contains(model, '/')",
    "model IS DISTINCT FROM tool",
    "batch = 'true'",
    "minute < 30",
    "lower(model) = 'm'",
    "CASE WHEN cost > 1 THEN true WHEN cost < 0 THEN false END",
    "nullif(status, 'ok') = 'error'",
    "input_tokens + 1 > output_tokens",
    "status = 'ok' OR CAST(attributes.n AS INTEGER) > 10",
    "NOT (tool = 'abc' AND input_tokens * input_tokens > output_tokens)",
)
VALUES = (
    *("input_tokens", "output_tokens", "duration_ms", "cost", "value", "duration_us", "occurred_at", "minute"),
    *("attributes.weight", "data.size", "coalesce(cost, cost_change)", "coalesce(data.size, attributes.weight)"),
    "CASE WHEN outcome = 'ok' THEN duration_ms END",
    "CASE WHEN status = 'ok' THEN cost ELSE 0 END",
    "nullif(input_tokens, 0)",
    "input_tokens * input_tokens",
    "input_tokens - output_tokens",
    "CASE WHEN input_tokens > 5 THEN 1 ELSE 0.25 END",
    "CAST(attributes.n AS INTEGER) * 2",
    "CASE WHEN status = 'ok' THEN 3 ELSE 1 END * 200",
    "value / 3",
)
PATTERNS = ((">",), ("provider.>", "task.>"), ("custom.*.*",), ("tool.call.completed", "custom.>"), ("analytics.>",))
ENTITIES = ("user", "tenant", "model", "provider", "tool", "attributes.team", "attributes.region")
OF_ENTITIES = (Key(name="who", sql="entity.type"), Key(name="which", sql="entity.id"))


@st.composite
def measures(draw: st.DrawFn, place: int) -> Measure:
    kind = draw(st.sampled_from(["count", "total", "smallest", "largest", "histogram"]))
    return Measure(
        name=f"m{place}",
        kind=kind,
        sql=None if kind == "count" else draw(st.sampled_from(VALUES)),
        where=draw(st.sampled_from(WHERES)),
        unit="1",
        decimals=0 if kind == "count" else draw(st.sampled_from([0, 0, 3, 6, 18])),
    )


@st.composite
def declarations(draw: st.DrawFn, name: str = "random") -> Declaration:
    entities = tuple(draw(st.lists(st.sampled_from(ENTITIES), max_size=3, unique=True)))
    keys = [Key(name=f"k{n}", sql=sql) for n, sql in enumerate(draw(st.lists(st.sampled_from(KEYS), max_size=3)))]
    return Declaration(
        name=name,
        version=1,
        consumes=draw(st.sampled_from(PATTERNS)),
        where=draw(st.sampled_from(WHERES)),
        entities=entities,
        keys=(*OF_ENTITIES, *keys) if entities else tuple(keys),
        measures=tuple(draw(measures(place)) for place in range(draw(st.integers(1, 4)))),
        known=("model", "status") if entities and draw(st.booleans()) else (),
        rollup=bool(entities) and draw(st.booleans()),
    )


# ── events ──────────────────────────────────────────────────────────────────────────────────────────────────────

TYPES = (
    *("provider.call.completed", "provider.call.started", "task.failed", "tool.call.exploded", "budget.allocated"),
    *("custom.thing.happened", "custom.thing.completed", "other.started", "analytics.export.completed"),
)
PLAIN_TEXTS = st.sampled_from(["ok", "error", "m", "a/b", "abc", "m1", " eu ", "eu", "us", "", "x" * 300, "7", "true"])
PLAIN_NUMBERS = st.one_of(
    st.integers(0, 20),
    st.sampled_from(
        [0.25, 40.5, 40.501, 1e3, 2500, 1e10 - 0.001, 10**12, 5 * 10**12, "0.005115", "12", "-0.5", "10.000000001"]
    ),
)
ODD = st.one_of(
    st.integers(-(2**63), 2**64),
    st.integers(10**15 - 2, 10**15 + 2),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.text(max_size=5),
    st.sampled_from(
        ["NaN", "nan", "inf", "-Infinity", "1e3", "1e400", "0x10", "1_000", " 7 ", "007", "+4", ".5", "5."]
    ),
    st.sampled_from(
        [True, False, None, [], {}, [1, "a"], {"a": 1.5}, -0.0, 1e308, 5e-324, 0.1, 2**63, 2**53 + 1, 6e12 + 5e-4]
    ),
    st.sampled_from(
        ["É", "ß", "İ", "\u00a0eu\u3000", "\u0000", "\u001f", "\u007f", "🤦", "\ue000", "ä" * 130, 'a"\\b']
    ),
)
TEXT_FIELDS = ("model", "status", "user_id", "tenant_id", "tool", "error_type", "service_tier", "provider", "label")
NUMBER_FIELDS = ("input_tokens", "output_tokens", "duration_ms", "cost", "value", "cost_change", "size", "thresholds")
TIMES = st.one_of(
    st.integers(0, 10**7).map(lambda second: f"2026-03-0{second % 9 + 1}T{second % 24:02}:{second % 60:02}:07Z"),
    st.sampled_from(
        [
            "2026-03-08T09:59:59.999999Z",  # where clocks go forward, and back
            "2026-03-08T07:30:00Z",
            "2026-11-01T05:30:00.5Z",
            "2026-10-25T00:59:59.123Z",
            "2026-03-02T12:00:00+05:30",
            "2026-03-02T12:00:00.000001-14:00",
            "1990-01-01T00:00:00Z",
            "2100-12-31T23:59:59.999999Z",
        ]
    ),
)
ODD_TIMES = st.one_of(
    st.sampled_from(["", "yesterday", "infinity", "-infinity", "epoch", 1772452800, None, "2026-03-02", "24:00:00"]),
    st.sampled_from(
        ["2026-03-02T12:00:00", "2026-03-02 12:00:00Z", "2026-03-02T12:00:00.1234567Z", "2026-W10-1T12:00Z"]
    ),
    st.sampled_from(["2026-03-02T12:00:60Z", "2026-02-30T12:00:00Z", "2026-03-02T24:00:00Z", "1989-12-31T23:59:59Z"]),
    st.sampled_from(
        ["2026-03-02T12:00:00+15:30", "2026-03-02T12:00:00+01", "2026-03-02T12:00:00z", "2101-01-01T00:00:00Z"]
    ),
)
ODD_STATES = st.sampled_from(
    [
        b"",
        b"{",
        b"null",
        b"[1]",
        b'{"source":"a","occurred_at":"2026-03-02T12:00:00Z"}',
        b'{"source":"a","occurred_at":"2026-03-02T12:00:00Z","data":[]}',
        b'{"source":"a","occurred_at":"2026-03-02T12:00:00Z","data":null}',
        b'{"source":"a","occurred_at":"2026-03-02T12:00:00Z","data":{"model":"a","model":"b"}}',
        b'{"source":"a","occurred_at":"2026-03-02T12:00:00Z","data":{"value":1e400,"cost":-0,"input_tokens":1E2}}',
        b'{"source":"a","occurred_at":"2026-03-02T12:00:00Z","data":{"value":NaN,"cost":Infinity}}',
        b'{"source": "a", "occurred_at": "2026-03-02T12:00:00Z", "data": {"model": "m"}}',
        b'{"source":"a","occurred_at":"2026-03-02T12:00:00Z","data":{"model":"\\ud800"}}',
        b'{"source":"a","occurred_at":"2026-03-02T12:00:00Z","data":{"model":"\\u00e9"}}',
        b'{"source":"a","occurred_at":"2026-03-02T12:00:00Z","data":{"model":"\xff"}}',
        b'{"source":"a","occurred_at":"2026-03-02T12:00:00Z","data":{"model":"m",}}',
        b'{"source":{"a":1},"occurred_at":"2026-03-02T12:00:00Z","data":{"Model":"m","USER_ID":"u"}}',
    ]
)


def fields(texts: st.SearchStrategy[Any], numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return data; in about every second one a field that is not known."""
    named = {**dict.fromkeys(TEXT_FIELDS, texts), **dict.fromkeys(NUMBER_FIELDS, numbers), "new_field": texts}
    own = st.fixed_dictionaries(
        {}, optional={"region": texts, "team": texts, "weight": numbers, "n": numbers, "Region": texts}
    )
    return st.fixed_dictionaries({}, optional={**named, "attributes": own})


PLAIN = fields(PLAIN_TEXTS, PLAIN_NUMBERS)
ODDLY = st.one_of(fields(st.one_of(PLAIN_TEXTS, ODD), st.one_of(PLAIN_NUMBERS, ODD)), PLAIN)


@st.composite
def events(draw: st.DrawFn) -> tuple[str, bytes]:
    event_type = draw(st.sampled_from(TYPES))
    oddness = draw(st.integers(0, 19))
    if oddness == 0:
        return draw(st.sampled_from(["tool", "tool.", "", "Tool.call", event_type])), draw(ODD_STATES)
    occurred_at = draw(ODD_TIMES if oddness == 1 else TIMES)
    data = draw(ODDLY if oddness < 8 else PLAIN)
    try:
        return stored(event_type, occurred_at=occurred_at, **data)
    except orjson.JSONEncodeError:  # a number or a text that no JSON has
        return event_type, b"{}"


NOON = "2026-03-02T12:00:00Z"


@projection(version=1, consumes=("tool.>",))
class Simple:
    """How many."""

    calls: int = count(unit="calls")


SIMPLE: Declaration = Simple.__analytics__  # type: ignore[attr-defined]
# Of keys: the first and the last time that there is, of 1990 and of 2101, and what lies around them.
EDGES = ("000000000000", "0092f3973bff", "0092f3973c00", "03c2847503ff", "03c284750400", "ffffffffffff")
ZONES = ("UTC", "America/St_Johns", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Apia", "Europe/London")


def shown(result: Any) -> Any:
    """Return all of what a fold gives."""
    return (list(result.rows), result.unreadable, result.days) if isinstance(result, Folded) else result


def both(fold: Fold, events: pa.Table, within: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fold in Python and in the engine; return what is sure, and what it is there."""
    declared = list(fold._declarations.values())
    sure = fold._in_python(events, declared, within)
    whole = fold._in_engine(events, declared, within)
    return {name: shown(sure[name]) for name in sure}, {name: shown(whole[name]) for name in sure}


def test_what_occurred_at_the_very_ends_of_a_stretch_is_in_it_as_in_the_engine() -> None:
    times = ["2026-03-02T11:59:59.999999Z", NOON, "2026-03-02T12:59:59.999999Z", "2026-03-02T13:00:00Z"]
    start = 1_772_452_800_000_000
    with closing(Fold([SIMPLE], Calendar("UTC"))) as fold:
        events = batch(*(stored("tool.call.completed", occurred_at=time) for time in times))
        ours, theirs = both(fold, events, (start, start + 3_600_000_000))

    assert ours == theirs
    (rows, _, _) = ours[SIMPLE.name]
    assert [row[-1] for row in rows] == [2, 2]  # of the hour, and of the day


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "Pacific/Apia"])
@pytest.mark.parametrize("digits", EDGES)
def test_days_are_counted_as_the_engine_does_whatever_keys_say(digits: str, zone: str) -> None:
    keys = [f"{digits}{n:020x}" for n in range(3)]
    with closing(Fold([SIMPLE], Calendar(zone))) as fold:
        ours = fold.small.count_days(keys)
        with fold._engine.alone():
            theirs = fold._loading.days(pa.table({"key": keys}))

    assert ours == theirs


@pytest.mark.parametrize("time", ["1989-12-31T23:59:59Z", "2101-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
def test_a_time_that_no_event_can_have_is_left_to_the_engine(time: str) -> None:
    with closing(Fold([SIMPLE], Calendar("UTC"))) as fold:
        ours, _ = both(fold, batch(stored("tool.call.completed", occurred_at=time)))

    assert ours == {}


@pytest.mark.parametrize("duration", [1.0005, 2.00049, 0.000001, 10.0**10])
def test_a_number_that_is_not_surely_rounded_alike_is_left_to_the_engine(duration: float) -> None:
    lasting = evolve(
        SIMPLE, measures=(Measure(name="lasted", kind="total", sql="duration_ms", where=None, unit="ms", decimals=3),)
    )
    with closing(Fold([lasting], Calendar("UTC"))) as fold:
        ours, _ = both(fold, batch(stored("tool.call.completed", duration_ms=duration)))
        surely, theirs = both(fold, batch(stored("tool.call.completed", duration_ms=12.5)))

    assert ours == {}
    assert surely == theirs != {}


@examples(60)
@given(
    declared=st.tuples(declarations("one"), declarations("two")),
    happened=st.lists(events(), min_size=1, max_size=8),
    zone=st.sampled_from(ZONES),
)
def test_what_is_folded_in_python_is_as_the_engine_has_it(
    declared: tuple[Declaration, ...], happened: list[tuple[str, bytes]], zone: str
) -> None:
    with closing(Fold(declared, Calendar(zone))) as fold:
        ours, theirs = both(fold, batch(*happened))

    assert ours == theirs


@examples(60)
@given(happened=st.lists(events(), min_size=1, max_size=12), zone=st.sampled_from(ZONES))
def test_so_is_what_our_own_projections_fold(happened: list[tuple[str, bytes]], zone: str) -> None:
    ours, theirs = both(engine(zone=zone), batch(*happened))

    assert ours == theirs


# ── what goes which way ─────────────────────────────────────────────────────────────────────────────────────────


def declaration(**parts: Any) -> Declaration:
    """Return a declaration of one count, with other parts."""
    plain: dict[str, Any] = {"consumes": (">",), "where": None, "entities": (), "keys": ()}
    plain["measures"] = (Measure(name="events", kind="count", sql=None, where=None, unit="events", decimals=0),)
    return Declaration(name="mine", version=1, **{**plain, **parts})


def of_sql(sql: str) -> Measure:
    return Measure(name="total", kind="total", sql=sql, where=None, unit="1", decimals=3)


def sure(declared: Declaration, *happened: tuple[str, bytes]) -> bool:
    """Say whether events are folded in Python."""
    with closing(Fold([declared], Calendar("UTC"))) as fold:
        return bool(fold._in_python(batch(*happened), [declared], None))


LEFT = {"regexp_replace", "value * 2", "value / 3"}


@pytest.mark.parametrize("sql", [sql for sql in KEYS if not any(part in sql for part in LEFT)])
def test_a_key_is_folded_in_python(sql: str) -> None:
    assert sure(declaration(keys=(Key(name="own", sql=sql),)), stored(model="m", value="1.5", input_tokens=7))


@pytest.mark.parametrize("sql", [sql for sql in WHERES if sql])
def test_a_condition_is_folded_in_python(sql: str) -> None:
    assert sure(declaration(where=sql), stored(model="m", value="1.5", input_tokens=7))


@pytest.mark.parametrize("sql", [sql for sql in VALUES if sql != "value / 3"])
def test_a_value_is_folded_in_python(sql: str) -> None:
    assert sure(declaration(measures=(of_sql(sql),)), stored(model="m", value="1.5", input_tokens=7))


def test_tags_and_fields_of_ones_own_are_folded_in_python() -> None:
    declared = declaration(
        entities=("user", "attributes.team"),
        keys=(*OF_ENTITIES, Key(name="region", sql="attributes.region")),
        measures=(of_sql("attributes.weight"), evolve(of_sql("data.size"), name="size")),
    )

    assert sure(declared, stored(size="2.5", attributes={"team": "blue", "region": "eu", "weight": 12}))


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"where": "regexp_matches(model, 'a')"}, "its filter: the function regexp_matches()"),
        ({"keys": (Key(name="own", sql="value * 2"),)}, "the key own: the operator * of such numbers"),
        ({"measures": (of_sql("value / 3"),)}, "the value value / 3: the operator /"),
        ({"keys": (Key(name="own", sql="CAST(model AS DATE)"),)}, "the key own: a cast to DATE"),
    ],
)
def test_what_python_does_not_surely_compute_alike_is_left_to_the_engine_and_said(
    parts: dict[str, Any], reason: str
) -> None:
    declared = declaration(**parts)

    assert not sure(declared, stored())
    assert Fold([declared], Calendar("UTC")).small.reasons == {"mine": reason}


@pytest.mark.parametrize(
    "odd",
    [
        stored(occurred_at="yesterday"),
        stored(occurred_at="2026-03-02T12:00:00+01:00"),
        stored(model="a\0b"),
        ("custom.thing.happened", b"{"),
        ("custom.thing.happened", b'{"source": "a", "occurred_at": "2026-03-02T12:00:00Z", "data": {}}'),
        ("custom.thing.happened", b'{"source":"a","occurred_at":"2026-03-02T12:00:00Z","data":{"a":1,"a":2}}'),
        ("custom.thing.", stored()[1]),
    ],
)
def test_an_event_that_is_odd_is_left_to_the_engine_by_those_that_take_it_alone(odd: tuple[str, bytes]) -> None:
    events = batch(odd, stored("tool.call.completed", duration_ms=5))
    fold = engine()

    python = fold._in_python(events, list(fold._declarations.values()), None)

    assert set(python) == {"budgets", "cost", "performance"}
    assert shown(fold(events)["usage"]) == shown(fold._in_engine(events, [fold._declarations["usage"]], None)["usage"])


def test_a_value_that_is_odd_is_left_to_the_engine_by_those_that_read_it_alone() -> None:
    fold = engine()
    events = batch(stored("provider.call.completed", cost=0.1, input_tokens=7))  # which the door writes as a text

    python = fold._in_python(events, list(fold._declarations.values()), None)

    assert set(python) == {"performance", "usage"}


@pytest.mark.parametrize(
    "sql",
    [
        "status = 'error' OR CAST(attributes.n AS INTEGER) > 10",
        "status = 'ok' AND CAST(attributes.n AS INTEGER) > 10",
        "input_tokens IN (7, CAST(attributes.n AS INTEGER))",
        "input_tokens BETWEEN 8 AND CAST(attributes.n AS INTEGER)",
        "output_tokens > CAST(attributes.n AS INTEGER)",
        "output_tokens + CAST(attributes.n AS INTEGER)",
        "tool || CAST(attributes.n AS INTEGER)",
    ],
)
def test_what_fails_is_not_left_out_where_the_rest_says_enough(sql: str) -> None:
    declared = declaration(keys=(Key(name="own", sql=sql),))

    assert sure(declared, stored(status="error", input_tokens=7, output_tokens=1, tool="m", attributes={"n": 7}))
    assert not sure(declared, stored(status="error", input_tokens=7, attributes={"n": "seven"}))


@pytest.mark.parametrize("sql", ["NULL = CAST(attributes.n AS INTEGER)", "NULL || CAST(attributes.n AS INTEGER)"])
def test_what_may_fail_beside_null_is_left_to_the_engine(sql: str) -> None:
    assert not sure(declaration(keys=(Key(name="own", sql=sql),)), stored(attributes={"n": 7}))


@pytest.mark.parametrize("sql", ["data.Status", "data.attributes || attributes.n", "attributes.n || attributes.N"])
def test_a_field_that_the_engine_does_not_tell_from_another_one_is_left_to_it(sql: str) -> None:
    mine, other = declaration(keys=(Key(name="own", sql=sql),)), evolve(declaration(), name="other")
    with closing(Fold([mine, other], Calendar("UTC"))) as fold:
        assert not fold._in_python(batch(stored(Status="a", attributes={"n": 7})), [mine, other], None)


def test_conditions_in_conditions_are_left_to_the_engine_before_their_source_grows_without_end() -> None:
    condition = "model = 'm'"
    for _ in range(16):
        condition = f"NOT coalesce({condition}, true)"
    declared = declaration(where=condition)

    with closing(Fold([declared], Calendar("UTC"))) as fold:
        assert fold.small.reasons == {"mine": "its filter: an expression that is nested too deeply"}


@pytest.mark.parametrize("duration_ms", [123456789012345.67, 6000000000000.0005, 99999999999999.98, 10000000000.001])
def test_a_large_float_whose_last_digits_it_does_not_tell_is_left_to_the_engine(duration_ms: float) -> None:
    assert not sure(declaration(keys=(Key(name="own", sql="duration_ms"),)), stored(duration_ms=duration_ms))


@pytest.mark.parametrize(
    "key",
    [
        Key(name="own = touched() or ''; own", sql="model"),
        Key(name="own", sql='"(touched() or data)"."label"'),
        Key(name="own", sql="""data."a'] or touched() or ['" """),
        Key(name="own", sql="""model || '{''}"' || chr(92) || '\n' || split_part(model, '{touched()}', 1)"""),
    ],
)
def test_what_a_kept_definition_says_is_never_run(key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    touched: list[int] = []
    monkeypatch.setattr(certain, "touched", lambda: touched.append(1), raising=False)

    sure(declaration(keys=(key,)), stored(model="m"))

    assert not touched


def test_the_least_number_of_32_bits_is_of_32_bits() -> None:
    declared = declaration(measures=(of_sql("CAST(minute AS INTEGER) - -2147483648"),))

    assert not sure(declared, stored())


@pytest.mark.filterwarnings("error")
def test_a_literal_that_is_asked_for_makes_no_warning() -> None:
    assert sure(declaration(where="'ok' IS NOT NULL AND 1 IS NOT NULL"), stored())


def test_few_events_of_our_own_need_no_engine() -> None:
    with closing(Fold(list(engine()._declarations.values()), Calendar("UTC"))) as fold:
        folded = fold(batch(stored("provider.call.completed", input_tokens=7)))
        fold.count_days([f"{1_772_452_800_000:012x}{n:020x}" for n in range(3)])

        assert fold._engine._open is None
    assert len(folded["usage"].rows) == 2  # type: ignore[union-attr]


def test_a_projection_that_takes_none_of_the_events_is_not_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, rows = [], ProjectionSql.rows
    monkeypatch.setattr(fold_module, "SMALL", 0)
    monkeypatch.setattr(ProjectionSql, "rows", lambda self: asked.append(self.declaration.name) or rows(self))

    folded = engine()(batch(stored("tool.call.completed", duration_ms=5)))

    assert sorted(asked) == ["performance", "usage"]
    assert shown(folded["budgets"]) == ([], [], [])


def test_a_fold_that_is_closed_folds_nothing() -> None:
    fold = Fold(list(engine()._declarations.values()), Calendar("UTC"))
    fold.close()

    with pytest.raises(Closed):
        fold(batch(stored()))


def test_more_events_than_python_folds_as_quickly_go_to_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = list[int]()
    monkeypatch.setattr(fold_module, "SMALL", 1)
    monkeypatch.setattr(Fold, "_in_python", lambda self, events, *options: tried.append(events.num_rows) or {})

    many, few = engine()(batch(stored(), stored()), ["usage"]), engine()(batch(stored()), ["usage"])

    assert tried == [1]
    assert [len(succeeded(folded["usage"]).rows) for folded in (many, few)] == [2, 2]


# ── rows together ───────────────────────────────────────────────────────────────────────────────────────────────


def test_long_keys_are_shortened_and_ordered_as_the_engine_does() -> None:
    texts = [
        "é" * 128,
        "é" * 129,
        "e" * 256,
        "e" * 257,
        "e" * 300,
        "\U0001f600" * 64,
        "\U0001f600" * 65,
        "\uffff",
        "\U00010000",
    ]
    declared = declaration(keys=(Key(name="own", sql="model"),))
    with closing(Fold([declared], Calendar("UTC"))) as fold:
        ours, theirs = both(fold, batch(*(stored(model=text) for text in texts)))

    assert ours == theirs
    assert len(ours["mine"][0]) == 2 * len(texts)


def test_every_bucket_of_a_histogram_is_the_engines_at_its_edges() -> None:
    edges = [round(2 ** (place / 32)) for place in range(63 * 32 - 1)]
    numbers = sorted({edge + step for edge in edges for step in (-1, 0, 1)} - {0})
    declared = declaration(
        measures=(Measure(name="spread", kind="histogram", sql="input_tokens", where=None, unit="1", decimals=0),),
    )
    with closing(Fold([declared], Calendar("UTC"))) as fold:
        ours, theirs = both(fold, batch(*(stored("tool.call.completed", input_tokens=n) for n in numbers)))

    assert ours == theirs
