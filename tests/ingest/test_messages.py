"""What a message says: CloudEvents, structured or binary, plain JSON by topic; and what is kept of any other."""

from __future__ import annotations

import base64
import hashlib
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from analytics_es.errors import BadField, UnreadableMessage
from analytics_es.ingest import messages
from analytics_es.ingest.bus import Message
from analytics_es.testing import NOON
from tests.stores import entry

DATA = {"job_id": "j-1", "duration_ms": 1200}
TEXT = json.dumps(DATA)
PLAIN = Message(
    topic="job.completed",
    payload=json.dumps(DATA).encode(),
    id="EVENTS:7",
    source="nats:EVENTS",
    time=NOON,
    stream="EVENTS",
    sequence=7,
)
EVENT = {"specversion": "1.0", "type": "job.failed", "id": "e-1", "source": "worker", "time": "2026-03-01T08:00:00Z"}
EIGHT = datetime(2026, 3, 1, 8, tzinfo=UTC)


def structured(**changes: Any) -> Message:
    told = {key: value for key, value in {**EVENT, "data": DATA, **changes}.items() if value is not None}
    return evolve(PLAIN, payload=json.dumps(told).encode())


def binary(**changes: str | None) -> Message:
    told = {f"ce-{name}": value for name, value in {**EVENT, **changes}.items() if value is not None}
    return evolve(PLAIN, headers=told)


def arguments(
    event_type: str = "job.failed", occurred_at: Any = EIGHT, id: Any = "e-1", source: Any = "worker"
) -> dict[str, Any]:
    return {"event_type": event_type, "data": DATA, "occurred_at": occurred_at, "id": id, "source": source}


# ── what it says ────────────────────────────────────────────────────────────────────────────────────────────────


def test_plain_json_has_its_type_from_the_topic_and_the_rest_from_the_bus() -> None:
    assert messages.arguments(PLAIN) == arguments("job.completed", NOON, "EVENTS:7", "nats:EVENTS")


@pytest.mark.parametrize("payload", [DATA, TEXT, TEXT.encode(), bytearray(TEXT.encode())])
def test_a_payload_is_a_mapping_text_or_bytes(payload: Any) -> None:
    assert messages.arguments(evolve(PLAIN, payload=payload))["data"] == DATA


@pytest.mark.parametrize("payload", [None, b"", ""])
def test_no_payload_is_no_data(payload: Any) -> None:
    assert messages.arguments(evolve(PLAIN, payload=payload))["data"] == {}


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/cloudevents+json; charset=utf-8"}])
def test_a_structured_cloud_event_says_everything_itself(headers: dict[str, str]) -> None:
    assert messages.arguments(evolve(structured(), headers=headers)) == arguments()


def test_a_structured_cloud_event_may_have_its_attributes_in_headers_as_well() -> None:
    headers = {**binary().headers, "Content-Type": "application/cloudevents+json; charset=utf-8"}

    assert messages.arguments(evolve(structured(), headers=headers)) == arguments()


def test_a_binary_cloud_event_has_its_attributes_in_headers_and_its_data_as_payload() -> None:
    assert messages.arguments(binary()) == arguments()


def test_headers_are_read_whatever_their_case_and_percent_encoding() -> None:
    headers = {name.title(): value for name, value in binary(id="e%201").headers.items()}

    assert messages.arguments(evolve(PLAIN, headers=headers)) == arguments(id="e 1")


@pytest.mark.parametrize("event", [structured, binary])
def test_what_a_cloud_event_does_not_say_is_the_bus_s_word(event: Any) -> None:
    assert messages.arguments(event(time=None)) == arguments(occurred_at=NOON)
    assert messages.arguments(event(id=None)) == arguments(id="EVENTS:7")
    assert messages.arguments(event(source=None)) == arguments(source="nats:EVENTS")


def test_a_cloud_event_without_data_is_an_event_without_data() -> None:
    assert messages.arguments(structured(data=None))["data"] == {}


def test_numbers_are_as_exact_as_they_are_written() -> None:
    body = b'{"cost": 0.1234567890123456789, "value": 12345678901234567890, "amount": 0.1}'

    data = messages.arguments(evolve(PLAIN, payload=body))["data"]

    assert data == {"cost": Decimal("0.1234567890123456789"), "value": 12345678901234567890, "amount": Decimal("0.1")}


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (evolve(PLAIN, payload=b"not json"), "line 1 column 1"),
        (evolve(PLAIN, payload=b"\xff\xfe"), ""),
        (evolve(PLAIN, payload=b"[1]"), "its data is not a JSON object"),
        (evolve(PLAIN, payload=b"7"), "its data is not a JSON object"),
        (evolve(PLAIN, payload=7), "bytes-like object is required"),
        (evolve(PLAIN, payload=b"[" * 5000 + b"1" + b"]" * 5000), ""),
        (evolve(PLAIN, payload=b'{"cost": 1.00000000000000000e9999999999999999999}'), "line 1 column 10"),
        (structured(data="text"), "its data is not a JSON object"),
        (structured(data_base64="e30="), "its data is not a JSON object"),
        (structured(type=7), "its type is missing or not a text"),
        (structured(id=7), "its id is missing or not a text"),
        (structured(time=7), "its time is missing or not a text"),
        (structured(time="yesterday"), "its time is 'yesterday', not ISO 8601"),
        (
            evolve(PLAIN, payload=b"[]", headers={"content-type": "application/cloudevents+json"}),
            "it is not a JSON object",
        ),
    ],
)
def test_what_is_no_event_is_refused_with_the_problem(message: Message, problem: str) -> None:
    with pytest.raises(UnreadableMessage, match="The message cannot be read as an event: ") as caught:
        messages.arguments(message)

    assert problem in str(caught.value)


@given(st.binary(max_size=200), st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=4))
def test_any_bytes_and_headers_are_an_event_or_refused(payload: bytes, headers: dict[str, str]) -> None:
    with suppress(UnreadableMessage):
        messages.arguments(evolve(PLAIN, payload=payload, headers=headers))


# ── what buses hand over ────────────────────────────────────────────────────────────────────────────────────────

HANDED = Message(topic="job.completed", payload=DATA, id="e-1", source="worker", time=NOON)


@pytest.mark.parametrize(
    ("given", "named", "expected"),
    [
        ([HANDED], {}, HANDED),
        (["job.completed", DATA], {}, Message(topic="job.completed", payload=DATA)),
        (["job.completed", DATA, {"a": 1}], {}, Message(topic="job.completed", payload=DATA, headers={"a": "1"})),
        (["job.completed", DATA, "more"], {}, Message(topic="job.completed", payload=DATA)),
        ([], {"topic": "job.completed", "payload": DATA}, Message(topic="job.completed", payload=DATA)),
        ([{"topic": "job.completed", "payload": DATA, "id": "e-1", "source": "worker", "time": NOON}], {}, HANDED),
        (
            [
                {
                    "type": "job.completed",
                    "data": DATA,
                    "event_id": "e-1",
                    "source": "worker",
                    "timestamp": NOON.isoformat(),
                }
            ],
            {},
            HANDED,
        ),
        ([SimpleNamespace(subject="job.completed", data=b"{}")], {}, Message(topic="job.completed", payload=b"{}")),
        (
            [SimpleNamespace(topic="job.completed", value=b"{}", headers={"a": "b"}, timestamp=NOON)],
            {},
            Message(topic="job.completed", payload=b"{}", headers={"a": "b"}, time=NOON),
        ),
        ([EVENT], {}, Message(topic="job.failed", payload=EVENT)),
    ],
)
def test_a_message_is_handed_over_in_any_of_these_shapes(
    given: list[Any], named: dict[str, Any], expected: Message
) -> None:
    assert messages.to_message(*given, **named) == expected


@pytest.mark.parametrize(
    "thing",
    [{}, {"payload": {}}, object(), {"topic": 7}, None, {"topic": "a.b", "time": 1.5}, {"topic": "a.b", "time": "now"}],
)
def test_what_has_no_topic_or_a_time_that_is_none_is_refused(thing: Any) -> None:
    with pytest.raises(UnreadableMessage):
        messages.to_message(thing)


# ── what cannot be recorded ─────────────────────────────────────────────────────────────────────────────────────

REASON = BadField(field="cost", problem="must be a number")


def test_a_rejected_message_is_kept_with_the_reason_and_its_raw_bytes() -> None:
    kept = messages.rejection(evolve(PLAIN, headers={"a": "b"}), REASON)

    assert kept == {
        "event_type": "analytics.message.rejected",
        "data": {
            "subject": "job.completed",
            "stream": "EVENTS",
            "sequence": 7,
            "reason": {
                "code": "bad_field",
                "field": "cost",
                "problem": "cost: must be a number.",
                "message": "cost: must be a number.",
            },
            "raw": base64.b64encode(PLAIN.payload).decode(),
            "size": len(PLAIN.payload),
            "sha256": hashlib.sha256(PLAIN.payload).hexdigest(),
            "headers": {"a": "b"},
            "truncated": False,
        },
        "occurred_at": NOON,
        "id": "rejected EVENTS:7",
        "source": "nats:EVENTS",
    }


def test_a_rejected_message_without_a_time_or_an_id_is_an_event_of_its_own() -> None:
    for changes in ({"time": None}, {"time": NOON.replace(tzinfo=None)}, {"sequence": None, "id": None}):
        assert messages.rejection(evolve(PLAIN, **changes), REASON)["id"] is None


def test_a_rejected_message_is_known_by_its_id_where_it_has_no_place() -> None:
    ids = [messages.rejection(evolve(PLAIN, sequence=None, id=id), REASON)["id"] for id in ("1", "1", "2" * 5000)]

    assert ids[0] == ids[1] != ids[2]


def test_what_is_large_is_cut_and_its_size_and_digest_are_told() -> None:
    payload = b"x" * 1_000_000

    data = messages.rejection(evolve(PLAIN, payload=payload), REASON)["data"]

    assert base64.b64decode(data["raw"]) == payload[: messages.RAW_BYTES]
    assert (data["size"], data["sha256"], data["truncated"]) == (1_000_000, hashlib.sha256(payload).hexdigest(), True)


class Strange:
    def __repr__(self) -> str:
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("payload", "raw"),
    [
        ("täxt", "täxt".encode()),
        ("\udc80", b"\\udc80"),
        ({"a": 1}, b'{"a":1}'),
        ({1: Decimal("1")}, b'{"1":"Decimal(\'1\')"}'),
        (None, b"null"),
        (Strange(), b"Strange"),
        ("x\0y", b"x\0y"),
    ],
)
def test_any_payload_has_raw_bytes(payload: Any, raw: bytes) -> None:
    assert base64.b64decode(messages.rejection(evolve(PLAIN, payload=payload), REASON)["data"]["raw"]) == raw


ANY_TEXT = st.text(st.characters(codec=None), max_size=3000)


@given(
    topic=ANY_TEXT,
    payload=st.one_of(st.binary(max_size=300), ANY_TEXT, st.dictionaries(st.text(), st.floats())),
    headers=st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=5),
    id=st.none() | ANY_TEXT,
    time=st.none() | st.datetimes() | st.datetimes(timezones=st.just(UTC)),
    sequence=st.none() | st.integers(0, 2**63 - 1),
)
def test_whatever_is_rejected_passes_the_door_as_the_same_event_every_time(**told: Any) -> None:
    message = Message(source="nats:s", stream="s", **told)

    one, again = (entry(NOON + timedelta(minutes=n), **messages.rejection(message, REASON)) for n in (0, 1))

    assert orjson.loads(one.state)["data"] == orjson.loads(again.state)["data"]
    if orjson.loads(one.state)["id"].startswith("rejected"):
        assert one.key == again.key


def test_the_largest_that_is_kept_passes_the_door() -> None:
    awkward = "\x01" * 100_000
    message = evolve(PLAIN, topic=awkward, payload=awkward, headers={awkward[:4000]: awkward[:4000], "b": awkward})

    assert len(entry(NOON, **messages.rejection(message, UnreadableMessage(problem=awkward))).state) < 256 * 1024
