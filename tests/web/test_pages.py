"""Pages: each in every form, with the numbers of Python and of the command; what cannot be asked is told, calmly."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.events.codec import to_json
from analytics_es.ingest.vault import KEY_VARIABLE
from analytics_es.presentation.pages import KINDS
from analytics_es.presentation.sheets import Sheets
from analytics_es.queries.growing import Built, Growing
from analytics_es.service import AsOf
from analytics_es.types.tables.arrow import to_arrow
from analytics_es.web import analytics_app
from analytics_es.web.forms import FORMS
from tests.cli.conftest import ADA, BOB
from tests.stores import opened
from tests.web.asking import BROWSER, COMMANDS, KIND_NAMES, NAMES, WEEK, asked, filled, linked, printed, words_of

PERIOD = TimePeriod(datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 3, 8, tzinfo=UTC))
PAGES = pytest.mark.parametrize("kind", KIND_NAMES)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled(tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="module")
def service(path: Path) -> Iterator[AnalyticsService]:
    with opened(path) as service:
        yield service


@pytest.fixture(scope="module")
def pages(service: AnalyticsService) -> Iterator[TestClient]:
    """Return a client of an app, whose failures are answers and no errors."""
    with TestClient(analytics_app(service), raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


def answers_of(pages: TestClient, kind: str) -> list[str]:
    """Return the names of the answers of a page, as it tells them to who asks for another one."""
    told = asked(pages, kind, ".json", answer="none of them").json()["detail"]
    return re.sub(r".*: |\.$", "", told).split(", ")


# ── the same numbers, in every form ─────────────────────────────────────────────────────────────────────────────


@PAGES
def test_every_page_is_html_with_its_title(pages: TestClient, kind: str) -> None:
    answer = asked(pages, kind)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!doctype html>")
    assert len(re.findall("<h1>", answer.text)) == 1


@pytest.mark.parametrize("kind", [kind for kind in KIND_NAMES if kind in COMMANDS])
@pytest.mark.parametrize("words", [{}, {"tz": "Asia/Kolkata"}, {"as_of": "9"}, {"granularity": "week"}], ids=str)
def test_json_is_what_the_command_prints(pages: TestClient, path: Path, kind: str, words: dict[str, str]) -> None:
    options = [f"--{word.replace('_', '-')}={text}" for word, text in {**WEEK, **words}.items()]
    if kind == "budgets":
        options = [option for option in options if option.startswith(("--tz", "--as-of"))]

    shown = printed(*COMMANDS[kind], *options, "--db", path, "--json")

    assert asked(pages, kind, ".json", **words).text == shown


def test_json_is_what_python_answers(pages: TestClient, service: AnalyticsService) -> None:
    answer = service.get_cost_breakdown(PERIOD, by=("user",), where={"currency": "USD"}).unwrap()

    assert asked(pages, "cost", ".json", by="user", where="currency=USD").text == to_json(answer) + "\n"


@PAGES
def test_every_table_of_every_answer_is_csv_and_arrow(pages: TestClient, kind: str) -> None:
    for name in answers_of(pages, kind):
        told = asked(pages, kind, ".csv", answer=name, table="none").json()["detail"]
        for table in re.sub(r".*: |\.$", "", told).split(", "):
            sheet = asked(pages, kind, ".csv", answer=name, table=table)
            arrow = asked(pages, kind, ".arrow", answer=name, table=table)
            rows = list(csv.reader(io.StringIO(sheet.text)))
            columns = pa.ipc.open_stream(arrow.content).read_all()

            assert (sheet.status_code, arrow.status_code) == (200, 200)
            assert (rows[0], len(rows) - 1) == (columns.column_names, columns.num_rows)
            assert sheet.headers["content-type"] == "text/csv; charset=utf-8"
            assert arrow.headers["content-type"] == "application/vnd.apache.arrow.stream"


def test_csv_is_what_the_command_prints(pages: TestClient, path: Path) -> None:
    week = [f"--{word}={text}" for word, text in WEEK.items()]
    for table in ("rows", "series"):
        shown = printed("cost", *week, "--db", path, "--format", "csv", "--table", table)

        assert asked(pages, "cost", ".csv", table=table).text == shown


def test_arrow_is_what_python_gives(pages: TestClient, service: AnalyticsService) -> None:
    answer = service.get_cost_breakdown(PERIOD, by=("model",)).unwrap()
    table = pa.ipc.open_stream(asked(pages, "cost", ".arrow").content).read_all()

    assert table == to_arrow(Sheets.of(answer).chosen(None))


def test_a_file_is_named_for_what_is_in_it(pages: TestClient) -> None:
    named = [
        asked(pages, "cost", form, **words).headers["content-disposition"]
        for form, words in ((".csv", {}), (".arrow", {"table": "series"}))
    ]

    assert named == [
        'inline; filename="cost_2024-03-01_2024-03-08.csv"',
        'inline; filename="cost_series_2024-03-01_2024-03-08.arrow"',
    ]


def test_a_page_has_a_series_that_a_screen_has_room_for_and_programs_have_the_whole(
    pages: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    periods, ask = list[TimePeriod](), AnalyticsService.get_cost_breakdown

    def note(self: AnalyticsService, period: TimePeriod, **options: Any) -> Any:
        periods.append(period)
        return ask(self, period, **options)

    monkeypatch.setattr(AnalyticsService, "get_cost_breakdown", note)
    asked_of = [{**WEEK, "from": "2023-12-01", **more} for more in ({}, {"granularity": "day"})]
    for words in asked_of:
        for form in ("", ".json", ".csv"):
            assert pages.get(f"/cost{form}", params=words).status_code == 200

    assert [period.granularity for period in periods] == ["week", "day", "day", "day", "day", "day"]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu"])
def test_once_the_pages_of_a_position_were_looked_at_none_derives_anything_anew(
    pages: TestClient, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    derived: list[Any] = []
    build, begin = Built.read_models, Growing._begun

    def built(self: Built) -> Any:
        derived.extend([] if self._read_models else [self])
        return build(self)

    def begun(self: Growing, *arguments: Any) -> Any:
        derived.append(self)
        return begin(self, *arguments)

    monkeypatch.setattr(Built, "read_models", built)
    monkeypatch.setattr(Growing, "_begun", begun)

    def looked_at() -> int:
        derived.clear()
        assert {asked(pages, kind, as_of="7", tz=zone).status_code for kind in KIND_NAMES} == {200}
        return len(derived)

    assert looked_at() > 0
    assert looked_at() == 0


@PAGES
def test_a_page_asked_as_of_a_position_says_so_and_stays_what_it_was(pages: TestClient, kind: str) -> None:
    before, after = asked(pages, kind, ".json", as_of="8"), asked(pages, kind, ".json", as_of="8")

    assert (before.status_code, before.content) == (200, after.content)
    assert asked(pages, kind, as_of="8").status_code == 200


def test_what_is_derived_of_a_log_as_it_stood_is_derived_once_and_that_of_another_position_anew(
    pages: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, build = list[int](), AsOf._built

    def note(then: AsOf, *arguments: Any) -> Any:
        made.append(then.position)
        return build(then, *arguments)

    monkeypatch.setattr(AsOf, "_built", note)
    texts, positions = list[str](), list[set[int]]()
    for place in ("10", "10", "11", "10"):
        made.clear()
        texts.append(asked(pages, "cost", ".json", as_of=place).text)
        positions.append(set(made))

    assert positions == [{10}, set(), {11}, {10}]
    assert (texts[0], texts[0]) == (texts[1], texts[3])


def test_a_time_of_recording_without_a_zone_is_of_the_zone_that_is_asked_for(pages: TestClient) -> None:
    there = asked(pages, "cost", ".json", as_of="2024-03-04T12:00", tz="Asia/Kolkata")

    assert there.content == asked(pages, "cost", ".json", as_of="2024-03-04T12:00+05:30", tz="Asia/Kolkata").content


@PAGES
def test_head_says_what_get_would_and_sends_nothing(pages: TestClient, kind: str) -> None:
    for form in FORMS:
        head = pages.head(f"/{kind}{form}", params=words_of(kind))
        get = pages.get(f"/{kind}{form}", params=words_of(kind))

        assert (head.status_code, head.headers["content-type"]) == (get.status_code, get.headers["content-type"])


@PAGES
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_no_page_takes_anything(pages: TestClient, kind: str, method: str) -> None:
    for path in (*(f"/{kind}{form}" for form in FORMS), "/static/page.css"):
        answer = pages.request(method, path)

        assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (405, {"GET", "HEAD"})


def test_asking_records_nothing(pages: TestClient, service: AnalyticsService) -> None:
    before = service.store.log.head()
    for kind in KIND_NAMES:
        for form in FORMS:
            asked(pages, kind, form)

    assert service.store.log.head() == before


# ── names ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_pseudonyms_stay_unless_names_are_asked_for(pages: TestClient) -> None:
    without, shown = (asked(pages, "cost", by="user", **words).text for words in ({}, {"names": "1"}))

    assert ADA in without
    assert [name for name in NAMES.values() if name in without and name != "cy"] == []
    assert NAMES["ada"] in shown
    assert "with names from the vault" in shown
    assert "&lt;script&gt;alert" in shown
    assert "<script>alert" not in shown


def test_json_has_names_beside_and_csv_in_their_place(pages: TestClient, path: Path) -> None:
    week = [f"--{word}={text}" for word, text in WEEK.items()]
    command = ("cost", "--by", "user", *week, "--db", path, "--names")

    beside, sheet = (asked(pages, "cost", form, by="user", names="1").text for form in (".json", ".csv"))

    assert json.loads(beside)["names"][BOB] == NAMES["bob"]
    assert beside == printed(*command, "--json")
    assert sheet == printed(*command, "--format", "csv")


def test_links_of_a_page_with_names_keep_pseudonyms(pages: TestClient) -> None:
    links = "".join(linked(asked(pages, "cost", by="user", names="1").text))

    assert ("lovelace" in links, "alert" in links) == (False, False)


@pytest.mark.parametrize("form", FORMS)
def test_without_the_key_of_the_vault_there_are_no_names(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    copy = tmp_path / "keyless.db"
    copy.write_bytes(path.read_bytes())
    copy.with_suffix(".vault.db").write_bytes(path.with_suffix(".vault.db").read_bytes())
    with opened(copy) as keyless:
        keyless.catch_up()
        client = TestClient(analytics_app(keyless))
        asking = {"params": {**WEEK, "by": "user", "names": "1"}}
        named, plain = client.get(f"/cost{form}", **asking), client.get(f"/cost{form}", params=WEEK)

    assert (named.status_code, plain.status_code) == (400, 200)
    assert "has no key" in named.text


# ── what cannot be answered ─────────────────────────────────────────────────────────────────────────────────────

WRONG: dict[str, tuple[dict[str, Any], int, str]] = {
    "a length that is none": ({"last": "x"}, 400, "bad_word"),
    "a word that is none": ({"lasst": "7d"}, 400, "bad_word"),
    "a word twice": ({"last": ["7d", "8d"]}, 400, "bad_word"),
    "two periods": ({"today": "", "last": "7d"}, 400, "bad_word"),
    "a zone that is none": ({"tz": "Mars/Olympus"}, 400, "bad_word"),
    "a zone that is a path": ({"tz": "../../etc/passwd"}, 400, "bad_word"),
    "a granularity that is none": ({"granularity": "minute"}, 400, "bad_word"),
    "a year that cannot be": ({"from": "0001-01-01"}, 400, "bad_word"),
    "an end before its start": ({"from": "2024-03-08", "to": "2024-03-01"}, 400, "bad_word"),
    "a position that is not there": ({"as_of": "99999999"}, 404, "no_such_position"),
    "names neither yes nor no": ({"names": "perhaps"}, 400, "bad_word"),
    "a key that is none": ({"by": "no_such_key"}, 400, "unknown_key"),
    "a NUL": ({"where": "user=\0"}, 400, "bad_value"),
    "half a pair": ({"where": "user"}, 400, "bad_word"),
    "a very long word": ({"where": f"user={'x' * 5000}"}, 400, "bad_word"),
    "ten thousand words": ({"by": ["m"] * 10_000}, 400, "bad_word"),
    "a table for json": ({"table": "series"}, 400, "bad_word"),
    "an answer that is none": ({"answer": "nothing"}, 400, "bad_word"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_cannot_be_asked_is_told_as_a_page_and_as_a_problem(pages: TestClient, wrong: str) -> None:
    words, status, code = WRONG[wrong]
    page, problem = pages.get("/cost", params=words, headers=BROWSER), pages.get("/cost.json", params=words)

    assert (page.status_code, problem.status_code, problem.json()["code"]) == (status, status, code)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert problem.headers["content-type"] == "application/problem+json"
    assert [text for text in (page.text, problem.text) if "Traceback" in text or ".py" in text] == []
    assert len(problem.json()["detail"]) < 1500


@pytest.mark.parametrize("form", FORMS)
def test_a_series_of_more_than_there_is_room_for_is_refused_before_it_is_asked_for(
    pages: TestClient, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    kinds = ["cost", "overview", "performance", "usage"]
    for name in [name for name in dir(AnalyticsService) if name.startswith("get_")]:
        monkeypatch.setattr(AnalyticsService, name, None)
    words = {"from": "2000-01-01", "to": "2024-01-01", "granularity": "hour"}
    answers = [pages.get(f"/{kind}{form}", params=words) for kind in kinds]

    assert [(answer.status_code, "granularity=" in answer.text) for answer in answers] == [(400, True)] * 4


def test_a_year_by_the_hour_is_more_than_a_page_shows_and_programs_have_all_of_it(pages: TestClient) -> None:
    year = {"from": "2024-01-01", "to": "2025-01-01", "granularity": "hour"}
    page, ever = (pages.get("/usage", params={**year, **more}).text for more in ({}, {"from": "2000-01-01"}))
    rows = pages.get("/usage.csv", params={**year, "table": "series"}).text.splitlines()
    quarter = pages.get("/usage", params={**year, "to": "2024-04-01"})

    assert "would have 8,784 parts, and has 2,500 at most here: say granularity=day" in page
    assert "or take .json, .csv or .arrow, which have all of them" in page
    assert "or take" not in ever
    assert (len(rows), quarter.status_code) == (1 + 8_784, 200)


@pytest.mark.parametrize(
    "query",
    [
        "where=user=%ff",
        "tz=%ED%A0%80",
        "last=%zz",
        "%00=1",
        "last=7d&&&",
        "=",
        "?",
        "last=7d;tz=UTC",
        "x" * 65_500,
        "é",
    ],
    ids=lambda query: query[:20],
)
def test_a_query_that_is_no_question_is_told(pages: TestClient, query: str) -> None:
    answer = pages.get(f"/cost.json?{query}")

    assert answer.status_code == (200 if query == "last=7d&&&" else 400)
    assert answer.status_code == 200 or answer.json()["code"] == "bad_word"


def test_bytes_that_are_no_utf_8_are_refused_rather_than_read_as_something_else(pages: TestClient) -> None:
    answer = pages.get("/cost.json?where=user=%ff")

    assert answer.json()["detail"] == "The address holds what is no UTF-8: write it as %C3%A9."


WORDS = st.sampled_from(sorted({word for kind in KINDS for word in kind.words}))
PERIODS = st.sampled_from(["last", "from", "to", "tz", "as_of", "names", "granularity", "month", "period", "today"])
TEXTS = st.one_of(
    st.sampled_from(["7d", "1", "0", "-1", "2024-03-04", "user=ada", "user=", "=", "model", "UTC", "", "cost.calls"]),
    st.text(max_size=40),
)


@given(
    st.sampled_from([f"/{kind}{form}" for kind in KIND_NAMES for form in FORMS]),
    st.lists(st.tuples(st.one_of(WORDS, PERIODS, st.text(max_size=10)), TEXTS), max_size=4),
)
def test_whatever_is_asked_there_is_an_answer_or_a_reason_and_never_a_fault(
    pages: TestClient, place: str, words: list[tuple[str, str]]
) -> None:
    pairs = [tuple(text.encode("utf-8", "surrogatepass") for text in pair) for pair in words]
    answer = pages.get(place, params=pairs)  # type: ignore[arg-type]

    assert answer.status_code in (200, 400, 404)
    assert "Traceback" not in answer.text


def test_a_fault_of_ours_is_a_calm_page_and_the_log_says_more(
    pages: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def faulty(*_: object, **__: object) -> None:
        raise RuntimeError("hunter2")

    monkeypatch.setattr(AnalyticsService, "get_cost_breakdown", faulty)
    page, problem = asked(pages, "cost"), asked(pages, "cost", ".json")

    assert (page.status_code, problem.status_code, problem.json()["code"]) == (500, 500, "server_fault")
    assert "Something went wrong" in page.text
    assert "hunter2" not in page.text + problem.text
    assert "A request failed here: RuntimeError" in caplog.text


def test_a_store_that_is_closed_is_told_as_such(path: Path) -> None:
    with opened(path) as closed:
        client = TestClient(analytics_app(closed))
    page, problem = asked(client, "cost"), asked(client, "cost", ".json")

    assert (page.status_code, problem.status_code, problem.json()["code"]) == (503, 503, "closed")
    assert "There is no answer now" in page.text
    assert problem.headers["retry-after"] == "5"


@pytest.mark.store(projections=[])
def test_what_a_service_has_no_projection_for_is_not_there(analytics: AnalyticsService) -> None:
    answer = TestClient(analytics_app(analytics)).get("/cost.json")

    assert (answer.status_code, answer.json()["code"]) == (404, "missing_projection")


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
