"""CloudEvents in all their ways, and events of our own, one, a list or lines: each is answered for itself."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import orjson
import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from starlette.testclient import TestClient

from analytics_es import AnalyticsService
from analytics_es.events.walking import MAX_SMALL
from analytics_es.ingest.strictness import MOST
from analytics_es.web import analytics_app
from tests.stores import recorded
from tests.web.requests import (
    BATCH,
    CLOUD,
    JSON,
    LINES,
    NOON,
    REJECTED,
    SECRET,
    cloud_event,
    event,
    in_json,
    jobs,
    reasons,
)

PATHS = pytest.mark.parametrize("path", ["/v1/events", "/api/v1/events"])


def lines(*documents: Any) -> bytes:
    return b"\n".join(map(orjson.dumps, documents)) + b"\n"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (in_json(event(0)), JSON),
        (in_json([event(0), event(1)]), JSON),
        (lines(event(0), event(1)), LINES),
        (lines(event(0)) + b"\r\n\n" + lines(event(1)), {"content-type": "application/jsonl"}),
    ],
    ids=["one", "list", "lines", "lines with gaps"],
)
def test_events_of_our_own_are_recorded_as_record_events_does(
    client: TestClient, analytics: AnalyticsService, body: bytes, headers: dict[str, str]
) -> None:
    first, again = (client.post("/v1/events", content=body, headers=headers).json() for _ in range(2))

    number = len(jobs(analytics))
    assert first == {"events": number, "recorded": number, "duplicates": 0, "refused": 0, "refusals": []}
    assert again == {**first, "recorded": 0, "duplicates": number}
    (recorded_first, *_) = recorded(analytics, "job.completed")
    assert (recorded_first.id, recorded_first.source, recorded_first.occurred_at.isoformat()) == ("j-0", "web", NOON)


@pytest.mark.store("memory", "sqlite", "postgres")
def test_what_is_refused_is_named_by_its_place_and_kept_and_the_rest_is_recorded(
    client: TestClient, analytics: AnalyticsService
) -> None:
    body = [event(0), event(1, duration_ms=SECRET), {"event_typ": "job.completed"}, SECRET, event(4)]

    answer = client.post("/v1/events", content=in_json(body), headers=JSON)

    assert (answer.status_code, jobs(analytics)) == (200, ["j-0", "j-4"])
    assert answer.json() == {
        "events": 5,
        "recorded": 2,
        "duplicates": 0,
        "refused": 3,
        "refusals": [
            {"index": 1, "code": "bad_field", "field": "duration_ms"},
            {"index": 2, "code": "bad_event", "field": None},
            {"index": 3, "code": "bad_event", "field": None},
        ],
        "reasons": {
            "bad_field": "duration_ms: must be a number, not a str.",
            "bad_event": "An event of a batch must be a mapping of the arguments of record_event: event_type and data, "
            "and where wanted occurred_at, id and source; of this one data and event_type is missing.",
        },
    }
    assert reasons(analytics) == ["bad_field", "bad_event", "bad_event"]


def test_a_line_that_is_no_json_is_refused_alone(client: TestClient, analytics: AnalyticsService) -> None:
    answer = client.post("/v1/events", content=lines(event(0)) + b"{nope\n" + lines(event(2)), headers=LINES)

    assert answer.json()["refusals"] == [{"index": 1, "code": "unreadable_message", "field": None}]
    assert (jobs(analytics), reasons(analytics)) == (["j-0", "j-2"], ["unreadable_message"])


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"type": "job.completed", "data": {}}, "of this one event_type is missing."),
        ({"event_type": "job.completed", "data": {}, SECRET: 1}, "this one has others, too."),
        ("no object", "this is no JSON object."),
        ({"event_type": SECRET, "data": {}}, "'…' is not an event type: use dotted lower case"),
        ({**cloud_event(1), "source": None}, "its source is missing, which every CloudEvent has."),
    ],
)
def test_an_answer_says_why_in_words_and_holds_nothing_of_what_was_sent(
    client: TestClient, body: Any, why: str
) -> None:
    answer = client.post("/v1/events", content=in_json([body]), headers=JSON)

    (reason,) = answer.json()["reasons"].values()
    assert why in reason
    assert SECRET not in answer.text


def test_a_request_of_which_nothing_is_recorded_fails_with_the_reasons(
    client: TestClient, analytics: AnalyticsService
) -> None:
    answer = client.post("/v1/events", content=in_json(event(0, duration_ms="long")), headers=JSON)

    told = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert (told["code"], told["refused"]) == ("events_refused", 1)
    assert told["refusals"] == [{"index": 0, "code": "bad_field", "field": "duration_ms"}]
    assert reasons(analytics) == ["bad_field"]


def test_what_was_refused_and_is_sent_again_is_kept_once(client: TestClient, analytics: AnalyticsService) -> None:
    bad = {**cloud_event(1), "data": {"duration_ms": "long"}}

    for _ in range(2):
        client.post("/v1/events", content=in_json(event(0, duration_ms="long")), headers=JSON)
        client.post("/api/v1/events", content=in_json(bad), headers=CLOUD)

    assert reasons(analytics) == ["bad_field", "bad_field"]


def test_what_was_refused_in_headers_is_kept_once_however_its_time_is_written(
    client: TestClient, analytics: AnalyticsService
) -> None:
    body, headers = binary(cloud_event(1, duration_ms="long"))

    for _ in range(2):
        client.post("/api/v1/events", content=body, headers={**headers, "ce-time": quote(NOON)})

    assert reasons(analytics) == ["bad_field"]


def test_what_says_something_else_than_what_is_stored_is_refused_and_kept(
    client: TestClient, analytics: AnalyticsService
) -> None:
    client.post("/v1/events", content=in_json(event(0)), headers=JSON)

    answer = client.post("/v1/events", content=in_json([event(0, duration_ms=5), event(1)]), headers=JSON)

    assert answer.json()["refusals"] == [{"index": 0, "code": "other_content", "field": None}]
    assert (jobs(analytics), reasons(analytics)) == (["j-0", "j-1"], ["other_content"])


@pytest.mark.parametrize("body", [b"nope", b"5", b'"text"', b"", b"[{]"])
def test_what_is_no_json_of_events_is_malformed_and_nothing_of_it_is_kept(
    client: TestClient, analytics: AnalyticsService, body: bytes
) -> None:
    answer = client.post("/v1/events", content=body, headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_body")
    assert recorded(analytics, REJECTED) == []


@pytest.mark.parametrize("bad", [rb'"\ud83d"', b"1e400"])
def test_one_event_of_a_list_that_cannot_be_read_is_refused_alone(
    client: TestClient, analytics: AnalyticsService, bad: bytes
) -> None:
    body = in_json([event(0), event(1, conversation_id="bad"), event(2)]).replace(b'"bad"', bad)

    answer = client.post("/v1/events", content=body, headers=JSON)

    assert (answer.status_code, jobs(analytics)) == (200, ["j-0", "j-2"])
    assert answer.json()["refusals"] == [{"index": 1, "code": "unreadable_message", "field": None}]
    assert client.post("/v1/events", content=body[1:].partition(b"},{")[2], headers=JSON).status_code == 400


def test_lines_of_which_none_is_json_are_malformed(client: TestClient, analytics: AnalyticsService) -> None:
    answer = client.post("/v1/events", content=b"x\n" * 1000, headers=LINES)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_body")
    assert recorded(analytics, REJECTED) == []


def test_a_list_beyond_what_is_read_at_once_is_read_one_by_one(client: TestClient, analytics: AnalyticsService) -> None:
    padded = [event(number, attributes={"note": "x" * 200}) for number in range(3000)]
    body = in_json([*padded, event(0, duration_ms="long")])

    answer = client.post("/v1/events", content=body, headers=JSON)

    assert len(body) > MAX_SMALL
    assert (answer.json()["recorded"], answer.json()["refusals"][0]["index"]) == (3000, 3000)
    assert client.post("/v1/events", content=body[:-2], headers=JSON).status_code == 400


def test_numbers_stay_exact(client: TestClient, analytics: AnalyticsService) -> None:
    call = {**event(0), "event_type": "provider.call.completed", "data": {"model": "m", "currency": "USD"}}
    body = in_json(call).replace(b'"currency"', b'"cost":0.123456789012345678,"currency"')

    client.post("/v1/events", content=body, headers=JSON)

    (stored,) = recorded(analytics, "provider.call.completed")
    assert str(stored.data["cost"]) == "0.123456789012345678"


# ── CloudEvents ─────────────────────────────────────────────────────────────────────────────────────────────────


@PATHS
@pytest.mark.parametrize(
    ("body", "headers", "number"),
    [
        (in_json(cloud_event(0)), CLOUD, 1),
        (in_json(cloud_event(0)), {"content-type": "application/cloudevents+json; charset=UTF-8"}, 1),
        (in_json([cloud_event(0), cloud_event(1)]), BATCH, 2),
        (in_json([]), BATCH, 0),
        (in_json(cloud_event(0)), JSON, 1),
        (in_json([cloud_event(0), cloud_event(1)]), JSON, 2),
    ],
)
def test_cloud_events_are_answered_as_clients_of_openmeter_expect(
    client: TestClient, analytics: AnalyticsService, path: str, body: bytes, headers: dict[str, str], number: int
) -> None:
    answers = [client.post(path, content=body, headers=headers) for _ in range(2)]

    assert [(answer.status_code, answer.content) for answer in answers if number] == [(204, b"")] * (2 if number else 0)
    assert jobs(analytics) == ["j-0", "j-1"][:number]


@PATHS
@pytest.mark.parametrize("way", [to_structured_event, to_binary_event], ids=["structured", "binary"])
def test_what_the_sdk_of_cloud_events_sends_is_recorded(
    client: TestClient, analytics: AnalyticsService, path: str, way: Any
) -> None:
    from cloudevents.core.v1.event import CloudEvent

    about = {"type": "job.completed", "source": "sdk/ü", "id": "7", "specversion": "1.0", "time": _noon()}
    message = way(CloudEvent(attributes=about, data={"job_id": "j-7"}))

    answer = client.post(path, content=message.body, headers=dict(message.headers))

    (stored,) = recorded(analytics, "job.completed")
    assert (answer.status_code, stored.source, stored.id, stored.data) == (204, "sdk/ü", "7", {"job_id": "j-7"})


def _noon() -> Any:
    from datetime import datetime

    return datetime.fromisoformat(NOON)


@pytest.mark.parametrize("name", ["id", "source", "type"])
def test_a_cloud_event_without_what_it_owes_is_refused_and_kept(
    client: TestClient, analytics: AnalyticsService, name: str
) -> None:
    event = {**cloud_event(0)}
    del event[name]

    answer = client.post("/api/v1/events", content=in_json(event), headers=CLOUD)

    assert (answer.status_code, reasons(analytics)) == (400, ["unreadable_message"])


def test_one_bad_cloud_event_of_a_batch_is_told_with_its_place(client: TestClient, analytics: AnalyticsService) -> None:
    body = [cloud_event(0), {**cloud_event(1), "data": [1]}, cloud_event(2)]

    answer = client.post("/api/v1/events", content=in_json(body), headers=BATCH)

    assert (answer.status_code, answer.json()["refused"], jobs(analytics)) == (200, 1, ["j-0", "j-2"])
    assert answer.json()["refusals"] == [{"index": 1, "code": "unreadable_message", "field": None}]


def test_of_headers_none_but_those_of_the_event_is_kept(client: TestClient, analytics: AnalyticsService) -> None:
    headers = {**JSON, "ce-type": "job.completed", "ce-id": "1", "ce-source": "x", "ce-time": NOON}

    client.post("/api/v1/events", content=b"[1]", headers={**headers, "authorization": SECRET, "cookie": SECRET})

    (kept,) = recorded(analytics, REJECTED)
    assert SECRET not in str(kept)


@PATHS
@pytest.mark.parametrize("form", ["text/plain", "multipart/form-data", "application/x-www-form-urlencoded", ""])
def test_what_a_page_may_send_without_asking_is_refused(client: TestClient, path: str, form: str) -> None:
    answer = client.post(path, content=in_json(event(0)), headers={"content-type": form})

    assert (answer.status_code, answer.json()["code"]) == (415, "other_media_type")


@pytest.mark.parametrize(
    "body",
    [b"9" * 300, b'{"event_type":' + b"9" * 30 + b"}", b"[" * 300 + b"]" * 300, b'{"a":' * 900 + b"1" + b"}" * 900],
    ids=["a large number", "a large number within", "levels of lists", "levels of objects"],
)
def test_what_can_hardly_be_written_again_is_refused_like_all_else(client: TestClient, body: bytes) -> None:
    assert client.post("/v1/events", content=body, headers=JSON).status_code == 400


# ── CloudEvents without a time, and their subjects ──────────────────────────────────────────────────────────────


def timeless(number: int, **more: Any) -> dict[str, Any]:
    return {name: told for name, told in {**cloud_event(number), **more}.items() if name != "time"}


def binary(event: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    headers = {f"ce-{name}": told for name, told in event.items() if name != "data"}
    return in_json(event["data"]), {**JSON, **headers}


@pytest.mark.store("memory", "sqlite", "postgres")
@pytest.mark.parametrize("way", ["one", "batch", "binary"])
def test_a_cloud_event_without_a_time_has_that_of_its_arrival_and_sent_again_adds_nothing(
    analytics: AnalyticsService, way: str
) -> None:
    body, headers = {
        "one": (in_json(timeless(0)), CLOUD),
        "batch": (in_json([timeless(0), timeless(0), {**timeless(0), "time": None}]), BATCH),
        "binary": binary(timeless(0)),
    }[way]

    answers = []
    for _ in range(2):  # the second comes after a restart, since the first answer was lost
        client = TestClient(analytics_app(analytics))
        answers += [client.post("/api/v1/events", content=body, headers=headers).status_code for _ in range(2)]

    assert (answers, jobs(analytics), reasons(analytics)) == ([204] * 4, ["j-0"], [])
    assert analytics.store.log.strict.patterns == ("web",)


def test_what_a_cloud_event_without_a_time_tells_differently_later_is_refused(
    client: TestClient, analytics: AnalyticsService
) -> None:
    client.post("/api/v1/events", content=in_json(timeless(0)), headers=CLOUD)

    answer = client.post("/api/v1/events", content=in_json(timeless(0, data={"job_id": "other"})), headers=CLOUD)

    assert (answer.status_code, jobs(analytics), reasons(analytics)) == (400, ["j-0"], ["other_content"])


def test_a_source_that_shares_ids_from_before_has_to_tell_times(
    client: TestClient, analytics: AnalyticsService
) -> None:
    for when in (NOON, NOON.replace("12:", "13:")):
        client.post("/api/v1/events", content=in_json({**cloud_event(0), "time": when}), headers=CLOUD)

    answer = client.post("/api/v1/events", content=in_json(timeless(1)), headers=CLOUD)

    assert (answer.status_code, answer.json()["refusals"][0]["code"]) == (400, "id_without_time")
    assert jobs(analytics) == ["j-0", "j-0"]


@pytest.mark.parametrize("source", ["*", "web*", "we*b", "x" * 300])
def test_no_source_makes_more_than_itself_strict(client: TestClient, analytics: AnalyticsService, source: str) -> None:
    answer = client.post("/api/v1/events", content=in_json(timeless(0, source=source)), headers=CLOUD)

    assert (answer.status_code, jobs(analytics)) == (400, [])
    assert analytics.store.log.strict.patterns == ()


def test_there_is_an_end_to_the_sources_that_tell_no_time(client: TestClient, analytics: AnalyticsService) -> None:
    body = [timeless(number, source=f"web-{number}") for number in range(MOST + 2)]

    answer = client.post("/api/v1/events", content=in_json([*body, cloud_event(999)]), headers=BATCH)

    assert [refusal["code"] for refusal in answer.json()["refusals"]] == ["id_without_time"] * 2
    assert (answer.json()["recorded"], len(analytics.store.log.strict.patterns)) == (MOST + 1, MOST)


@pytest.mark.parametrize("way", ["one", "binary"])
def test_the_subject_of_a_client_of_openmeter_is_whose_event_it_is_and_a_pseudonym(
    client: TestClient, analytics: AnalyticsService, way: str
) -> None:
    event = {**cloud_event(0), "subject": SECRET}
    body, headers = (in_json(event), CLOUD) if way == "one" else binary(event)

    assert client.post("/api/v1/events", content=body, headers=headers).status_code == 204

    (stored,) = recorded(analytics, "job.completed")
    assert stored.data["user_id"].startswith("p_")
    assert SECRET not in str(stored)


@PATHS
def test_a_structured_cloud_event_may_have_its_attributes_in_headers_as_well(
    client: TestClient, analytics: AnalyticsService, path: str
) -> None:
    _, headers = binary(cloud_event(0))

    for body, form in ((cloud_event(0), CLOUD), ([cloud_event(0)], BATCH)):
        assert client.post(path, content=in_json(body), headers={**headers, **form}).status_code == 204

    assert jobs(analytics) == ["j-0"]


@pytest.mark.parametrize("change", [{"id": None}, {"type": "prompt"}, {"type": 5}])
def test_what_is_no_event_makes_no_source_strict(
    client: TestClient, analytics: AnalyticsService, change: dict[str, Any]
) -> None:
    answer = client.post("/api/v1/events", content=in_json(timeless(0, **change)), headers=CLOUD)

    assert (answer.status_code, analytics.store.log.strict.patterns) == (400, ())


def test_the_subject_does_not_overrule_what_the_data_tell_and_no_data_are_data(
    client: TestClient, analytics: AnalyticsService
) -> None:
    told, none = {**cloud_event(0, user_id="ada"), "subject": "acme"}, {**cloud_event(1), "subject": "ada"}
    body = in_json([told, {**none, "data": None}, {**none, "subject": "", "id": "3", "data": {}}])

    assert client.post("/api/v1/events", content=body, headers=BATCH).status_code == 204

    first, second, third = recorded(analytics, "job.completed")
    assert first.data["user_id"] == second.data["user_id"]
    assert third.data == {}


def test_attributes_of_cloud_events_that_are_not_taken_over_are_counted(
    client: TestClient, analytics: AnalyticsService
) -> None:
    event = {**cloud_event(0), "subject": SECRET, "partitionkey": SECRET, SECRET: 1}
    client.post("/v1/events", content=in_json(event), headers=CLOUD)
    client.post("/v1/events", content=binary(cloud_event(1))[0], headers=binary({**cloud_event(1), "subject": "x"})[1])

    (stored, _) = recorded(analytics, "job.completed")
    told = client.get("/").json()["ignored"]["attributes"]
    assert (told, stored.data) == ({"subject": 2, "partitionkey": 1, "(others)": 1}, {"job_id": "j-0"})
