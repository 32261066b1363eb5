"""Bad input: what the door, a mapping, a file or a question cannot be made to do, and what stays private."""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.errors import AnalyticsError, BadMapping, CannotRead, RefusedEvent
from analytics_es.events.codec import MAX_BYTES
from analytics_es.events.event import admit
from analytics_es.events.fields import VOCABULARY
from analytics_es.ingest.files import read_mapping, rows
from analytics_es.projection import engine
from analytics_es.testing import NOON, job_failed, provider_call
from tests.children import ran
from tests.stores import opened

DAY = TimePeriod(NOON - timedelta(hours=12), NOON + timedelta(hours=12))
HALF_PAIR = "\ud83d"
SQL = "'; DROP TABLE stored_events; --"
MIB = 2**20


@pytest.fixture(scope="module")
def analytics() -> Iterator[AnalyticsService]:
    with opened(privacy="full") as service:  # what is wrong may be anywhere
        service.record_event(**provider_call()).unwrap()
        yield service


class Liar(Mapping[str, Any]):
    """A mapping that promises fields and fails when it is asked for them."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __getitem__(self, key: str) -> Any:
        raise self._error

    def __iter__(self) -> Iterator[str]:
        return iter(["event_type", "data"])

    def __len__(self) -> int:
        return 2


class Twisted(str):
    """A text whose methods fail."""

    def __eq__(self, other: object) -> bool:
        raise OSError

    def __hash__(self) -> int:
        raise OSError

    def __repr__(self) -> str:
        raise OSError


class Many:
    """An array: it compares element by element, and that is neither true nor false."""

    def __eq__(self, other: object) -> Any:
        return self

    def __bool__(self) -> bool:
        raise ValueError("the truth of an array is ambiguous")

    __hash__ = None  # type: ignore[assignment]


class Nowhere(tzinfo):
    """A time zone that fails."""

    def utcoffset(self, when: datetime | None) -> timedelta | None:
        raise LookupError("no such place")


# ── the door ────────────────────────────────────────────────────────────────────────────────────────────────────

NAMES = st.sampled_from([*VOCABULARY]) | st.text(max_size=5) | st.sampled_from([SQL, "a.b", "\0", HALF_PAIR, '"'])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**63, -(2**63) - 1, 10**400, -0.0, 5e-324, "USD", "ok", "1", "NaN", "1e400", b"x", 1j, ...])
    | st.floats()
    | st.decimals()
    | st.text()
    | st.text(st.characters(categories=["Cs", "Cc", "Cf", "Co", "Cn"]), max_size=5)
    | st.sampled_from([SQL, "x" * 1025, Decimal("1e-999999"), Decimal("sNaN"), Many()])
    | st.sampled_from([Liar(ZeroDivisionError()), object(), type("", (), {})(), {1}, range(3)])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=8
)
TYPES = st.sampled_from([*("job.failed", "provider.call.completed", "custom.thing.happened", "budget.spent"), SQL])
TIMES = (
    st.datetimes()
    | st.datetimes(timezones=st.timezones() | st.just(timezone(timedelta(hours=-23, minutes=-59))))
    | st.sampled_from([datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), NOON])
    | st.sampled_from(["2026-03-02", 0, None])
)
ARGUMENTS = st.fixed_dictionaries(
    {"event_type": TYPES | SCALARS, "data": st.dictionaries(NAMES, VALUES, max_size=4) | SCALARS},
    optional={"occurred_at": TIMES, "id": SCALARS, "source": SCALARS},
)
ALMOST = st.fixed_dictionaries(
    {"event_type": TYPES, "data": st.dictionaries(NAMES, VALUES, max_size=3)}, optional={"occurred_at": st.just(NOON)}
)
EVENTS = ALMOST | ARGUMENTS | VALUES | st.sampled_from([job_failed(), provider_call()])


@settings(max_examples=300)
@given(arguments=ARGUMENTS | ALMOST)
def test_an_event_is_recorded_or_refused_with_a_code(analytics: AnalyticsService, arguments: dict[str, Any]) -> None:
    before = analytics.store.log.head()

    result = analytics.record_event(**arguments)

    if result.failure:
        assert result.failure.code != ""
        assert before == analytics.store.log.head()
    else:
        assert result.unwrap().position <= analytics.store.log.head()


@settings(max_examples=120)
@given(batch=st.lists(EVENTS, min_size=1, max_size=6))
def test_a_batch_is_recorded_as_a_whole_or_not_at_all(analytics: AnalyticsService, batch: list[Any]) -> None:
    before = analytics.store.log.head()

    result = analytics.record_events(batch)

    if result.failure:
        assert result.failure.code == "refused_batch"
        assert before == analytics.store.log.head()
    else:
        assert len(batch) == result.unwrap().recorded + result.unwrap().duplicates


@settings(max_examples=60)
@given(batch=st.lists(EVENTS, min_size=1, max_size=6))
def test_skipped_refusals_are_counted_and_everything_accepted_can_be_folded(
    analytics: AnalyticsService, batch: list[Any]
) -> None:
    receipt = analytics.record_events(batch, skip_refused=True).unwrap()

    assert len(batch) == receipt.recorded + receipt.duplicates + receipt.refused
    assert analytics.catch_up() == analytics.store.log.head()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"data": Liar(ZeroDivisionError())}, "fails_when_read"),
        ({"data": Liar(RecursionError())}, "fails_when_read"),
        ({"data": {"attributes": Liar(KeyError("gone"))}}, "fails_when_read"),
        ({"data": {"status": Many()}}, "fails_when_read"),
        ({"data": {"status": Twisted("fine")}}, "bad_field"),
        ({"data": {"own": type("", (), {})()}}, "fails_when_read"),  # its type has no name
        ({"occurred_at": NOON.replace(tzinfo=Nowhere())}, "fails_when_read"),
        ({"id": Twisted("")}, "bad_source"),
        ({"id": "1\0"}, "bad_text"),
        ({"source": "\0"}, "bad_text"),
        ({"data": {"job_id": "\0"}}, "bad_text"),
        ({"data": {"own": {"deep": ["\0"]}}}, "bad_text"),
        ({"data": {"attributes": {"\0": 1}}}, "bad_text"),
        ({"data": {"attributes": {"key": "\0"}}}, "bad_text"),
        ({"id": HALF_PAIR}, "bad_text"),
        ({"data": {"x": "y" * MAX_BYTES}}, "too_large"),
    ],
)
@pytest.mark.parametrize("many", [False, True])
def test_arguments_that_fail_or_cannot_be_stored_are_refused_with_a_code(
    analytics: AnalyticsService, changes: dict[str, Any], code: str, many: bool
) -> None:
    before, event = analytics.store.log.head(), {**job_failed(), "id": "1", **changes}

    if many:
        receipt = analytics.record_events([event], skip_refused=True).unwrap()
        found = receipt.refusals[0].code
    else:
        failure = analytics.record_event(**event).failure
        assert failure is not None
        found = failure.code

    assert code == found
    assert before == analytics.store.log.head()


@pytest.mark.parametrize("error", [ZeroDivisionError("x\ny"), RecursionError(), KeyError(HALF_PAIR), OSError()])
def test_an_element_that_fails_when_it_is_read_refuses_its_batch(analytics: AnalyticsService, error: Exception) -> None:
    before = analytics.store.log.head()

    failure = analytics.record_events([job_failed(), Liar(error)]).failure

    assert failure is not None
    assert "this one fails when it is read" in failure.message
    assert before == analytics.store.log.head()


def test_events_that_stop_midway_leave_no_half_batch(analytics: AnalyticsService) -> None:
    before = analytics.store.log.head()

    def source() -> Iterator[dict[str, Any]]:
        yield job_failed()
        raise EOFError("the queue is gone")

    with pytest.raises(EOFError, match="the queue is gone"):
        analytics.record_events(source())

    assert before == analytics.store.log.head()
    assert before == analytics.catch_up()


# ── questions ───────────────────────────────────────────────────────────────────────────────────────────────────

TEXTS = (
    st.text() | st.text(st.characters(categories=["Cs", "Cc"]), min_size=1) | st.sampled_from([SQL, '"', "user", ""])
)


@settings(max_examples=150)
@given(metric=TEXTS | st.sampled_from(["usage.events", "cost.reported_cost"]), word=TEXTS, value=TEXTS)
def test_a_question_is_answered_or_refused_with_a_code(
    analytics: AnalyticsService, metric: str, word: str, value: str
) -> None:
    results = [
        analytics.get_summary(metric, DAY, group_by=[word], where={"user": value}),
        analytics.get_summary("usage.events", DAY, where={word: value}),
        analytics.get_usage_stats(word, value, DAY),
        analytics.get_usage_stats("user", value, DAY),
        analytics.get_cost_breakdown(DAY, by=[word]),
        analytics.export_data("csv", DAY, [metric + "\0"], to="never.csv"),
    ]

    assert all(result.ok or (result.failure and result.failure.code) for result in results)
    assert analytics.get_summary("usage.events", DAY).ok


@pytest.mark.parametrize("text", [HALF_PAIR, "a\0b"])
@pytest.mark.parametrize("ask", ["where", "entity"])
def test_what_no_event_can_hold_cannot_be_asked_for(analytics: AnalyticsService, ask: str, text: str) -> None:
    if ask == "where":
        failure = analytics.get_summary("usage.events", DAY, where={"user": text}).failure
    else:
        failure = analytics.get_usage_stats("user", text, DAY).failure

    assert failure is not None
    assert failure.code == "bad_value"


def test_sql_in_a_text_is_only_a_text() -> None:
    with AnalyticsService.open(":memory:", follow=False) as analytics:
        own = {"user_id": SQL, "tenant_id": SQL, "attributes": {SQL: SQL}, SQL: SQL, "model": SQL}
        analytics.record_event(**provider_call(**own), id=SQL, source=SQL).unwrap()
        analytics.catch_up()

        assert analytics.get_usage_stats("user", SQL, DAY).unwrap().totals.events == 1
        groups = analytics.get_summary("usage.events", DAY, group_by=["tenant"], where={"tenant": SQL}).unwrap().groups
        assert [group.keys for group in groups] == [{"tenant": SQL}]
        assert [row.keys["model"] for row in analytics.get_cost_breakdown(DAY).unwrap().rows] == [SQL]


# ── mappings ────────────────────────────────────────────────────────────────────────────────────────────────────

CALLS = """\
[[event]]
type = "'tool.call.completed'"
occurred_at = "ts"
[event.data]
tool = "tool"
"""
TOML_VALUES = st.sampled_from(
    [*("1", "1e999", "nan", "true", "[]", "{}", "{a={}}", "2026-01-01", "[[1]]", "'ts'", "'''\n'''", "0x" + "f" * 5000)]
) | st.text(max_size=20).map(json.dumps)
EXPRESSIONS = st.text(max_size=30) | st.lists(
    st.sampled_from(
        [*"ts tool 1 ( ) , ; ' \" - * + :: CASE WHEN END SELECT FROM range [ ] { } $1 ? || repeat".split()]  # noqa: SIM905  # easier to read in one text
    ),
    max_size=12,
).map(" ".join)
TOML = st.one_of(
    st.text(),
    st.binary().map(lambda content: content.decode("latin-1")),
    st.tuples(st.sampled_from(["event", "type", "data", "where", "id", '"\\u0000"']), TOML_VALUES).map(" = ".join),
    TOML_VALUES.map(lambda value: f"{CALLS}attributes = {value}\n"),
    TOML_VALUES.map(lambda value: CALLS.replace('"ts"', value)),
    EXPRESSIONS.map(lambda text: f"{CALLS}own = {json.dumps(text, ensure_ascii=True)}\n"),
    EXPRESSIONS.map(lambda text: CALLS.replace('"tool"', json.dumps(text, ensure_ascii=True))),
)


@settings(max_examples=80)
@given(text=TOML)
def test_a_mapping_maps_or_is_refused_with_a_code(tmp_path: Path, text: str) -> None:
    mapping, calls = tmp_path / "mapping.toml", tmp_path / "calls.csv"
    mapping.write_bytes(text.encode("utf-8", "surrogatepass"))
    calls.write_text("ts,tool\n2025-03-03T09:00:00Z,search\n2025-03-03T09:00:01Z,\n")

    try:
        found = list(rows(calls, read_mapping(mapping)))
    except AnalyticsError as error:
        assert isinstance(error, BadMapping | CannotRead)
    else:
        assert all((row.event is None) == (row.error is not None) for row in found)


@pytest.mark.parametrize(
    "expression",
    [
        *("read_text('/etc/passwd')", "getenv('HOME')", "current_setting('home_directory')", "nextval('x')"),
        *(
            "(SELECT content FROM read_text('/etc/passwd'))",
            "1; ATTACH '/tmp/x'",
            "1) FROM glob('/*') --",
            "tool FROM x",
        ),
        *("'a' || (FROM glob('/*'))", "random()", "now()", "sum(1)", "COLUMNS('.*')", "$1", "write_log('x')"),
    ],
)
def test_an_expression_of_a_mapping_reads_nothing_but_its_row(tmp_path: Path, expression: str) -> None:
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(f"{CALLS}own = {json.dumps(expression)}\n")

    with pytest.raises(BadMapping):
        read_mapping(mapping)


@pytest.mark.parametrize("path", ["/dev/zero", "pipe"])
def test_a_mapping_that_never_ends_is_refused(tmp_path: Path, path: str) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(CannotRead, match="it is not a file"):
        read_mapping(tmp_path / path)


def test_a_mapping_of_a_giant_size_is_refused(tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.toml"
    mapping.write_bytes(b"#")
    os.truncate(mapping, 2**40)

    with pytest.raises(BadMapping, match="longer than 1048576 bytes"):
        read_mapping(mapping)


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────

CLOUD_EVENT = {"id": "1", "type": "job.failed", "time": "2026-03-02T12:00:00Z", "data": {}}
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)
)
LINES = st.one_of(
    st.binary(),
    st.dictionaries(st.sampled_from([*CLOUD_EVENT, "source", "data_base64"]) | st.text(), JSON_VALUES).map(
        lambda changes: json.dumps({**CLOUD_EVENT, **changes}).encode()
    ),
    st.dictionaries(st.sampled_from([*VOCABULARY]) | st.text(), JSON_VALUES).map(
        lambda data: json.dumps({**CLOUD_EVENT, "data": data}).encode()
    ),
    st.integers(1, 5000).map(lambda depth: b'{"id":' + b"[" * depth + b"]" * depth + b"}"),
    st.sampled_from(
        [
            b'{"id":1e999999999}',
            b'{"id":0e' + b"7" * 99 + b"}",
            b'{"id":' + b"9" * 5000 + b"}",
            b'{"data":{"value":1e-400}}',
            b"\xef\xbb",
        ]
    ),
)


@settings(max_examples=150)
@given(lines=st.lists(LINES, max_size=4))
def test_a_line_of_a_file_is_an_event_or_refused_with_a_code(
    analytics: AnalyticsService, tmp_path: Path, lines: list[bytes]
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(lines))

    try:
        read = list(rows(path))
    except CannotRead as error:  # it is one object, which is no event
        assert len(str(error).splitlines()) == 1
        return
    for row in read:
        assert (row.event is None) == (row.error is not None)
        if row.event is not None:
            try:
                admit(now=NOON, **row.event)
            except RefusedEvent as error:
                assert error.code


@settings(max_examples=80)
@given(
    at=st.integers(0, 2**32),
    flips=st.binary(min_size=1, max_size=8),
    form=st.sampled_from(["calls.parquet", "calls.csv.gz"]),
)
def test_a_damaged_file_gives_rows_or_cannot_be_read(tmp_path: Path, at: int, flips: bytes, form: str) -> None:
    path, mapping = tmp_path / form, tmp_path / "mapping.toml"
    mapping.write_text(CALLS)
    if form.endswith(".gz"):
        path.write_bytes(gzip.compress(b"ts,tool\n" + b"2025-03-03T09:00:00Z,search\n" * 50))
    else:
        pq.write_table(pa.table({"ts": ["2025-03-03T09:00:00Z"] * 50, "tool": [f"t{n}" for n in range(50)]}), path)
    content = bytearray(path.read_bytes())
    at %= len(content)
    content[at : at + len(flips)] = flips
    path.write_bytes(content)

    try:
        list(rows(path, read_mapping(mapping)))
    except AnalyticsError as error:
        assert isinstance(error, BadMapping | CannotRead)


def test_a_parquet_file_whose_columns_have_damaged_names_cannot_be_read(tmp_path: Path) -> None:
    path, mapping = tmp_path / "calls.parquet", tmp_path / "mapping.toml"
    mapping.write_text(CALLS)
    pq.write_table(pa.table({"ts": ["2025-03-03T09:00:00Z"], "tool": ["search"]}), path)
    path.write_bytes(path.read_bytes().replace(b"tool", b"\x80ool"))

    with pytest.raises(CannotRead):
        list(rows(path, read_mapping(mapping)))


@pytest.mark.parametrize("place", ["/dev/zero", "folder.csv", "pipe.csv", "loop.csv", "gone.csv"])
def test_what_is_no_file_is_not_read(tmp_path: Path, place: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    (tmp_path / "gone.csv").symlink_to("/dev/zero")

    with pytest.raises(AnalyticsError) as refused:
        list(rows(tmp_path / place))

    assert refused.value.code in ("cannot_read", "unknown_format")


def of_zeros(path: Path, size: int) -> None:
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(size // MIB):
            file.write(bytes(MIB))


def one_long_line(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b'{"id": "')
        for _ in range(100):
            file.write(b"x" * MIB)
        file.write(b'"}\n' + json.dumps(CLOUD_EVENT).encode() + b"\n")


def claims_billions(path: Path) -> None:
    table = pa.table({"ts": pa.array(["2025-03-03T09:00:00Z"] * 1000), "tool": ["x"] * 1000})
    pq.write_table(table, path)
    content = path.read_bytes()
    footer = int.from_bytes(content[-8:-4], "little")
    thousand, billions = b"\xd0\x0f", b"\xd0\xff\xff\xff\x1f"  # zigzag varints of the footer's row counts
    changed = content[-8 - footer : -8].replace(thousand, billions)
    path.write_bytes(content[: -8 - footer] + changed + len(changed).to_bytes(4, "little") + b"PAR1")


def repeats_a_long_text(path: Path) -> None:
    table = pa.table({"ts": ["2025-03-03T09:00:00Z"] * 1100, "tool": ["x" * MIB] * 1100})
    pq.write_table(table, path, compression="zstd", dictionary_pagesize_limit=4 * MIB)


IMPORTING = """
import resource, sys
from pathlib import Path
from analytics_es.errors import AnalyticsError
from analytics_es.ingest.files import read_mapping, rows

file, mapping = Path(sys.argv[1]), Path(sys.argv[2])
def peak():
    return int(next(line for line in Path("/proc/self/status").open() if line.startswith("VmHWM")).split()[1]) // 1024
before, events, errors = peak(), 0, 0
try:
    for row in rows(file, read_mapping(mapping) if mapping.suffix == ".toml" else None):
        events, errors = events + (row.error is None), errors + (row.error is not None)
except AnalyticsError as error:
    print(error.code)
print(events, errors, peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="tells the peak of memory")
@pytest.mark.parametrize(
    ("name", "make", "mapped"),
    [
        ("long.jsonl", one_long_line, False),
        ("bomb.jsonl.gz", lambda path: of_zeros(path, 512 * MIB), False),
        ("bomb.csv.gz", lambda path: of_zeros(path, 512 * MIB), True),
        ("billions.parquet", claims_billions, True),
        ("repeated.parquet", repeats_a_long_text, True),
    ],
)
def test_a_file_that_grows_without_end_stays_within_memory(
    tmp_path: Path, name: str, make: Callable[[Path], None], mapped: bool
) -> None:
    make(tmp_path / name)
    (tmp_path / "mapping.toml").write_text(CALLS)

    arguments = [str(tmp_path / name), str(tmp_path / "mapping.toml") if mapped else "-"]
    done = ran([sys.executable, "-c", IMPORTING, *arguments])

    assert done.stderr == ""
    *_, last = done.stdout.splitlines()
    assert int(last.split()[2]) < 1000  # MiB above what the imports took


# ── the engine ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "attack",
    [
        *("INSTALL httpfs", "LOAD httpfs", "LOAD '{own}'", "FORCE INSTALL json FROM community"),
        *("FROM read_csv('{own}')", "FROM read_text('/etc/passwd')", "FROM '{own}'", "FROM glob('/etc/*')"),
        *("FROM read_csv('http://127.0.0.1:9/x.csv')", "FROM read_parquet('s3://bucket/x')", "FROM sniff_csv('{own}')"),
        *("COPY (SELECT 1) TO '{other}'", "COPY (SELECT 1) TO '{allowed}x'", "EXPORT DATABASE '{other}'"),
        *("ATTACH '{own}'", "ATTACH '{other}' AS other", "IMPORT DATABASE '{other}'", "CREATE SECRET (TYPE S3)"),
        *("SET memory_limit = '99GB'", "RESET memory_limit", "SET enable_external_access = true"),
        *("SET lock_configuration = false", "SET temp_directory = '/'", "SET GLOBAL allowed_paths = ['/etc/passwd']"),
        *("RESET max_temp_directory_size", "SET max_temp_directory_size = '99GB'", "SELECT getenv('HOME')"),
        *("CALL enable_logging(storage = 'file', storage_path = '{other}')", "PRAGMA enable_profiling = 'json'"),
    ],
)
def test_the_engine_is_locked_down(tmp_path: Path, attack: str) -> None:
    own, other, allowed = tmp_path / "own.csv", tmp_path / "other", tmp_path / "allowed.csv"
    own.write_text("secret\n1\n")

    with engine.connect(writes=allowed) as connection, pytest.raises(engine.EngineError):
        connection.execute(attack.format(own=own, other=other, allowed=allowed)).fetchall()

    assert [own] == [*tmp_path.iterdir()]


def test_the_engine_reaches_the_one_file_it_was_opened_for(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    with engine.connect(writes=path) as connection:
        connection.execute(f"COPY (SELECT 1 AS one) TO '{path}'")

    with engine.connect(reads=path) as connection:
        assert connection.execute(f"FROM read_csv('{path}')").fetchall() == [(1,)]


SPILL = "CREATE TABLE spilled AS SELECT hash(range) || repeat('x', 40) AS text FROM range({rows})"


def test_what_memory_does_not_hold_goes_to_a_private_directory_that_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(engine, "MEMORY", "40MB")
    monkeypatch.chdir(tmp_path)
    before = os.umask(0)
    try:
        connection = engine.connect()
        connection.execute(SPILL.format(rows=1_000_000))
        (directory,) = tmp_path.iterdir()
        assert directory.stat().st_mode & 0o777 == 0o700
        assert [*directory.iterdir()] != []
        assert connection.execute("SELECT count(text) FROM spilled").fetchall() == [(1_000_000,)]
    finally:
        os.umask(before)

    connection.close()
    assert [*directory.iterdir()] == []
    del connection
    assert [*tmp_path.iterdir()] == []


def test_what_is_spilled_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MEMORY", "40MB")
    monkeypatch.setattr(engine, "SPILLED", "5MB")

    with engine.connect() as connection, pytest.raises(engine.EngineError, match="max_temp_directory_size"):
        connection.execute(SPILL.format(rows=2_000_000))


# ── files of ours ───────────────────────────────────────────────────────────────────────────────────────────────

PRIVATE = """
import os, sys
os.umask(0)
from pathlib import Path
from analytics_es import AnalyticsService, TimePeriod
from analytics_es.cli import main
from analytics_es.testing import NOON, provider_call
from datetime import timedelta

with AnalyticsService.open("store.db") as analytics:
    analytics.record_event(**provider_call()).unwrap()
    analytics.wait_until_caught_up()
    for form in ("csv", "json", "parquet"):
        analytics.export_data(form, TimePeriod(NOON, NOON + timedelta(hours=1)), to=f"export.{form}").unwrap()
    Path("bad.jsonl").touch(0o600)
    Path("bad.jsonl").write_text("{}")
    main(["import", "bad.jsonl", "--rejects", "rejects.jsonl", "--db", "imported.db"], standalone_mode=False)
    for path in sorted(Path().iterdir()):
        print(path, oct(path.stat().st_mode & 0o777))
"""


def test_every_file_is_for_its_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    done = ran([sys.executable, "-c", PRIVATE], cwd=tmp_path)

    files = dict(
        line.split() for line in done.stdout.splitlines() if line.endswith(("0o600", "0o644", "0o666", "0o755"))
    )
    assert {"store.db", "store.views.db", "store.db-wal", "export.csv", "export.json", "rejects.jsonl"} <= files.keys()
    assert {*files.values()} == {"0o600"}
