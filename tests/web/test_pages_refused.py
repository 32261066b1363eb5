"""What cannot be asked of a page, and what cannot be answered, is told calmly, as a page and to programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from analytics_es import AnalyticsService
from analytics_es.presentation.pages import KINDS
from analytics_es.web import analytics_app
from analytics_es.web.forms import FORMS
from tests.stores import opened
from tests.web.asking import BROWSER, KIND_NAMES, asked

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
    ("start", "last", "beyond"),
    [
        ("2026-01-01", "2026-04-15T05:00", "2026-04-15T06:00"),  # clocks go on in March
        ("2026-07-20", "2026-11-01T03:00", "2026-11-01T04:00"),  # and back in October
        ("2026-05-01T00:30", "2026-08-13T04:00", "2026-08-13T04:01"),
    ],
)
def test_a_page_shows_as_many_hours_as_it_says(pages: TestClient, start: str, last: str, beyond: str) -> None:
    asked = {"from": start, "granularity": "hour", "tz": "Europe/Berlin"}
    rows = pages.get("/usage.csv", params={**asked, "to": last, "table": "series"}).text.splitlines()
    shown, refused = (pages.get("/usage", params={**asked, "to": end}) for end in (last, beyond))

    assert (len(rows), shown.status_code, refused.status_code) == (1 + 2_500, 200, 400)
    assert "would have 2,501 parts" in refused.text


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


def test_a_store_that_is_closed_is_told_as_such(pages_path: Path) -> None:
    with opened(pages_path) as closed:
        client = TestClient(analytics_app(closed))
    page, problem = asked(client, "cost"), asked(client, "cost", ".json")

    assert (page.status_code, problem.status_code, problem.json()["code"]) == (503, 503, "closed")
    assert "There is no answer now" in page.text
    assert problem.headers["retry-after"] == "5"


@pytest.mark.store(projections=[])
def test_what_a_service_has_no_projection_for_is_not_there(analytics: AnalyticsService) -> None:
    answer = TestClient(analytics_app(analytics)).get("/cost.json")

    assert (answer.status_code, answer.json()["code"]) == (404, "missing_projection")
