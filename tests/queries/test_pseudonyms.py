"""A text of a pseudonym's form: whose pseudonym it is, or, where it is nobody's, the name that it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.testing import DAY, provider_call
from tests.stores import opened, record

NAME = "p_ABCDEFGHabcdefgh"  # somebody is called so
pytestmark = pytest.mark.store(privacy="pseudonymous")


def calls(analytics: AnalyticsService, name: str) -> list[int]:
    """Return how many calls every question finds of a user."""
    by: dict[str, Any] = {"where": {"user": name}}
    return [
        analytics.get_usage_stats("user", name, DAY).unwrap().totals.events,
        analytics.get_cost_breakdown(DAY, **by).unwrap().calls,
        int(analytics.get_summary("cost.calls", DAY, **by).unwrap().figures.total or 0),
        analytics.explain("cost.calls", DAY, **by).unwrap().count,
        analytics.explain_cost(DAY, **by).unwrap().calls,
        analytics.as_of(analytics.store.log.head()).get_usage_stats("user", name, DAY).unwrap().totals.events,
    ]


def pseudonym_of(analytics: AnalyticsService, name: str) -> str:
    return str(analytics.store.vault.find("user", name))


def test_a_name_of_a_pseudonyms_form_is_looked_up_as_a_name(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(user_id=NAME), provider_call(user_id="ada"), provider_call(user_id="ada"))

    assert calls(analytics, NAME) == [1] * 6
    assert calls(analytics, pseudonym_of(analytics, NAME)) == [1] * 6


def test_a_pseudonym_that_the_vault_knows_wins_over_who_is_called_so(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(user_id="ada"), provider_call(user_id="ada"))
    pseudonym = pseudonym_of(analytics, "ada")
    record(analytics, provider_call(user_id=pseudonym))  # somebody calls himself so

    assert calls(analytics, pseudonym) == [2] * 6
    assert calls(analytics, pseudonym_of(analytics, pseudonym)) == [1] * 6


def test_a_pseudonym_of_nobody_any_more_is_taken_as_it_is(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(user_id="ada"))
    pseudonym = pseudonym_of(analytics, "ada")
    analytics.forget("ada").unwrap()

    assert calls(analytics, pseudonym) == [1] * 6


def test_who_has_no_key_asks_by_pseudonyms(tmp_path: Path) -> None:
    with opened(tmp_path / "a.db", privacy="pseudonymous") as analytics:
        record(analytics, provider_call(user_id="ada"))
        pseudonym = pseudonym_of(analytics, "ada")
    (tmp_path / "a.vault.key").unlink()

    with opened(tmp_path / "a.db", privacy="pseudonymous") as analytics:
        assert analytics.get_usage_stats("user", pseudonym, DAY).unwrap().totals.events == 1


def test_who_is_called_like_a_pseudonym_is_forgotten_and_a_pseudonym_is_refused(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(user_id=NAME), provider_call(user_id="ada"))
    ada = pseudonym_of(analytics, "ada")

    assert analytics.forget(NAME).unwrap().vault_entries == 1
    assert calls(analytics, NAME) == [0] * 6
    refused = analytics.forget(ada).failure
    assert refused is not None
    assert (refused.code, ada in refused.message) == ("is_pseudonym", True)
    assert pseudonym_of(analytics, "ada") == ada


@pytest.mark.store(privacy={"preset": "pseudonymous", "names": True})
def test_the_name_behind_a_pseudonym_may_have_its_form(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(user_id=NAME))
    pseudonym = pseudonym_of(analytics, NAME)

    assert analytics.names_of([pseudonym]).unwrap().names == {pseudonym: NAME}
    assert analytics.names_of([NAME]).unwrap().subjects[0].state == "unknown"
