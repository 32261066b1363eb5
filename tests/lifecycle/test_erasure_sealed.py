"""Forgetting a subject whose events are sealed: whatever a key's SQL, no byte of it is left, or it is said where."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.projection import Histogram, count, histogram, key, projection
from analytics_es.projections import Budgets, Cost, Performance, Usage
from analytics_es.testing import NOON, budget_allocated, provider_call, tool_call
from analytics_es.types import ForgetReceipt
from tests.byte_search import Place, Tables, holders
from tests.stores import in_full, opened, record

ADA, DAY = "Ada.Lovelace@example.com", timedelta(days=1)
LATER = NOON + 200 * DAY
EVER = TimePeriod(NOON - 9 * DAY, NOON + 9 * DAY, "day")

pytestmark = [in_full, pytest.mark.store("sqlite", "postgres", clock=lambda: LATER)]


@projection(version=1, consumes=(">",))
class ByPerson:
    """By whoever it was, one way or the other, with how long it took."""

    who: str = key("coalesce(attributes.email, user_id)")
    of_whom: str = key("CASE WHEN family = 'tool' THEN user_id ELSE tenant_id END")
    mail: str = key("attributes.email")
    family: str = key("family")
    duration: Histogram = histogram("duration_ms", unit="ms")


@projection(version=1, consumes=(">",))
class Computed:
    """By what is made of a name."""

    small: str = key("lower(user_id)")
    together: str = key("user_id || ' of ' || tenant_id")
    hashed: str = key("md5(user_id || tenant_id)")
    model: str = key("lower(model)")
    events: int = count()


def everywhere(analytics: AnalyticsService, tmp_path: Path) -> Place:
    """Return where every byte of a store is."""
    place = analytics.store.read_models.place
    return tmp_path if isinstance(place, Path) else Tables(str(analytics.store.log.database.url))  # type: ignore[attr-defined]


def people() -> list[dict[str, Any]]:
    """Return what two people, and a tenant that is called like one of them, did on two days, with budgets."""
    events: list[dict[str, Any]] = []
    for when in (NOON, NOON + DAY):
        for who in (ADA, "bob"):
            budget = {"budget_id": f"of {who == ADA}", "scope": "user", "user_id": who, "tenant_id": None}
            events += [
                provider_call(occurred_at=when, user_id=who, attributes={"email": who}),
                tool_call(occurred_at=when, user_id=who),
                budget_allocated(occurred_at=when, **budget),
            ]
    return events


def budgets(analytics: AnalyticsService) -> list[tuple[str, Any, Any]]:
    report = analytics.get_budgets(at=NOON + DAY).unwrap()
    return sorted((each.budget_id, each.scope, each.allocated) for each in report.budgets)


@pytest.mark.store(projections=[Usage, Cost, Performance, Budgets, ByPerson], tags=["email"])
def test_sealed_rows_are_masked_wherever_a_key_is_the_name(analytics: AnalyticsService, tmp_path: Path) -> None:
    record(analytics, *people())
    before = budgets(analytics)
    analytics.retain({"events": "90d"}).unwrap()
    assert ADA in holders(everywhere(analytics, tmp_path), [ADA])

    receipt = analytics.forget(ADA).unwrap()

    assert holders(everywhere(analytics, tmp_path), [ADA]) == {}
    assert [each for each in receipt.remains if "sealed rows of" in each] == []
    assert (receipt.mentions, receipt.other_spellings) == ({}, {})
    assert len(receipt.derived) == 2
    analytics.rebuild().unwrap()
    assert budgets(analytics) == before
    assert analytics.verify().unwrap().identical


def test_whoever_else_is_called_like_the_subject_keeps_what_is_its_own(analytics: AnalyticsService) -> None:
    whose: dict[str, Any] = {"scope": "tenant", "tenant_id": "openai", "user_id": None, "budget_id": "of the tenant"}
    record(
        analytics, *[provider_call(user_id="openai", provider="openai", tenant_id="openai"), budget_allocated(**whose)]
    )
    analytics.retain({"events": "90d"}).unwrap()

    receipt = analytics.forget("openai").unwrap()

    assert analytics.get_usage_stats("user", "openai", EVER).unwrap().totals.events == 0
    assert analytics.get_usage_stats("provider", "openai", EVER).unwrap().totals.events == 1
    assert analytics.get_usage_stats("tenant", "openai", EVER).unwrap().totals.events == 2
    assert [each.scope_id for each in analytics.get_budgets(at=NOON + DAY).unwrap().budgets] == ["openai"]
    sealed = {name for name in receipt.mentions if name.startswith("sealed ")}
    assert sealed == {
        "sealed usage.entity_id",
        "sealed cost.entity_id",
        "sealed cost.provider",
        "sealed budgets.scope_id",
    }


@pytest.mark.store(projections=[Usage, Computed])
def test_keys_that_are_computed_from_the_name_are_told_as_what_remains(
    analytics: AnalyticsService, tmp_path: Path
) -> None:
    record(analytics, provider_call(user_id=ADA), provider_call(occurred_at=NOON + DAY, user_id="bob"))
    analytics.retain({"events": "90d"}, archive=tmp_path / "archive").unwrap()

    receipt = analytics.forget(ADA).unwrap()

    assert [each for each in receipt.remains if "sealed rows of" in each] == [
        "sealed rows of the projection computed (2 days): their key hashed is computed from the name",
        "sealed rows of the projection computed (1 day): their key small is computed from the name",
        "sealed rows of the projection computed (2 days): their key together is computed from the name",
    ]
    assert [Path(copy.file).parent.name for copy in receipt.copies] == ["archive"]


@pytest.mark.store(projections=[Usage, Computed])
def test_what_is_computed_from_other_names_alone_does_not_remain(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(user_id=None))
    analytics.retain({"events": "90d"}).unwrap()

    assert [each for each in analytics.forget(ADA).unwrap().remains if "sealed rows of" in each] == []


UNDECIDED = {
    "CASE WHEN family = 'tool' THEN user_id ELSE tenant_id END": None,  # no other key says of which family it is
    "CASE WHEN family = 'tool' THEN split_part(user_id, '@', 1) ELSE tenant_id END": "Ada.Lovelace",
    "CASE WHEN duration_ms > 10 THEN tenant_id ELSE reverse(user_id) END": ADA[::-1],
    "coalesce(attributes.email, reverse(user_id))": ADA[::-1],
    "CASE WHEN attributes.email IS NULL THEN upper(user_id) ELSE attributes.email END": ADA.upper(),
}


@pytest.mark.parametrize(("sql", "remaining"), UNDECIDED.items())
@pytest.mark.store("sqlite", projections=[Usage])
def test_where_nothing_says_which_field_a_key_is_the_name_is_masked_and_what_is_made_of_it_told(
    path: Path, sql: str, remaining: str | None
) -> None:
    @projection(version=1, consumes=(">",))
    class Undecided:
        """By one field or another."""

        who: str = key(sql)
        events: int = count()

    with opened(path, clock=lambda: LATER, privacy="full", projections=[Usage, Undecided]) as analytics:
        record(analytics, tool_call(user_id=ADA, duration_ms=7), provider_call(user_id="bob"))
        analytics.retain({"events": "90d"}).unwrap()

        receipt = analytics.forget(ADA).unwrap()

    assert holders(path.parent, [ADA]) == {}
    told = "sealed rows of the projection undecided (1 day): their key who is computed from the name"
    assert [text for text in receipt.remains if "sealed rows of" in text] == [told] * bool(remaining)
    assert remaining is None or holders(path.parent, [remaining])


@pytest.mark.store("sqlite", projections=[Usage, ByPerson])
def test_a_tenant_that_is_forgotten_takes_no_user_of_that_name_along(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(user_id="acme", tenant_id="acme"))
    analytics.retain({"events": "90d"}).unwrap()

    analytics.forget("acme", entity="tenant").unwrap()

    users, tenants = (
        analytics.get_usage_stats(kind, "acme", EVER).unwrap().totals.events for kind in ("user", "tenant")
    )
    assert (users, tenants) == (1, 0)


@pytest.mark.store("sqlite", projections=[Usage, ByPerson])
def test_a_field_that_is_named_is_masked_in_what_is_sealed_too(analytics: AnalyticsService, tmp_path: Path) -> None:
    record(analytics, provider_call(user_id="bob", tenant_id=ADA), tool_call(user_id=ADA, tenant_id=ADA))
    analytics.retain({"events": "90d"}).unwrap()

    receipt = analytics.forget(ADA, fields=["tenant_id"]).unwrap()

    assert (receipt.mentions, holders(tmp_path, [ADA])) == ({}, {})


# ── days ────────────────────────────────────────────────────────────────────────────────────────────────────────

EDGES = [
    ("Asia/Kolkata", datetime(2026, 3, 2, 18, 29, tzinfo=UTC)),  # 23:59, and a minute later the next day
    ("Asia/Kathmandu", datetime(2026, 3, 2, 18, 14, tzinfo=UTC)),
    ("Australia/Adelaide", datetime(2026, 4, 4, 13, 29, tzinfo=UTC)),  # the night in which clocks go back
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 12, 59, tzinfo=UTC)),  # by half an hour
    ("Pacific/Chatham", datetime(2026, 4, 4, 10, 14, tzinfo=UTC)),
    ("America/St_Johns", datetime(2026, 3, 8, 3, 29, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 4, 59, tzinfo=UTC)),
]


@pytest.mark.store("sqlite")
@pytest.mark.parametrize(("zone", "before_midnight"), EDGES)
def test_the_day_in_which_it_was_is_derived_again_in_every_zone(
    url: str, tmp_path: Path, zone: str, before_midnight: datetime
) -> None:
    days = {}
    with AnalyticsService.open(
        url, timezone=zone, follow=False, privacy="full", projections=[Computed], clock=lambda: LATER
    ) as analytics:
        for minutes in (0, 1):
            when, who = before_midnight + timedelta(minutes=minutes), f"{minutes} {ADA}"
            record(analytics, provider_call(occurred_at=when, user_id=who))

            (day,) = analytics.forget(who).unwrap().derived

            days[minutes] = day.start.date()
            assert days[minutes] == when.astimezone(day.start.tzinfo).date()
            assert holders(tmp_path, [who, who.lower()]) == {}
        assert days[1] == days[0] + DAY
        assert analytics.verify().unwrap().identical


# ── other spellings ─────────────────────────────────────────────────────────────────────────────────────────────

ZOE = "Zoë Müller"
SPELLINGS = [
    (ADA, ADA.upper()),
    ("eve@example.com", "Eve@Example.com"),
    ("Jürgen", "JÜRGEN"),
    (ZOE, unicodedata.normalize("NFD", ZOE)),
    (unicodedata.normalize("NFD", "José"), "JOSÉ"),
    ("Straße 1", "STRASSE 1"),
    ("Анна Каренина", "анна каренина"),
]


def test_a_name_that_is_spelled_otherwise_is_told(analytics: AnalyticsService) -> None:
    for subject, other in SPELLINGS:
        calls = [provider_call(user_id=subject), provider_call(user_id=other, prompt=f"I am {other}.")]
        record(analytics, *calls)

        receipt: ForgetReceipt = analytics.forget(subject).unwrap()

        assert (receipt.events, receipt.mentions) == (1, {})
        assert receipt.other_spellings == {"data.user_id": 1, "data.prompt": 1}
        assert subject not in str(receipt)
        analytics.forget(other, fields=["prompt"]).unwrap()


@pytest.mark.store(projections=[Usage])
def test_a_name_that_is_spelled_otherwise_in_sealed_rows_is_told(analytics: AnalyticsService) -> None:
    record(analytics, *(provider_call(user_id=who) for pair in SPELLINGS for who in pair))
    analytics.retain({"events": "90d"}).unwrap()

    for subject, other in SPELLINGS:
        receipt = analytics.forget(subject).unwrap()
        assert ([*receipt.other_spellings], receipt.mentions) == (["sealed usage.entity_id"], {})
        analytics.forget(other).unwrap()


def test_the_name_of_a_field_may_be_a_name_that_is_spelled_otherwise(analytics: AnalyticsService) -> None:
    record(analytics, {"event_type": "custom.thing.happened", "data": {"by": {ADA.upper(): 7}}, "occurred_at": NOON})

    assert analytics.forget(ADA).unwrap().other_spellings == {"(field names)": 1}


@pytest.mark.store(privacy="pseudonymous")
def test_whose_pseudonym_is_of_another_spelling_is_told(analytics: AnalyticsService) -> None:
    record(analytics, provider_call(user_id=ZOE), provider_call(user_id=ZOE.upper()), provider_call(user_id="bob"))

    receipt = analytics.forget(ZOE).unwrap()

    assert (receipt.vault_entries, receipt.other_spellings) == (1, {"(vault)": 1})
    assert analytics.forget(ZOE.upper()).unwrap().other_spellings == {}
