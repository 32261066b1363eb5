"""Pages by a real server: beside who sends, many at once, mounted below another app, asked by who goes away."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.events.codec import to_json
from analytics_es.presentation.pages import KINDS
from analytics_es.web import Limits, analytics_app
from tests.cli.conftest import fixed_events
from tests.stores import PATIENCE, eventually
from tests.web.asking import BROWSER, KIND_NAMES, WEEK, linked, words_of
from tests.web.requests import JSON, event, in_json, jobs

Serve = Callable[[Any], str]


@contextmanager
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Semaphore]:
    """Let no question about costs be answered before the end; what is given counts those that have begun."""
    begun, ending, ask = threading.Semaphore(0), threading.Event(), AnalyticsService.get_cost_breakdown

    def wait(*arguments: Any, **options: Any) -> Any:
        begun.release()
        ending.wait(PATIENCE)
        return ask(*arguments, **options)

    monkeypatch.setattr(AnalyticsService, "get_cost_breakdown", wait)
    try:
        yield begun
    finally:
        ending.set()


def post(url: str, number: int) -> int:
    answer = httpx.post(f"{url}/v1/events", content=in_json(event(number)), headers=JSON, timeout=PATIENCE)
    return answer.status_code


def test_pages_that_take_long_keep_nobody_from_sending(
    analytics: AnalyticsService, served: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = served(analytics_app(analytics))
    with ThreadPoolExecutor(6) as threads, held(monkeypatch) as begun:
        pages = [threads.submit(httpx.get, f"{url}/cost.json", timeout=PATIENCE) for _ in range(4)]
        assert begun.acquire(timeout=PATIENCE)

        assert [post(url, number) for number in range(8)] == [200] * 8

    assert [page.result(PATIENCE).status_code for page in pages] == [200] * 4
    assert len(jobs(analytics)) == 8


def test_who_sends_much_keeps_nobody_from_looking(
    analytics: AnalyticsService, served: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    going = threading.Event()
    url = served(analytics_app(analytics))
    monkeypatch.setattr("analytics_es.web.receiver.Receiver.messages", lambda *_: going.wait(PATIENCE) and [])
    with ThreadPoolExecutor(8) as threads:
        sending = [threads.submit(post, url, number) for number in range(8)]
        try:
            assert httpx.get(f"{url}/cost", timeout=PATIENCE).status_code == 200
        finally:
            going.set()
    assert {request.result(PATIENCE) for request in sending} <= {200, 204}


def test_one_more_than_may_wait_is_told_to_come_again(
    analytics: AnalyticsService, served: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = served(analytics_app(analytics, limits=Limits(pages=1, waiting=1)))
    with ThreadPoolExecutor(1) as threads, held(monkeypatch) as begun:
        first = threads.submit(httpx.get, f"{url}/cost.json", timeout=PATIENCE)
        assert begun.acquire(timeout=PATIENCE)
        problem, page = httpx.get(f"{url}/cost.json"), httpx.get(f"{url}/cost", headers=BROWSER)

    assert (problem.status_code, problem.json()["code"], problem.headers["retry-after"]) == (503, "server_busy", "1")
    assert (page.status_code, "There is no answer now" in page.text) == (503, True)
    assert first.result(PATIENCE).status_code == 200
    assert httpx.get(f"{url}/cost.json").status_code == 200


def test_what_nobody_waits_for_any_more_is_not_asked(
    analytics: AnalyticsService, served: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = analytics_app(analytics, limits=Limits(pages=1))
    url = urlsplit(served(app))
    with ThreadPoolExecutor(1) as threads, held(monkeypatch) as begun:
        first = threads.submit(httpx.get, f"{url.geturl()}/cost.json", timeout=PATIENCE)
        assert begun.acquire(timeout=PATIENCE)
        for _ in range(5):
            with socket.create_connection((url.hostname, url.port)) as impatient:
                impatient.sendall(b"GET /cost.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
        eventually(lambda: app.state.counts.requests["499"] == 5)

    assert first.result(PATIENCE).status_code == 200
    assert not begun.acquire(timeout=0.2)  # nothing but the first was ever asked


def test_while_events_come_in_each_answer_is_of_one_moment(analytics: AnalyticsService, served: Serve) -> None:
    url, stopping = served(analytics_app(analytics)), threading.Event()

    def send() -> int:
        number = 0
        while not stopping.is_set():
            assert post(url, number) == 200
            number += 1
        return number

    with ThreadPoolExecutor(1) as threads:
        sending = threads.submit(send)
        try:
            statuses = {
                httpx.get(f"{url}/{kind}{form}", params=words_of(kind), timeout=PATIENCE).status_code
                for _ in range(3)
                for kind in KIND_NAMES
                for form in ("", ".json")
            }
        finally:
            stopping.set()
    analytics.catch_up()

    assert statuses == {200}
    assert len(jobs(analytics)) == sending.result(PATIENCE) > 0


# ── mounted ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _in_fastapi(app: Any, root: str) -> Any:
    whole = FastAPI()
    whole.mount(root, app)
    return whole


def _in_starlette(app: Any, root: str) -> Any:
    return Starlette(routes=[Mount(root, app)])


def _by_a_proxy(app: Any, root: str) -> Any:
    """Return what a server does that is told its root path, as `uvicorn --root-path` is."""

    async def rooted(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "root_path": root}, receive, send)

    return rooted


def test_a_place_that_who_asks_may_choose_leads_to_no_other_site(analytics: AnalyticsService) -> None:
    app = Starlette(routes=[Mount("/{place:path}", analytics_app(analytics))])
    client = TestClient(app, follow_redirects=False)
    led = client.get("http://testserver//evil.example/", headers=BROWSER).headers["location"]
    failure = client.get("http://testserver//evil.example/cost?last=x", headers=BROWSER).text

    assert led == "/evil.example/overview"
    assert [link for link in linked(failure) if link.startswith("//")] == []


@pytest.mark.parametrize("mounted", [_in_fastapi, _in_starlette, _by_a_proxy])
@pytest.mark.parametrize("root", ["/analytics", "/a/b", "/mit leer & mehr"])
def test_all_links_lead_somewhere_wherever_it_is_mounted(analytics: AnalyticsService, mounted: Any, root: str) -> None:
    client = TestClient(mounted(analytics_app(analytics), root), follow_redirects=False)
    first = client.get(f"{root}/", headers=BROWSER).headers["location"]
    below, seen = first.removesuffix(KIND_NAMES[0]), {path_of(first): first}
    wrong = [f"{below}{path}" for path in ("nothing", "cost?last=x", "event?position=999")]
    following = [first, *wrong]
    while following:
        address = following.pop()
        answer = client.get(address, headers=BROWSER)
        # 400: such as one that wants to know of which event
        assert answer.status_code in ((400, 404) if address in wrong else (200, 400))
        html = answer.text if answer.headers["content-type"].startswith("text/html") else ""
        found = [link.partition("#")[0] for link in linked(html) if link.startswith("/")]
        assert [link for link in found if not link.startswith(below)] == []
        new = {path_of(link): link for link in found if path_of(link) not in seen}
        seen |= new
        following += new.values()

    assert {f"{below}{kind.name}" for kind in KINDS if kind.title} <= set(seen)


def path_of(address: str) -> str:
    return address.partition("?")[0]


@pytest.mark.store(events=fixed_events())
def test_what_is_sent_over_a_socket_is_what_python_answers(analytics: AnalyticsService, served: Serve) -> None:
    period = TimePeriod(datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 3, 8, tzinfo=UTC))
    answer = analytics.get_cost_breakdown(period, by=("model",)).unwrap()

    assert httpx.get(f"{served(analytics_app(analytics))}/cost.json", params=WEEK).text == to_json(answer) + "\n"
