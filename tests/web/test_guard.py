"""Who may send and look: the token, the host, the page; and what an app without a token is not open to."""

from __future__ import annotations

import base64
import hmac
from typing import Any

import pytest
from starlette.testclient import TestClient

from analytics_es import AnalyticsService
from analytics_es.errors import BadHosts, BadToken
from analytics_es.presentation.html import static
from analytics_es.presentation.pages import KINDS
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


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:4318", "127.0.0.1.evil.example", "[::1]evil", "", "10.0.0.7"]
)
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


# ── browsers ────────────────────────────────────────────────────────────────────────────────────────────────────


def basic(password: str, name: str = "me", scheme: str = "Basic") -> dict[str, str]:
    return {"authorization": f"{scheme} {base64.b64encode(f'{name}:{password}'.encode()).decode()}"}


def looked(app: Any, path: str = "/cost", method: str = "GET", **headers: str) -> Any:
    named = {name.replace("_", "-"): text for name, text in {"accept": "text/html", **headers}.items()}
    return TestClient(app, follow_redirects=False).request(method, path, headers=named)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (basic(TOKEN), 200),
        (basic(TOKEN, name=""), 200),
        (basic(TOKEN, name="Zoë"), 200),
        (basic(TOKEN, scheme="basic"), 200),
        ({"authorization": f"Bearer {TOKEN}"}, 200),
        ({}, 401),
        (basic(f"{TOKEN}x"), 401),
        (basic(f"x:{TOKEN}"), 401),
        (basic("", name=TOKEN), 401),
        (basic(TOKEN, scheme="Digest"), 401),
        ({"authorization": f"Basic {TOKEN}"}, 401),
        ({"authorization": "Basic ////"}, 401),
        ({"authorization": "Basic ?"}, 401),
        ({"authorization": f"Basic {base64.b64encode(TOKEN.encode()).decode()}"}, 401),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_browser_says_the_token_as_a_password_with_any_name(
    analytics: AnalyticsService, headers: dict[str, str], status: int, method: str
) -> None:
    answer = looked(analytics_app(analytics, token=TOKEN), method=method, **headers)

    assert answer.status_code == status
    assert TOKEN not in answer.text
    if status == 401:
        assert answer.headers["www-authenticate"] == 'Basic realm="analytics", charset="UTF-8"'
        assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_others_than_browsers_are_offered_the_bearer_alone(analytics: AnalyticsService) -> None:
    app = analytics_app(analytics, token=TOKEN)
    answers = [looked(app, "/cost", accept="*/*"), looked(app, "/cost.json"), looked(app, "/v1/traces", "POST")]

    assert [answer.headers["www-authenticate"].partition(" ")[0] for answer in answers] == ["Bearer", "Basic", "Bearer"]
    assert answers[0].json()["code"] == "wrong_token"


def test_a_password_lets_nobody_send(analytics: AnalyticsService) -> None:
    """A browser adds it to whatever a page of another site makes it send."""
    assert sent(analytics_app(analytics, token=TOKEN), **basic(TOKEN)).status_code == 401
    assert jobs(analytics) == []


@pytest.mark.parametrize("path", [*(f"/{kind.name}" for kind in KINDS), "/cost.json", "/", "/nothing"])
def test_no_page_and_no_file_is_there_without_the_token(analytics: AnalyticsService, path: str) -> None:
    app = analytics_app(analytics, token=TOKEN)

    assert looked(app, path).status_code == 401
    assert looked(app, static.address("page.css"), accept="text/css").status_code == 401
    assert looked(app, static.address("page.css"), **basic(TOKEN)).status_code == 200


def test_a_password_is_compared_in_constant_time(analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch) -> None:
    compared, compare_digest = list[Any](), hmac.compare_digest
    app = analytics_app(analytics, token=TOKEN)
    monkeypatch.setattr(guards.hmac, "compare_digest", lambda *both: compared.append(both) or compare_digest(*both))
    looked(app, **basic("wrong"))
    looked(app, **basic(TOKEN))

    assert compared == [(b"wrong", TOKEN.encode()), (TOKEN.encode(), TOKEN.encode())]


@pytest.mark.parametrize("path", ["/", "/cost", "/cost.json", "/static/x", "/nothing"])
def test_a_name_that_a_page_leads_here_under_reads_nothing(analytics: AnalyticsService, path: str) -> None:
    answer = looked(analytics_app(analytics), path, host="rebound.example:4318", sec_fetch_site="same-origin")

    assert answer.status_code == 421
    assert "analytics" not in answer.headers.get("location", "")


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "script"},
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "image"},
        {"sec_fetch_site": "same-site", "sec_fetch_mode": "cors", "sec_fetch_dest": "empty"},
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"},
        {"sec_fetch_site": "same-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "object"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
    ],
)
@pytest.mark.parametrize("path", ["/cost", "/cost.json", "/static/x"])
def test_another_site_neither_reads_nor_frames_a_page(
    analytics: AnalyticsService, path: str, headers: dict[str, str]
) -> None:
    answer = looked(analytics_app(analytics), path, **headers)

    assert answer.status_code == 403
    assert [name for name in answer.headers if name.startswith("access-control")] == []


@pytest.mark.parametrize("site", ["cross-site", "same-site", "same-origin", "none"])
def test_another_site_may_be_left_for_a_page(analytics: AnalyticsService, site: str) -> None:
    headers = {"sec_fetch_site": site, "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}

    assert looked(analytics_app(analytics), **headers).status_code == 200
