"""Whatever a file of a few kilobytes unpacks to, reading it takes a bounded amount of memory, and says what it is."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_es.events import walking
from analytics_es.events.walking import Malformed, Walk
from analytics_es.ingest.files import rows, unpacking
from analytics_es.ingest.files.large_traces import LargeRequest
from analytics_es.ingest.otel.otlp import read_spans
from tests.examples import examples
from tests.limited import grown

MOST = 250  # MiB, of a text of 20 to 60 MiB; read whole, each of them takes 350 to 2,200

_IDS = b'"traceId":"' + b"a" * 32 + b'","spanId":"' + b"b" * 16 + b'","startTimeUnixNano":"1","endTimeUnixNano":"2"'
_MIB = 2**20


Part = tuple[bytes, int]  # some bytes, and how often: no module holds what they come to


def request(*spans: Part) -> list[Part]:
    return [(b'{"resourceSpans":[{"scopeSpans":[{"spans":[', 1), *spans, (b"]}]}]}", 1)]


def written(path: Path, parts: list[Part]) -> None:
    with gzip.open(path, "wb", compresslevel=6) as file:
        for piece, times in parts:
            at_once = max(1, min(times, _MIB // len(piece)))
            for _ in range(times // at_once):
                file.write(piece * at_once)
            file.write(piece * (times % at_once))


BOMBS: dict[str, tuple[list[Part], str]] = {
    "long.otlp.gz": (
        request((b"{" + _IDS + b',"name":"', 1), (b"x", 30 * _MIB), (b'"}', 1)),
        "not a span: it is longer than",
    ),
    "attributes.otlp.gz": (
        request((b"{" + _IDS + b',"attributes":[', 1), (b"{},", 8_000_000), (b"{}]}", 1)),
        "not a trace: a pa",
    ),
    "deep.otlp.gz": (request((b"[", 15_000_000), (b"]", 15_000_000)), "not a trace: a part of it is of more than 10"),
    "other.otlp.gz": (
        [(b'{"traceId":"', 1), (b"a", 32), (b'",\n"x":[', 1), (b"{},", 5_000_000), (b"{}]}", 1)],
        "not a trace: ",
    ),
    "records.otlp.gz": (
        [
            *((b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{},"attributes":[', 1), (b"{},", 6_000_000)),
            (b'{}]}]}],"resource":{"attributes":[]}}]}', 1),
        ],
        "not a trace: a pa",
    ),
    "spans.otlp.gz": (request((b'{"a":[]},', 130_000), (b"{}", 1)), "not a span: its traceId is None"),
    "crowded.jsonl.gz": (
        [(b'{"a":[', 1), (b"{},", 5_000_000), (b"{}]}\n", 1)],
        "not valid JSON: it is of more than 100000 obje",
    ),
    "cells.csv.gz": ([(b"a,b\n", 1), (b"xy,", 5_000_000), (b"\n", 1)], "more than 100000 fields"),
    "quote.csv.gz": ([(b"a,b\n", 1), (b'"x\n",', 4_000_000)], "a row over several lines is longer than"),
    "header.csv.gz": ([(b"xy,", 5_000_000), (b"\n1\n", 1)], "bad header: more than 100000 fields"),
    "large.jsonl.gz": (
        [part for _ in range(12) for part in ((b'{"a":"', 1), (b"x", 8 * _MIB), (b'"}\n', 1))],
        "it unpacks to more than 200 times its size",
    ),
}
_READ = """
from pathlib import Path
from analytics_es.errors import AnalyticsError
from analytics_es.ingest.files import read_mapping, rows
path = Path({path!r})
mapping = None if path.name.endswith(".otlp.gz") else read_mapping(path.with_name("m.toml"))
said = ""
try:
    for row in rows(path, mapping, format=None if mapping else "otlp"):
        said = str(row.error or said)
except AnalyticsError as error:
    said = str(error)
print(said)
"""


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_file_that_unpacks_to_much_takes_bounded_memory(tmp_path: Path, name: str) -> None:
    parts, said = BOMBS[name]
    written(tmp_path / name, parts)
    (tmp_path / "m.toml").write_text(
        "[[event]]\ntype = \"'a.b'\"\noccurred_at = \"'2026-03-02'\"\n[event.data]\nx = 'a'\n"
    )

    megabytes, (error, *_) = grown(_READ.format(path=str(tmp_path / name)))

    assert said in error
    assert megabytes < MOST


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: pa.array([b"x" * 1_000_000]).take(pa.array([0] * 1000)), "None"),
        (lambda: pa.array([[0] * 10_000_000]), "has more elements than its bytes can tell apart"),
    ],
    ids=["bytes", "lists"],
)
def test_a_small_parquet_file_takes_bounded_memory(tmp_path: Path, made: Callable[[], pa.Array], said: str) -> None:
    path, column = tmp_path / "a.parquet", made()
    pq.write_table(pa.table({"a": column, "b": pa.array([1] * len(column))}), path, compression="zstd")
    (tmp_path / "m.toml").write_text(
        "[[event]]\ntype = \"'a.b'\"\noccurred_at = \"'2026-03-02'\"\nid = \"b\"\n[event.data]\nx = 'a IS NULL'\n"
    )

    megabytes, lines = grown(_READ.format(path=str(path)))

    assert said in (lines[0] or "None")
    assert megabytes < 400


def test_a_file_that_is_packed_may_unpack_to_much_if_it_is_large_itself(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(unpacking, "ENOUGH", 100)
    monkeypatch.setattr(unpacking, "MOST_TIMES", 20)
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(
        gzip.compress(b"\n".join(json.dumps({"id": f"{n * 7919:x}", "type": 1}).encode() for n in range(1000)))
    )

    assert len(list(rows(path))) == 1000


# ── a text walked through says what it says as a whole ──────────────────────────────────────────────────────────

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)


def reading(text: bytes, piece: int) -> Callable[[int], bytes]:
    pieces = iter([text[at : at + piece] for at in range(0, len(text), piece)])
    return lambda _: next(pieces, b"")


@given(JSON, st.integers(1, 9), st.sampled_from([None, 1]))
@examples(200)
def test_a_value_is_the_same_in_whatever_pieces_it_comes(value: Any, piece: int, indent: int | None) -> None:
    walk = Walk(reading(json.dumps(value, indent=indent).encode() + b" ", piece))

    assert walk.value() == value
    walk.end()


@given(JSON, st.integers(0, 60), st.integers(1, 9))
@examples(100)
def test_a_text_that_is_cut_is_no_value(value: Any, cut: int, piece: int) -> None:
    text = json.dumps([value]).encode()

    with pytest.raises(Malformed):
        Walk(reading(text[: min(cut, len(text) - 1)], piece)).value()


@given(JSON, st.integers(1, 9))
@examples(50)
def test_a_value_that_is_too_large_is_passed_over(value: Any, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walking, "MAX_VALUE", 20)
        walk = Walk(reading(json.dumps([{"a": [value] * 30}, 5]).encode(), piece))
        values = [walk.value() for _ in walk.elements()]

    assert values == [walking.TOO_LARGE, 5]


SPAN = {
    "traceId": "a" * 32,
    "spanId": "b" * 16,
    "name": 'a "name" \\ {[',
    "startTimeUnixNano": "1700000000000000000",
    "endTimeUnixNano": 1700000001000000000,
    "attributes": [
        {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
        {"key": "n", "value": {"intValue": "5"}},
    ],
}
NAMES = st.sampled_from([None, {}, {"name": "one"}, {"name": "two"}])
SERVICES = st.sampled_from([None, {}, {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}])
SCOPES = st.builds(
    lambda scope, spans, late: dict([("spans", spans), ("scope", scope)][:: 1 if late else -1]),
    NAMES,
    st.none() | st.lists(st.sampled_from([SPAN, {**SPAN, "name": "other"}, {}, 5, None]), max_size=3),
    st.booleans(),
)
GROUPS = st.builds(
    lambda resource, scopes, late: dict(
        [("scopeSpans", scopes), ("schemaUrl", "x"), ("resource", resource)][:: 1 if late else -1]
    ),
    SERVICES,
    st.none() | st.lists(SCOPES, max_size=3),
    st.booleans(),
)


@given(st.fixed_dictionaries({"a": JSON, "resourceSpans": st.lists(GROUPS, max_size=3), "b": JSON}), st.integers(1, 50))
@examples(100)
def test_a_request_gives_the_same_spans_walked_through_as_it_does_whole(document: Any, piece: int) -> None:
    class Text:
        def __enter__(self) -> Text:
            self.read = reading(json.dumps(document).encode(), piece)
            return self

        def __exit__(self, *_: Any) -> None: ...

    request = LargeRequest(Text)  # type: ignore[arg-type]
    request.check()

    assert list(request.read()) == list(read_spans(document))
