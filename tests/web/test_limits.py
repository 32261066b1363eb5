"""How much is taken: sizes that are counted while a body is unpacked, times, and requests at a time."""

from __future__ import annotations

import asyncio
import gzip
import logging
import threading
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from analytics_es import AnalyticsService
from analytics_es.errors import BadArgument, StoreBusy, StoreFailed
from analytics_es.ingest.recorder import Recorder
from analytics_es.web import Limits, analytics_app
from analytics_es.web.bodies import MOST_MEMBERS
from analytics_es.web.counts import MOST_NAMES, OTHERS, Counts
from tests.stores import PATIENCE, eventually, recorded
from tests.web.requests import (
    CALL,
    JSON,
    LINES,
    PROTOBUF,
    calls,
    event,
    in_json,
    in_protobuf,
    jobs,
    slowly,
    span,
    trace,
)

GZIP = {"content-encoding": "gzip"}


def test_a_body_above_the_limit_is_refused_however_it_comes(analytics: AnalyticsService) -> None:
    client = TestClient(analytics_app(analytics, limits=Limits(body=1000)))
    body = in_json([event(number) for number in range(20)])

    answers = [
        client.post("/v1/events", content=body, headers=JSON),
        client.post("/v1/events", content=slowly([body[:900], body[900:]]), headers=JSON),
        client.post("/v1/events", content=gzip.compress(body), headers={**JSON, **GZIP}),
        client.post("/v1/traces", content=gzip.compress(body), headers={**PROTOBUF, **GZIP}),
    ]

    assert [answer.status_code for answer in answers] == [413] * 4
    assert answers[0].json()["code"] == "body_too_large"
    assert jobs(analytics) == []


def test_what_a_small_body_would_unpack_to_is_not_unpacked(client: TestClient) -> None:
    bomb = gzip.compress(gzip.compress(bytes(200_000_000), 9) + bytes(1))  # 200 MB behind two layers, one of them read
    bomb = gzip.decompress(bomb)[:-1]

    tracemalloc.start()
    answer = client.post("/v1/traces", content=bomb, headers={**PROTOBUF, **GZIP})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert (len(bomb) < 300_000, answer.status_code) == (True, 413)
    assert peak < 40 * 2**20


@pytest.mark.parametrize("cut", [1, 30])
def test_a_packed_body_without_its_end_is_malformed(client: TestClient, analytics: AnalyticsService, cut: int) -> None:
    body = gzip.compress(in_json([event(0)]))[:-cut]

    assert client.post("/v1/events", content=body, headers={**JSON, **GZIP}).status_code == 400
    assert client.post("/v1/events", content=b"plain", headers={**JSON, **GZIP}).status_code == 400
    assert jobs(analytics) == []


def test_a_packed_body_may_be_in_several_parts(client: TestClient, analytics: AnalyticsService) -> None:
    body = in_json([event(0), event(1)])
    packed = gzip.compress(body[:50]) + gzip.compress(body[50:])

    assert client.post("/v1/events", content=packed, headers={**JSON, **GZIP}).status_code == 200
    assert jobs(analytics) == ["j-0", "j-1"]


@pytest.mark.parametrize(("parts", "status"), [(MOST_MEMBERS - 2, 200), (MOST_MEMBERS, 400), (700_000, 400)])
def test_a_packed_body_of_very_many_parts_is_not_unpacked(client: TestClient, parts: int, status: int) -> None:
    packed = gzip.compress(in_json([event(0)])) + gzip.compress(b"") * parts  # it would take minutes

    assert client.post("/v1/events", content=packed, headers={**JSON, **GZIP}).status_code == status


def test_more_records_than_are_taken_are_refused_as_a_whole(analytics: AnalyticsService) -> None:
    client = TestClient(analytics_app(analytics, limits=Limits(records=3)))
    four, three = trace(*map(span, range(4))), trace(*map(span, range(3)))
    lines = b"\n".join(in_json(event(number)) for number in range(4))

    assert client.post("/v1/traces", content=in_json(four), headers=JSON).status_code == 413
    assert client.post("/v1/traces", content=in_protobuf(four), headers=PROTOBUF).status_code == 413
    assert client.post("/v1/events", content=lines, headers=LINES).status_code == 413
    assert (calls(analytics), jobs(analytics)) == (0, [])
    assert client.post("/v1/traces", content=in_protobuf(three), headers=PROTOBUF).status_code == 200
    assert calls(analytics) == 3


def test_lines_beyond_what_is_taken_are_not_read(client: TestClient) -> None:
    lines = gzip.compress(b"{}\n" * 1_000_000)  # a few kilobytes; as messages, hundreds of megabytes

    tracemalloc.start()
    answer = client.post("/v1/events", content=lines, headers={**LINES, **GZIP})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert answer.status_code == 413
    assert peak < 80 * 2**20


@pytest.mark.parametrize("name", ["body", "records", "seconds", "requests", "held", "workers"])
def test_a_limit_is_above_nothing(name: str) -> None:
    with pytest.raises(BadArgument):
        Limits(**{name: 0})


def _asked(app: Any, parts: list[dict[str, Any]], path: str = "/v1/events") -> list[dict[str, Any]]:
    """Ask an app with these messages of a client, and wait after the last as long as the app does."""
    answered: list[dict[str, Any]] = []

    async def receive() -> Any:
        if not parts:
            await asyncio.Event().wait()
        return parts.pop(0)

    async def send(message: Any) -> None:
        answered.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b"", "root_path": ""}
    asyncio.run(app(scope, receive, send))
    return answered


def test_a_body_that_does_not_come_is_waited_for_no_longer_than_its_time(analytics: AnalyticsService) -> None:
    app = analytics_app(analytics, limits=Limits(seconds=0.01))

    start, _ = _asked(app, [{"type": "http.request", "body": b"[", "more_body": True}])

    assert (start["status"], dict(start["headers"])[b"connection"]) == (408, b"close")


def test_who_goes_away_leaves_nothing_behind(analytics: AnalyticsService, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "analytics_es.web")
    app = analytics_app(analytics, limits=Limits(requests=1))
    part = {"type": "http.request", "body": in_json([event(0)]), "more_body": True}

    answered = [_asked(app, [dict(part), {"type": "http.disconnect"}]) for _ in range(3)]

    assert (answered, jobs(analytics)) == ([[], [], []], [])
    assert [record.getMessage().split(" ")[2] for record in caplog.records] == ["499"] * 3
    assert TestClient(app).post("/v1/events", content=in_json(event(1)), headers=JSON).status_code == 200


def test_more_requests_than_are_taken_at_a_time_are_to_come_again(
    analytics: AnalyticsService, served: Callable[[Any], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = served(analytics_app(analytics, limits=Limits(requests=2, workers=2)))
    held, going_on = _held(monkeypatch)
    with ThreadPoolExecutor(2) as threads:
        under_way = [threads.submit(_post, url, [event(number)]) for number in range(2)]
        eventually(lambda: len(held) == 2)  # both are at work at a time

        busy = _post(url, [event(2)])
        going_on.set()
        done = [one.result(PATIENCE) for one in under_way]

    assert (busy.status_code, busy.headers["retry-after"]) == (503, "1")
    assert [answer.status_code for answer in done] == [200, 200]
    assert sorted(jobs(analytics)) == ["j-0", "j-1"]
    assert _post(url, [event(2)]).json()["recorded"] == 1


def _held(monkeypatch: pytest.MonkeyPatch) -> tuple[list[int], threading.Event]:
    """Hold what is being recorded until it may go on."""
    held, going_on, append = list[int](), threading.Event(), Recorder.append

    def waiting(recorder: Recorder, entries: Any, *more: Any) -> Any:
        held.append(len(entries))
        assert going_on.wait(PATIENCE)
        return append(recorder, entries, *more)

    monkeypatch.setattr(Recorder, "append", waiting)
    return held, going_on


def _post(url: str, events: Any) -> httpx.Response:
    return httpx.post(f"{url}/v1/events", content=in_json(events), headers=JSON, timeout=PATIENCE)


def test_bodies_of_all_requests_together_have_a_limit(analytics: AnalyticsService) -> None:
    app = analytics_app(analytics, limits=Limits(held=1000))
    client, large = TestClient(app), in_json([event(number) for number in range(20)])

    assert client.post("/v1/events", content=large, headers=JSON).status_code == 503
    assert client.post("/v1/events", content=in_json(event(0)), headers=JSON).status_code == 200


@pytest.mark.parametrize("error", [StoreBusy(seconds=30), StoreFailed(problem="the disk is full")])
@pytest.mark.parametrize("path", ["/v1/traces", "/v1/events"])
def test_a_store_that_cannot_take_it_is_told_and_asked_again(
    client: TestClient,
    analytics: AnalyticsService,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    path: str,
) -> None:
    body = in_json(trace(span(1)) if path == "/v1/traces" else event(0))
    caplog.set_level(logging.INFO, "analytics_es")
    with monkeypatch.context() as failing:
        failing.setattr(Recorder, "append", _raising(error))
        answers = [client.post(path, content=body, headers=JSON) for _ in range(2)]
    again = client.post(path, content=body, headers=JSON)

    assert [(answer.status_code, answer.headers["retry-after"]) for answer in answers] == [(503, "5")] * 2
    assert (again.status_code, calls(analytics) + len(jobs(analytics))) == (200, 1)
    assert "over HTTP: " in caplog.text
    assert "Traceback" not in caplog.text


def test_a_fault_of_ours_is_told_without_a_traceback(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Recorder, "append", _raising(RuntimeError("of ours")))
    caplog.set_level(logging.INFO, "analytics_es")

    answers = [client.post(path, content=in_json(event(0)), headers=JSON) for path in ("/v1/events",)]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(500, "server_fault")]
    assert "A request failed here: RuntimeError" in caplog.text
    assert "Traceback" not in caplog.text


def _raising(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


def test_a_service_that_is_closed_takes_nothing(analytics: AnalyticsService) -> None:
    client = TestClient(analytics_app(analytics))
    analytics.close()

    answers = [
        client.post("/v1/traces", content=in_json(trace(span(1))), headers=JSON),
        client.post("/v1/events", content=in_json(event(0)), headers=JSON),
    ]

    assert [answer.status_code for answer in answers] == [503, 503]


def test_names_that_are_counted_are_so_many_and_so_long() -> None:
    counts = Counts()

    counts.ignore("scopes", {f"scope {number} {'x' * 500}": 1 for number in range(MOST_NAMES + 50)})

    ignored = counts.document()["ignored"]["scopes"]
    assert (len(ignored), ignored[OTHERS], max(map(len, ignored))) == (MOST_NAMES + 1, 50, 128)


@pytest.mark.parametrize("failing", [None, 0, 1, 2])
def test_a_commit_that_fails_loses_nothing_of_spans_that_lie_in_one_another(
    client: TestClient, analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch, failing: int | None
) -> None:
    outer = {**span(0, **{"gen_ai.usage.input_tokens": 100}), "traceId": f"{1:032x}"}
    first, second = ({**span(at), "traceId": outer["traceId"], "parentSpanId": outer["spanId"]} for at in (1, 2))
    first["attributes"] = span(1, **{"gen_ai.usage.input_tokens": 100})["attributes"]
    second["attributes"] = span(2, **{"gen_ai.usage.input_tokens": 50})["attributes"]

    for at, told in enumerate((first, outer, second)):
        if at == failing:
            with monkeypatch.context() as broken:
                broken.setattr(Recorder, "append", _raising(StoreBusy(seconds=30)))
                assert client.post("/v1/traces", content=in_json(trace(told)), headers=JSON).status_code == 503
        assert client.post("/v1/traces", content=in_json(trace(told)), headers=JSON).status_code == 200

    told_tokens = [event.data.get("input_tokens", 0) for event in recorded(analytics, CALL)]
    assert sum(told_tokens) == 250  # the two inner are more than the outer: all three count


def test_what_is_sent_in_one_request_is_recorded_in_one_commit(
    client: TestClient, analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is killed between two would know half of what lies in one another."""
    commits, append = list[int](), Recorder.append

    def counting(recorder: Recorder, entries: Any, *more: Any) -> Any:
        commits.append(len(entries))
        return append(recorder, entries, *more)

    monkeypatch.setattr(Recorder, "append", counting)
    client.post("/v1/traces", content=in_protobuf(trace(*map(span, range(2500)))), headers=PROTOBUF)

    assert (commits, calls(analytics)) == ([2500], 2500)


def test_a_server_that_cannot_look_at_what_it_knew_before_takes_nothing_until_it_can(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    outer, inner = span(10, **{"gen_ai.usage.input_tokens": 100}), span(11, **{"gen_ai.usage.input_tokens": 60})
    inner |= {"traceId": outer["traceId"], "parentSpanId": f"{0xABC:016x}"}
    outer["spanId"] = inner["parentSpanId"]
    TestClient(analytics_app(analytics)).post("/v1/traces", content=in_json(trace(inner)), headers=JSON)
    client = TestClient(analytics_app(analytics))  # another process

    with monkeypatch.context() as failing:
        failing.setattr(type(analytics.store.log), "scan", _raising(StoreFailed(problem="it is away")))
        answer = client.post("/v1/traces", content=in_json(trace(outer)), headers=JSON)
    again = client.post("/v1/traces", content=in_json(trace(outer)), headers=JSON)

    assert (answer.status_code, answer.headers["retry-after"], again.status_code) == (503, "5", 200)
    assert sum(event.data.get("input_tokens", 0) for event in recorded(analytics, CALL)) == 100
