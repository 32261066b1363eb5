"""Around pages: where they lead, what they hold, and what they take from elsewhere."""

from __future__ import annotations

import gzip
import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from analytics_es.web import analytics_app
from tests.stores import opened
from tests.web.asking import BROWSER, KIND_NAMES, asked, linked, words_of

PAGES = pytest.mark.parametrize("kind", KIND_NAMES)


# ── around pages ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_browser_is_led_to_the_first_page_and_others_to_what_came_in(pages: TestClient) -> None:
    browser, other = pages.get("/", headers=BROWSER), pages.get("/")

    assert (browser.status_code, browser.headers["location"]) == (303, f"/{KIND_NAMES[0]}")
    assert (other.status_code, "requests" in other.json()) == (200, True)
    assert [answer.headers["vary"] for answer in (browser, other)] == ["Accept", "Accept"]


def test_a_path_that_is_none_is_a_page_for_a_browser(pages: TestClient) -> None:
    browser, other = pages.get("/nothing", headers=BROWSER), pages.get("/nothing")

    assert (browser.status_code, other.status_code) == (404, 404)
    assert "There is no such page." in browser.text
    assert other.json()["code"] == "no_such_path"
    assert pages.get("/cost.xml", headers=BROWSER).status_code == 404


class _Recording:
    """What only records, as a service of others may."""

    store = None

    def record_events(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError


def test_who_only_records_has_no_pages() -> None:
    client = TestClient(analytics_app(_Recording()), follow_redirects=False)

    assert [client.get(path, headers=BROWSER).status_code for path in ("/cost", "/static/x", "/")] == [404, 404, 200]


@pytest.mark.parametrize("place", ["/", "/cost", "/cost.json", "/cost.csv", "/cost?last=x", "/nothing"])
@pytest.mark.parametrize("headers", [{}, BROWSER], ids=["others", "browser"])
def test_every_answer_is_private_and_of_this_site_alone(pages: TestClient, place: str, headers: dict[str, str]) -> None:
    answer = pages.get(place, headers=headers)
    policy = answer.headers["content-security-policy"]

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert ("default-src 'none'" in policy, "frame-ancestors 'none'" in policy) == (True, True)
    assert "unsafe" not in policy


@PAGES
def test_a_page_holds_nothing_that_its_policy_would_not_let_through(pages: TestClient, kind: str) -> None:
    html = asked(pages, kind).text
    scripts = re.findall(r"<script([^>]*)>", html)

    assert [
        attributes for attributes in scripts if "src=" not in attributes and "application/json" not in attributes
    ] == []
    assert re.findall(r"\s(style|on\w+)=", re.sub(r"<script type.*?</script>", "", html, flags=re.DOTALL)) == []
    assert "<style" not in html
    assert [link for link in linked(html) if not link.startswith(("/", "#", "data:"))] == []


@PAGES
def test_what_is_worth_it_is_packed_for_who_takes_that(pages: TestClient, kind: str) -> None:
    page = f"/{kind}"
    plain = pages.get(page, params=words_of(kind), headers={"accept-encoding": "identity"})
    never = pages.get(page, params=words_of(kind), headers={"accept-encoding": "gzip;q=0, br"})
    packed = pages.get(page, params=words_of(kind), headers={"accept-encoding": "br, gzip"})

    assert (packed.headers["content-encoding"], packed.text) == ("gzip", plain.text)
    assert [answer.headers.get("content-encoding") for answer in (plain, never)] == [None, None]
    assert int(packed.headers["content-length"]) == len(gzip.compress(plain.content, 5, mtime=0))
    assert plain.headers["vary"] == "Accept-Encoding"


# ── static files ────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_page_takes_from_elsewhere_is_there_and_kept_for_good(pages: TestClient) -> None:
    taken = [link for kind in KIND_NAMES for link in linked(asked(pages, kind).text) if link.startswith("/static/")]
    answers = {link: pages.get(link) for link in taken}

    assert [link for link in taken if link.endswith(".css")] != []
    assert {answer.status_code for answer in answers.values()} == {200}
    assert {answer.headers["cache-control"] for answer in answers.values()} == {"private, max-age=31536000, immutable"}
    for link, answer in answers.items():
        again = pages.get(link, headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "name", ["page.css", "page-000000000000.css", "..%2F..%2Fparts.py", "%2e%2e/x", "", "plotly.js"]
)
def test_nothing_else_is_served(pages: TestClient, name: str) -> None:
    assert pages.get(f"/static/{name}").status_code == 404


def test_the_library_of_charts_is_packed_once(pages: TestClient) -> None:
    from analytics_es.presentation.html import static

    answer = pages.get(static.address("plotly.js"), headers={"accept-encoding": "gzip"})

    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < 1_600_000 < len(answer.content)


def test_a_form_that_was_filled_in_part_leads_to_the_address_of_what_it_asks(pages: TestClient) -> None:
    answer = pages.get("/cost?period=&last=7d&from=&this-month=&where=user%3Da%26b&by=", headers=BROWSER)

    assert (answer.status_code, answer.headers["location"]) == (303, "/cost?last=7d&this-month=&where=user%3Da%26b")


def test_programs_are_not_led_elsewhere(pages: TestClient) -> None:
    assert pages.get("/cost.json?from=&last=7d").status_code == 200


@pytest.mark.parametrize(("mounted", "host"), [("", "localhost:4422"), ("/analytics", "127.0.0.1:8000")])
def test_who_has_no_events_is_told_to_send_them_to_this_very_server(mounted: str, host: str) -> None:
    with opened(":memory:") as empty, TestClient(analytics_app(empty), root_path=mounted) as client:
        page = client.get("/overview", headers={**BROWSER, "Host": host}).text

    assert f"OTEL_EXPORTER_OTLP_ENDPOINT=http://{host}{mounted}\n" in page


@pytest.mark.parametrize("address", ["/cost", "/usage", "/performance", "/summary?metric=cost.calls"])
def test_where_nothing_is_recorded_no_page_sends_for_a_longer_period(address: str) -> None:
    with opened(":memory:") as empty, TestClient(analytics_app(empty)) as client:
        page = client.get(address, headers=BROWSER).text

    assert ("Nothing is recorded yet." in page, "how to begin" in page, "try a longer" in page) == (True, True, False)
