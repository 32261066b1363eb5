"""Who may send: the token, the host, the page; and what an app without a token is not open to."""

from __future__ import annotations

import hmac
from typing import Any

import pytest
from starlette.testclient import TestClient

from analytics_es import AnalyticsService
from analytics_es.errors import BadHosts, BadToken
from analytics_es.web import analytics_app
from analytics_es.web import guard as guards
from tests.web.requests import JSON, event, in_json, jobs

TOKEN = "s3cret-token"  # made up
BODY = in_json(event(0))


def sent(app: Any, path: str = "/v1/events", **headers: str) -> Any:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return TestClient(app).post(path, content=BODY, headers={**JSON, **named})


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": TOKEN}, 401),
        ({"authorization": f"Basic {TOKEN}"}, 401),
        ({"authorization": f"Bearer {TOKEN}x"}, 401),
        ({"authorization": "Bearer "}, 401),
        ({"authorization": f"Bearer {TOKEN}"}, 200),
        ({"authorization": f"bearer  {TOKEN}"}, 200),
        ({"authorization": f"Bearer%20{TOKEN}"}, 200),  # of an exporter that takes its variable as it is
    ],
)
def test_a_token_is_asked_for(analytics: AnalyticsService, headers: dict[str, str], status: int) -> None:
    answer = sent(analytics_app(analytics, token=TOKEN), **headers)

    assert answer.status_code == status
    assert len(jobs(analytics)) == (status == 200)
    assert TOKEN not in answer.text
    if status == 401:
        assert (answer.headers["www-authenticate"], answer.json()["code"]) == ("Bearer", "wrong_token")


@pytest.mark.parametrize("path", ["/", "/v1/traces", "/nothing"])
def test_no_path_is_open_without_the_token(analytics: AnalyticsService, path: str) -> None:
    client = TestClient(analytics_app(analytics, token=TOKEN))

    assert [client.get(path).status_code, client.post(path).status_code] == [401, 401]


def test_a_token_is_compared_in_constant_time(analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch) -> None:
    compared, compare_digest = list[Any](), hmac.compare_digest

    def compare(sent: bytes, token: bytes) -> bool:
        compared.append((sent, token))
        return compare_digest(sent, token)

    monkeypatch.setattr(guards.hmac, "compare_digest", compare)
    app = analytics_app(analytics, token=TOKEN)
    sent(app, authorization="Bearer wrong")
    sent(app)

    assert compared == [(b"wrong", TOKEN.encode()), (b"", TOKEN.encode())]


@pytest.mark.parametrize("token", ["", "with space", "ümlaut", "new\nline", "x" * 5000, 7])
def test_a_token_that_cannot_be_sent_is_refused_at_once(analytics: AnalyticsService, token: Any) -> None:
    with pytest.raises(BadToken) as raised:
        analytics_app(analytics, token=token)

    assert not token or str(token) not in str(raised.value)


@pytest.mark.parametrize("host", ["localhost", "localhost:4318", "127.0.0.1:80", "[::1]:4318", "LOCALHOST"])
def test_without_a_token_this_machine_is_asked_under_its_own_names(analytics: AnalyticsService, host: str) -> None:
    assert sent(analytics_app(analytics), host=host).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:4318", "127.0.0.1.evil.example", "", "10.0.0.7"])
def test_a_name_that_a_page_leads_here_under_is_refused(analytics: AnalyticsService, host: str) -> None:
    answer = sent(analytics_app(analytics), host=host)

    assert (answer.status_code, answer.json()["code"], jobs(analytics)) == (421, "foreign_host", [])


def test_hosts_are_those_that_are_named(analytics: AnalyticsService) -> None:
    app = analytics_app(analytics, hosts=["Analytics.example.com"])

    assert sent(app, host="analytics.example.com:8443").status_code == 200
    assert sent(app, host="localhost").status_code == 200
    assert sent(app, host="other.example.com").status_code == 421


def test_with_a_token_any_host_may_be_asked_for_unless_some_are_named(analytics: AnalyticsService) -> None:
    header = f"Bearer {TOKEN}"

    assert sent(analytics_app(analytics, token=TOKEN), host="any.example", authorization=header).status_code == 200
    named = analytics_app(analytics, token=TOKEN, hosts="one.example")
    assert sent(named, host="any.example", authorization=header).status_code == 421


@pytest.mark.parametrize("name", ["", "http://a.example", "a.example:80", 7])
def test_a_host_is_a_name(analytics: AnalyticsService, name: Any) -> None:
    with pytest.raises(BadHosts):
        analytics_app(analytics, hosts=[name])


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://testserver:3000"},
        {"origin": "file://"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site", "sec_fetch_mode": "navigate"},
    ],
)
def test_a_page_of_another_site_sends_nothing(analytics: AnalyticsService, headers: dict[str, str]) -> None:
    answer = sent(analytics_app(analytics), **headers)

    assert (answer.status_code, jobs(analytics)) == (403, [])
    assert "access-control-allow-origin" not in answer.headers


def test_a_browser_that_asks_whether_it_may_is_told_nothing(analytics: AnalyticsService) -> None:
    asked = {"origin": "http://evil.example", "access-control-request-method": "POST"}
    answer = TestClient(analytics_app(analytics)).options("/v1/events", headers=asked)

    assert answer.status_code == 403
    assert [name for name in answer.headers if name.startswith("access-control")] == []


def test_a_page_of_its_own_may_send(analytics: AnalyticsService) -> None:
    assert sent(analytics_app(analytics), origin="http://testserver").status_code == 200
