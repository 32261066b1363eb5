"""Answers of then and now, compared figure by figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from attrs import evolve, frozen

from analytics_es import AnalyticsService
from analytics_es.events.codec import to_plain
from analytics_es.presentation.report import comparison, report_bytes
from analytics_es.presentation.report.carried import Carried
from analytics_es.presentation.report.comparison import compared, with_fields
from tests.presentation.report.forging import WEEK, carrying_other, causes_of, checked


def test_answers_that_were_exchanged_are_told_figure_by_figure(service: AnalyticsService, path: Path) -> None:
    def dearer(said: Carried) -> Carried:
        answers = said.answers.replace(b'"1234.5678"', b'"1334.5678"')
        assert answers != said.answers
        return evolve(said, answers=answers)

    path.write_bytes(carrying_other(report_bytes(service, WEEK).unwrap(), dearer))
    answer = checked(service, path)

    assert (answer.verdict, answer.changed > 0, causes_of(answer)) == ("changed", True, ["unexplained"])
    assert {(change.was, change.now) for change in answer.changes} == {("1334.5678", "1234.5678")}


def test_rows_are_told_by_their_names_and_those_that_are_gone_too() -> None:
    was = {"cost": {"rows": [{"model": "a", "calls": 1}, {"model": "b", "calls": 2}], "note": None}}
    now = {"cost": {"rows": [{"model": "b", "calls": 3}, {"model": "c", "calls": {"all": [5]}}], "note": "x"}}
    answer = compared(was, now)

    assert [(change.figure, change.was, change.now) for change in answer.changes] == [
        ("cost.rows[a].model", "a", None),
        ("cost.rows[a].calls", "1", None),
        ("cost.rows[b].calls", "2", "3"),
        ("cost.rows[c].model", None, "c"),
        ("cost.rows[c].calls.all[0]", None, "5"),
        ("cost.note", "null", "x"),
    ]
    assert (answer.changed, answer.foreign) == (6, [])


def test_of_many_changes_the_first_are_told_and_all_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "LISTED", 2)
    answer = compared({"a": [1, 2, 3, 4]}, {"a": [2, 3, 4, 5]})

    assert (len(answer.changes), answer.changed) == (2, 4)


@frozen
class Row:
    """A row of a later version, which counts `errors`, and no longer `retries`."""

    model: str
    calls: int
    errors: int = 7


@frozen
class Answer:
    """An answer with rows, and figures by what the log has."""

    rows: Sequence[Row]
    by_currency: Mapping[str, int]


def test_a_field_that_only_this_version_has_is_no_figure_that_changed_and_one_of_then_is_foreign() -> None:
    was = {"rows": [{"model": "a", "calls": 1, "retries": {"all": [3]}}], "by_currency": {"USD": 1}}
    now = Answer(rows=[Row("a", 1)], by_currency={"USD": 1})
    answer = compared(was, with_fields(to_plain(now), now))

    assert (answer.changes, answer.foreign) == ([], ["rows[a].retries.all[0]"])


@pytest.mark.parametrize(
    ("now", "changed"),
    [
        (Answer(rows=[Row("a", 2)], by_currency={"USD": 1}), "rows[a].calls"),
        (Answer(rows=[Row("a", 1)], by_currency={"USD": 1, "EUR": 2}), "by_currency.EUR"),
        (Answer(rows=[Row("a", 1)], by_currency={}), "by_currency.USD"),
        (Answer(rows=[Row("a", 1), Row("b", 1)], by_currency={"USD": 1}), "rows[b].model"),
        (Answer(rows=[], by_currency={"USD": 1}), "rows[a].model"),
    ],
)
def test_a_row_or_a_key_is_the_logs_whichever_version_asks(now: Answer, changed: str) -> None:
    was = {"rows": [{"model": "a", "calls": 1}], "by_currency": {"USD": 1}}

    assert compared(was, with_fields(to_plain(now), now)).changes[0].figure == changed
