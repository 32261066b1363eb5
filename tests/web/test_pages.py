"""Pages: each in every form, with the numbers of Python and of the command, and names where they are asked for."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from starlette.testclient import TestClient

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.events.codec import to_json
from analytics_es.ingest.vault import KEY_VARIABLE
from analytics_es.presentation.sheets import Sheets
from analytics_es.queries.growing import Built, Growing
from analytics_es.service import AsOf
from analytics_es.types.tables.arrow import to_arrow
from analytics_es.web import analytics_app
from analytics_es.web.forms import FORMS
from tests.cli.conftest import ADA, BOB
from tests.stores import opened
from tests.web.asking import COMMANDS, KIND_NAMES, NAMES, WEEK, asked, linked, printed, words_of

PERIOD = TimePeriod(datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 3, 8, tzinfo=UTC))
PAGES = pytest.mark.parametrize("kind", KIND_NAMES)


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
def test_json_is_what_the_command_prints(pages: TestClient, pages_path: Path, kind: str, words: dict[str, str]) -> None:
    options = [f"--{word.replace('_', '-')}={text}" for word, text in {**WEEK, **words}.items()]
    if kind == "budgets":
        options = [option for option in options if option.startswith(("--tz", "--as-of"))]

    shown = printed(*COMMANDS[kind], *options, "--db", pages_path, "--json")

    assert asked(pages, kind, ".json", **words).text == shown


def test_json_is_what_python_answers(pages: TestClient, pages_service: AnalyticsService) -> None:
    answer = pages_service.get_cost_breakdown(PERIOD, by=("user",), where={"currency": "USD"}).unwrap()

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


def test_csv_is_what_the_command_prints(pages: TestClient, pages_path: Path) -> None:
    week = [f"--{word}={text}" for word, text in WEEK.items()]
    for table in ("rows", "series"):
        shown = printed("cost", *week, "--db", pages_path, "--format", "csv", "--table", table)

        assert asked(pages, "cost", ".csv", table=table).text == shown


def test_arrow_is_what_python_gives(pages: TestClient, pages_service: AnalyticsService) -> None:
    answer = pages_service.get_cost_breakdown(PERIOD, by=("model",)).unwrap()
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


def test_asking_records_nothing(pages: TestClient, pages_service: AnalyticsService) -> None:
    before = pages_service.store.log.head()
    for kind in KIND_NAMES:
        for form in FORMS:
            asked(pages, kind, form)

    assert pages_service.store.log.head() == before


# ── names ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_pseudonyms_stay_unless_names_are_asked_for(pages: TestClient) -> None:
    without, shown = (asked(pages, "cost", by="user", **words).text for words in ({}, {"names": "1"}))

    assert ADA in without
    assert [name for name in NAMES.values() if name in without and name != "cy"] == []
    assert NAMES["ada"] in shown
    assert "with names from the vault" in shown
    assert "&lt;script&gt;alert" in shown
    assert "<script>alert" not in shown


def test_json_has_names_beside_and_csv_in_their_place(pages: TestClient, pages_path: Path) -> None:
    week = [f"--{word}={text}" for word, text in WEEK.items()]
    command = ("cost", "--by", "user", *week, "--db", pages_path, "--names")

    beside, sheet = (asked(pages, "cost", form, by="user", names="1").text for form in (".json", ".csv"))

    assert json.loads(beside)["names"][BOB] == NAMES["bob"]
    assert beside == printed(*command, "--json")
    assert sheet == printed(*command, "--format", "csv")


def test_links_of_a_page_with_names_keep_pseudonyms(pages: TestClient) -> None:
    links = "".join(linked(asked(pages, "cost", by="user", names="1").text))

    assert ("lovelace" in links, "alert" in links) == (False, False)


@pytest.mark.parametrize("form", FORMS)
def test_without_the_key_of_the_vault_there_are_no_names(
    pages_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    copy = tmp_path / "keyless.db"
    copy.write_bytes(pages_path.read_bytes())
    copy.with_suffix(".vault.db").write_bytes(pages_path.with_suffix(".vault.db").read_bytes())
    with opened(copy) as keyless:
        keyless.catch_up()
        client = TestClient(analytics_app(keyless))
        asking = {"params": {**WEEK, "by": "user", "names": "1"}}
        named, plain = client.get(f"/cost{form}", **asking), client.get(f"/cost{form}", params=WEEK)

    assert (named.status_code, plain.status_code) == (400, 200)
    assert "has no key" in named.text
