"""Forgetting a subject: nothing ties it to its pseudonym, no byte of it is left, totals stay."""

from __future__ import annotations

import base64
import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from attrs import evolve
from psycopg.sql import SQL, Identifier

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.audit.diff import kind_of_change
from analytics_es.errors import AnalyticsError, FoldFailed
from analytics_es.events.event import REJECTED, RecordedEvent
from analytics_es.lifecycle import erasure
from analytics_es.lifecycle.copies import BACKED_UP, EXPORTED
from analytics_es.lifecycle.trace import BEGUN, FORGOTTEN, LISTED
from analytics_es.log.postgres.samples import COLUMNS, INSERT, NEUTRAL
from analytics_es.projection import count, key, projection
from analytics_es.projections import Cost, Performance, Usage
from analytics_es.testing import NOON, job_failed, message_added, provider_call, tool_call
from analytics_es.types import ForgetReceipt, HeldCopy
from tests.byte_search import Tables, holders
from tests.children import joined
from tests.servers import Server
from tests.stores import found_in, recorded, sql

ADA, DAY = "ada.lovelace@example.com", timedelta(days=1)
MARCH = TimePeriod(NOON.replace(day=1, hour=0), NOON.replace(day=31), "day")

Opening = Callable[..., AnalyticsService]


def events(days: int = 3, who: str = ADA) -> list[dict[str, Any]]:
    """Return what a subject and somebody else did on some days."""
    return [
        {**event, "id": f"{sum(map(ord, who))}-{day}-{n}", "source": "test"}
        for day in range(days)
        for n, event in enumerate(
            [
                provider_call(occurred_at=NOON + day * DAY, user_id=who, prompt=f"I am {who}."),
                tool_call(occurred_at=NOON + day * DAY, user_id=who, attributes={"user.email": who, "plan": "pro"}),
                job_failed(occurred_at=NOON + day * DAY, user_id="bob"),
                message_added(occurred_at=NOON + day * DAY, user={"email": who, "n": 42}, user_id=who.upper()),
            ]
        )
    ]


def totals(analytics: AnalyticsService) -> list[tuple[int, int]]:
    """Return the totals of every user, largest first, without saying who it is."""
    usage = analytics.get_usage_stats("user", None, MARCH).unwrap()
    return [(each.totals.events, each.totals.input_tokens or 0) for each in usage.top_entities]


def of_people(analytics: AnalyticsService) -> list[RecordedEvent]:
    """Return the log's events but for what the service says of itself."""
    return [event for event in recorded(analytics) if not event.type.startswith("analytics.")]


@pytest.fixture
def opening(tmp_path: Path) -> Iterator[Opening]:
    """Open the same store, again or for the first time."""
    opened: list[AnalyticsService] = []

    def again(**options: Any) -> AnalyticsService:
        given = {"follow": False, "privacy": "full", "projections": [Usage], **options}  # one is quicker than three
        opened.append(AnalyticsService.open(tmp_path / "a.db", **given))
        return opened[-1]

    yield again
    for each in opened:
        each.close()


@pytest.fixture
def analytics(opening: Opening) -> AnalyticsService:
    """Return a store in which a subject is named, caught up."""
    service = opening()
    service.record_events(events()).unwrap()
    service.catch_up()
    return service


# ── under pseudonyms ────────────────────────────────────────────────────────────────────────────────────────────


def test_what_ties_a_subject_to_its_pseudonym_is_destroyed_and_totals_stay(opening: Opening, tmp_path: Path) -> None:
    analytics = opening(privacy="pseudonymous")
    analytics.record_events(events()).unwrap()
    analytics.catch_up()
    before, log = totals(analytics), of_people(analytics)
    digest = analytics.store.vault._digest("user", ADA)

    receipt = analytics.forget(ADA).unwrap()

    assert (receipt.vault_entries, receipt.events, receipt.derived, receipt.mentions) == (1, 0, [], {})
    assert analytics.store.vault.find("user", ADA) is None
    assert not any(digest in path.read_bytes() for path in tmp_path.iterdir())
    assert (totals(analytics), of_people(analytics)) == (before, log)
    assert found_in(tmp_path, ADA) == []
    assert analytics.verify().unwrap().identical


def test_who_comes_back_is_somebody_new(opening: Opening) -> None:
    analytics = opening(privacy="pseudonymous")
    analytics.record_event(**provider_call(user_id=ADA)).unwrap()
    analytics.forget(ADA).unwrap()
    analytics.record_event(**provider_call(user_id=ADA)).unwrap()

    first, second = (event.data["user_id"] for event in of_people(analytics))
    assert first != second


def test_another_entity_is_forgotten_where_the_policy_pseudonymises_it(opening: Opening) -> None:
    analytics = opening(privacy={"rules": {"tenant_id": "pseudonymise"}})
    analytics.record_event(**provider_call(tenant_id="acme")).unwrap()

    assert analytics.forget("acme").unwrap().vault_entries == 0
    assert analytics.forget("acme", entity="tenant").unwrap().vault_entries == 1


# ── under full ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_has_the_log_open_as_it_was_is_not_shown_either_who_was_masked_meanwhile(
    analytics: AnalyticsService,
) -> None:
    with analytics.as_of(analytics.store.log.head()) as then:

        def users() -> set[str]:
            return {each.entity_id for each in then.get_usage_stats("user", None, MARCH).unwrap().top_entities}

        before = users()
        assert ADA in before
        analytics.forget(ADA).unwrap()

        assert ADA not in users()
        assert len(users()) == len(before)


def test_a_subject_is_masked_in_the_log_and_the_rest_stays_byte_for_byte(analytics: AnalyticsService) -> None:
    before = analytics.store.log.scan(after=0, limit=100).to_pylist()

    receipt = analytics.forget(ADA).unwrap()

    after = analytics.store.log.scan(after=0, limit=100, upto=12).to_pylist()
    mask = of_people(analytics)[0].data["user_id"]
    expected = [
        {**row, "state": row["state"].replace(b'"%s"' % ADA.encode(), b'"%s"' % mask.encode())} for row in before
    ]
    assert mask.startswith("p_")
    assert after == expected
    assert (receipt.events, receipt.first_position, receipt.last_position) == (9, 1, 12)
    assert receipt.fields == {"user_id": 6, "attributes.user.email": 3, "user.email": 3}
    assert receipt.mentions == {"data.prompt": 3}


def test_no_byte_of_a_subject_is_left_in_any_file(analytics: AnalyticsService, tmp_path: Path) -> None:
    assert found_in(tmp_path, ADA) != []

    receipt = analytics.forget(ADA, fields=["prompt"]).unwrap()

    assert found_in(tmp_path, ADA) == []
    assert receipt.remains == []
    analytics.close()
    assert found_in(tmp_path, ADA) == []


@pytest.mark.parametrize("name", ["Grüße, 日本", 'say "ada" \\ /', "tab\there", "x" * 400, "p%_!", "7"])
def test_however_a_subject_is_called_it_is_gone(opening: Opening, tmp_path: Path, name: str) -> None:
    analytics = opening()
    analytics.record_events(events(1, who=name)).unwrap()
    analytics.record_event("custom.thing.happened", {"email": 7, "user": [name, {"id": name}]}).unwrap()
    analytics.catch_up()

    receipt = analytics.forget(name, fields=["*.prompt"]).unwrap()

    assert receipt.events >= 4
    assert [each for event in of_people(analytics) for each in _texts(event.data) if each == name] == []
    assert [entity for entity in _entities(analytics) if entity == name] == []
    assert len(name) < 8 or found_in(tmp_path, name) == []
    assert analytics.verify().unwrap().identical


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
    elif value is not None:
        yield str(value)


def _entities(analytics: AnalyticsService) -> list[str]:
    return [each.entity_id for each in analytics.get_usage_stats("user", None, MARCH).unwrap().top_entities]


def test_totals_stay_and_every_answer_is_what_a_fold_of_the_log_gives(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "SLICE", 2)
    before = totals(analytics)

    receipt = analytics.forget(ADA).unwrap()
    analytics.catch_up()

    assert totals(analytics) == before
    assert ADA not in _entities(analytics)
    assert analytics.verify().unwrap().identical
    assert all(each.identical for each in analytics.check_ledger().unwrap())
    assert [period.start for period in receipt.derived] == [NOON.replace(hour=0) + day * DAY for day in range(3)]


def test_days_in_which_read_models_still_hold_it_are_derived_again(analytics: AnalyticsService) -> None:
    """As an aggregation of another process may leave them."""
    rewrite = type(analytics.store.log).rewrite
    for held in analytics.store.log.search(ADA.encode(), types=(), after=0, limit=100):
        rewrite(analytics.store.log, {held.position: held.state.replace(ADA.encode(), b"nobody")})
    assert ADA in _entities(analytics)

    receipt = analytics.forget(ADA).unwrap()

    assert (receipt.events, len(receipt.derived)) == (0, 3)
    assert ADA not in _entities(analytics)


def test_only_the_touched_days_are_derived_again(analytics: AnalyticsService) -> None:
    analytics.record_event(**provider_call(occurred_at=NOON + 9 * DAY, user_id="eve")).unwrap()
    analytics.catch_up()

    receipt = analytics.forget("eve").unwrap()

    assert [period.start for period in receipt.derived] == [NOON.replace(hour=0) + 9 * DAY]


def test_what_the_read_models_have_not_taken_in_yet_is_no_obstacle(opening: Opening, tmp_path: Path) -> None:
    analytics = opening()
    analytics.record_events(events()).unwrap()

    analytics.forget(ADA, fields=["prompt"]).unwrap()

    assert found_in(tmp_path, ADA) == []
    assert analytics.verify().unwrap().identical


def test_a_subject_that_was_named_and_then_known_by_a_pseudonym_stays_one(opening: Opening) -> None:
    opening().record_event(**provider_call(user_id=ADA)).unwrap()
    analytics = opening(privacy="pseudonymous")
    analytics.record_event(**provider_call(user_id=ADA)).unwrap()

    receipt = analytics.forget(ADA).unwrap()

    assert (receipt.vault_entries, receipt.events) == (1, 1)
    assert len({event.data["user_id"] for event in of_people(analytics)}) == 1


def test_while_others_follow_nothing_they_folded_before_is_committed_later(opening: Opening, tmp_path: Path) -> None:
    with opening(follow=True) as follower, opening(follow=False) as analytics:
        for day in range(3):
            follower.record_events(events(3, who=f"{day}-{ADA}")).unwrap()
            analytics.forget(f"{day}-{ADA}", fields=["prompt"]).unwrap()
        follower.wait_until_caught_up()
        assert analytics.verify().unwrap().identical
        assert [entity for entity in _entities(analytics) if ADA in entity] == []
    assert found_in(tmp_path, ADA) == []


def test_a_forgotten_subject_is_not_in_answers_as_the_log_stood(analytics: AnalyticsService) -> None:
    analytics.forget(ADA).unwrap()

    with analytics.as_of(12) as then:
        users = then.get_usage_stats("user", None, MARCH).unwrap().top_entities

    assert ADA not in [each.entity_id for each in users]
    assert [each.totals.events for each in users] == [6, 3, 3]


def test_what_cannot_be_read_stays_and_is_told(analytics: AnalyticsService, tmp_path: Path) -> None:
    sql(tmp_path / "a.db", "UPDATE stored_events SET state = ? WHERE rowid = 3", f"no json of {ADA}".encode())

    assert analytics.forget(ADA).unwrap().mentions == {"data.prompt": 3, "(unreadable)": 1}


def test_where_its_text_is_left_is_told(opening: Opening) -> None:
    analytics = opening()
    analytics.record_event(
        "custom.thing.happened", {"note": f"see {ADA}", ADA: 1, "user_id": "bob"}, id=ADA, occurred_at=NOON
    ).unwrap()
    analytics.record_event("custom.thing.happened", {ADA: 1}).unwrap()

    receipt = analytics.forget(ADA).unwrap()

    assert receipt.mentions == {"id": 1, "data.note": 1, "(field names)": 1}


def test_a_place_that_is_called_like_the_subject_is_not_told(opening: Opening) -> None:
    analytics = opening()
    analytics.record_event("custom.thing.happened", {"user": {ADA: ADA}, "by": {ADA: [f"to {ADA}"] * 3}}).unwrap()

    receipt = analytics.forget(ADA).unwrap()

    assert (receipt.fields, receipt.mentions) == ({"(field names)": 1}, {"(field names)": 1})


def test_of_many_fields_the_most_frequent_are_told_and_the_others_counted(opening: Opening) -> None:
    analytics = opening()
    analytics.record_event("custom.thing.happened", {f"note{n}": ADA for n in range(LISTED + 7)}).unwrap()
    analytics.record_event("custom.thing.happened", {"note3": ADA}).unwrap()

    mentions = analytics.forget(ADA).unwrap().mentions

    assert (len(mentions), mentions["data.note3"], mentions["(others)"]) == (LISTED + 1, 2, 7)


def test_what_only_looks_like_said_by_the_service_is_no_obstacle(opening: Opening) -> None:
    analytics = opening()
    for event_type in (FORGOTTEN, BEGUN, EXPORTED, BACKED_UP, REJECTED):
        for data in (
            {},
            {"pseudonym": 1},
            {"receipt": "1", "copies": [], "days": []},
            {"copies": 7, "receipt": [], "file": 3, "last_position": "x"},
        ):
            analytics.store.recorder.announce(event_type, data)
    analytics.record_event(**provider_call(user_id=ADA)).unwrap()

    assert analytics.forget(ADA).unwrap().events == 1


@pytest.mark.parametrize("named", ["", None, "half \ud800"])
def test_what_names_nobody_is_refused(analytics: AnalyticsService, named: Any) -> None:
    failure = analytics.forget(named).failure

    assert failure is not None
    assert failure.code == "not_an_identity"


def test_an_entity_that_is_none_is_refused(analytics: AnalyticsService) -> None:
    failure = analytics.forget(ADA, entity="person").failure

    assert failure is not None
    assert failure.code == "unknown_entity"


def test_a_projection_that_cannot_go_on_is_told_as_what_remains(
    analytics: AnalyticsService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> int:
        raise FoldFailed(projection="cost", problem="too much")

    monkeypatch.setattr(analytics.store.runner, "catch_up", fails)

    receipt = analytics.forget(ADA).unwrap()

    assert receipt.remains == [
        "read models that are behind: The projection cost cannot go on: too much. The others do."
    ]


# ── messages that nobody could read ─────────────────────────────────────────────────────────────────────────────


def rejected(raw: bytes, reason: str = "user_id: must be a text") -> dict[str, Any]:
    return {
        "event_type": REJECTED,
        "data": {"raw": base64.b64encode(raw).decode(), "reason": reason, "subject": "x", "size": 24},
    }


def test_a_rejected_message_that_names_the_subject_is_cleared(opening: Opening, tmp_path: Path) -> None:
    analytics = opening()
    raws = [
        orjson.dumps({"data": {"user_id": ADA}}),
        json.dumps({"data": {"user_id": ADA, "name": "ü"}}).encode(),
        f"no json: {ADA}".encode(),
        orjson.dumps({"data": {"user_id": f"not {ADA}"}}),
        b"no json",
    ]
    told = rejected(b"{}", f"user_id: must be shorter than {ADA}")
    others = [{"event_type": REJECTED, "data": {"raw": raw}} for raw in (7, "no base64")]
    analytics.store.recorder.reject([*map(rejected, raws), told, *others])

    receipt = analytics.forget(ADA).unwrap()

    kept = [event.data for event in recorded(analytics, REJECTED)]
    assert [each["raw"] for each in kept] == [
        *["", "", ""],
        *(base64.b64encode(raw).decode() for raw in (*raws[3:], b"{}")),
        *[7, "no base64"],
    ]
    assert "must be shorter than p_" in kept[5]["reason"]
    assert (receipt.events, receipt.fields) == (4, {"raw": 3, "reason": 1})
    assert receipt.mentions == {"data.raw": 1}
    assert all(each["size"] == 24 for each in kept[:6])


# ── copies ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_events_that_were_exported_as_of_a_position_are_a_copy_too(analytics: AnalyticsService, tmp_path: Path) -> None:
    analytics.record_event(**provider_call(user_id=ADA)).unwrap()
    period = TimePeriod(NOON - DAY, NOON + DAY)
    then = analytics.as_of(analytics.store.log.head())

    then.export_data("json", period, [], to=tmp_path / "then.jsonl").unwrap()

    assert [Path(copy.file).name for copy in analytics.forget(ADA).unwrap().copies] == ["then.jsonl"]


def test_the_receipt_names_the_copies_that_hold_the_subject_and_no_others(
    analytics: AnalyticsService, tmp_path: Path
) -> None:
    def export(name: str, start: int, end: int, form: str = "json") -> None:
        period = TimePeriod(NOON + start * DAY, NOON + end * DAY)
        analytics.export_data(form, period, to=tmp_path / name).unwrap()

    export("before.jsonl", -5, 0)
    export("first.jsonl", 0, 1)
    export("all.parquet", -5, 9, "parquet")
    export("after.csv", 3, 9, "csv")
    analytics.export_data("csv", MARCH, ["usage.events"], to=tmp_path / "metrics.csv").unwrap()
    analytics.back_up(tmp_path / "backup.db").unwrap()
    (tmp_path / "first.jsonl").unlink()

    receipt = analytics.forget(ADA).unwrap()
    export("again.jsonl", -5, 9)

    assert [evolve(each, sha256=None) for each in receipt.copies] == [
        HeldCopy(kind="export", file=str(tmp_path / "first.jsonl"), position=14, exists=False),
        HeldCopy(kind="export", file=str(tmp_path / "all.parquet"), position=15, exists=True),
        HeldCopy(kind="backup", file=str(tmp_path / "backup.db"), position=17, exists=True),
    ]
    digest = hashlib.sha256((tmp_path / "all.parquet").read_bytes()).hexdigest()
    assert [each.sha256 for each in receipt.copies[1:]] == [digest, None]
    assert analytics.forget("bob").unwrap().copies[0].file == str(tmp_path / "first.jsonl")


def test_an_archive_that_holds_who_was_forgotten_is_refused(analytics: AnalyticsService, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    analytics.export_data("parquet", MARCH, to=tmp_path / "old" / "march.parquet").unwrap()
    assert analytics.rebuild(archive=tmp_path / "old").failure is None
    analytics.forget(ADA).unwrap()
    analytics.export_data("parquet", MARCH, to=tmp_path / "new" / "march.parquet").unwrap()

    failure = analytics.rebuild(archive=tmp_path / "old").failure

    assert failure is not None
    assert failure.code == "holds_forgotten"
    assert analytics.rebuild(archive=tmp_path / "new").failure is None
    assert analytics.verify().unwrap().identical


def test_a_subject_whose_events_are_sealed_is_masked_in_what_is_sealed_and_its_archive_is_named(
    analytics: AnalyticsService, tmp_path: Path
) -> None:
    before = totals(analytics)
    analytics.retain({"events": "1d"}, archive=tmp_path / "archive").unwrap()
    assert _entities(analytics).count(ADA) == 1

    receipt = analytics.forget(ADA).unwrap()
    analytics.rebuild().unwrap()
    analytics.catch_up()

    assert (receipt.events, receipt.sealed_rows > 0, len(receipt.derived)) == (0, True, 3)
    assert [Path(each.file).parent.name for each in receipt.copies] == ["archive"]
    assert ADA not in _entities(analytics)
    assert totals(analytics) == before
    assert analytics.verify().unwrap().identical
    assert analytics.forget(ADA).unwrap().sealed_rows == 0
    assert analytics.rebuild(archive=tmp_path / "archive").failure.code == "holds_forgotten"  # type: ignore[union-attr]


def test_one_who_had_a_pseudonym_and_was_named_on_the_same_day_is_one_in_what_is_sealed(opening: Opening) -> None:
    for privacy in ("pseudonymous", "full"):
        service = opening(privacy=privacy)
        service.record_events({**each, "id": f"{each['id']} {privacy}"} for each in events(days=1)).unwrap()
        service.catch_up()
        service.close()
    service = opening(privacy="full")
    before = [sum(each) for each in zip(*totals(service), strict=True)]
    users = len(totals(service))
    service.retain({"events": "1d"}).unwrap()

    assert service.forget(ADA).unwrap().sealed_rows > 0
    service.rebuild().unwrap()

    assert [sum(each) for each in zip(*totals(service), strict=True)] == before
    assert len(totals(service)) == users - 1
    assert service.verify().unwrap().identical


def test_an_export_that_was_made_before_the_subject_came_does_not_hold_it(opening: Opening, tmp_path: Path) -> None:
    analytics = opening()
    analytics.record_event(**provider_call(user_id="bob")).unwrap()
    analytics.export_data("json", MARCH, to=tmp_path / "e.jsonl").unwrap()
    analytics.record_event(**provider_call(user_id=ADA)).unwrap()

    assert analytics.forget(ADA).unwrap().copies == []


def test_an_export_of_nothing_holds_nobody(opening: Opening, tmp_path: Path) -> None:
    analytics = opening()
    analytics.export_data("json", MARCH, to=tmp_path / "e.jsonl").unwrap()
    analytics.record_event(**provider_call(user_id=ADA)).unwrap()

    assert analytics.forget(ADA).unwrap().copies == []


@pytest.mark.parametrize("what", ["export", "backup"])
def test_a_copy_that_cannot_be_told_in_the_log_is_not_made(
    analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    before = sorted(tmp_path.iterdir())

    def fails(*_: Any) -> None:
        raise AnalyticsError

    monkeypatch.setattr(type(analytics.store.recorder), "announce", fails)
    result = (
        analytics.export_data("parquet", MARCH, to=tmp_path / "e.parquet")
        if what == "export"
        else analytics.back_up(tmp_path / "b.db")
    )

    assert result.failure is not None
    assert sorted(tmp_path.iterdir()) == before


# ── the log tells of it ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_log_tells_of_it_without_saying_who(analytics: AnalyticsService, tmp_path: Path) -> None:
    analytics.export_data("json", MARCH, to=tmp_path / "e.jsonl").unwrap()
    receipt = analytics.forget(ADA).unwrap()

    begun, told = (event.data for event in recorded(analytics, BEGUN, FORGOTTEN))
    assert told == {
        "receipt": receipt.receipt,
        "entity": "user",
        "vault_entries": 0,
        "events": 9,
        "fields": receipt.fields,
        "first_position": 1,
        "last_position": 12,
        "sealed_rows": 0,
        "mentions": {"data.prompt": 3},
        "other_spellings": {"data.user_id": 3},
        "days_derived": 3,
        "copies": [13],
        "completes": [],
    }
    assert begun["pseudonym"] == of_people(analytics)[0].data["user_id"]
    assert receipt.position == analytics.store.log.head() == 15
    assert kind_of_change(FORGOTTEN) == "erasure"


def test_who_was_never_there_is_told_as_well(analytics: AnalyticsService, tmp_path: Path) -> None:
    receipt = analytics.forget("nobody").unwrap()

    assert (receipt.events, receipt.vault_entries, receipt.copies, receipt.derived) == (0, 0, [], [])
    assert receipt.position == 13
    assert not (tmp_path / "a.vault.db").exists()


# ── killed in the middle ────────────────────────────────────────────────────────────────────────────────────────

MOMENTS = ["rewritten once", "rewritten", "destroyed"]


def _forget_and_die(path: Path, moment: str) -> None:
    erasure.SLICE = 2
    analytics = AnalyticsService.open(path, follow=False, privacy="full", projections=[Usage])
    dying: dict[str, tuple[Any, str]] = {
        "rewritten once": (type(analytics.store.log), "rewrite"),
        "rewritten": (erasure.Erasure, "_mask"),
        "destroyed": (type(analytics.store.vault), "destroy"),
    }
    owner, name = dying[moment]
    work = getattr(owner, name)

    def done_and_dead(*arguments: Any, **options: Any) -> None:
        work(*arguments, **options)
        os._exit(7)

    setattr(owner, name, done_and_dead)
    analytics.forget(ADA, fields=["prompt"])


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_in_the_middle_and_done_again_it_is_complete(opening: Opening, tmp_path: Path, moment: str) -> None:
    with opening() as analytics:
        analytics.record_events(events()).unwrap()
        analytics.catch_up()
        analytics.export_data("json", MARCH, to=tmp_path / "e.jsonl").unwrap()
        before = totals(analytics)
    dying = multiprocessing.get_context("spawn").Process(target=_forget_and_die, args=(tmp_path / "a.db", moment))
    dying.start()
    assert joined(dying) == [7]

    analytics = opening()
    receipt = analytics.forget(ADA, fields=["prompt"]).unwrap()
    analytics.catch_up()

    (tmp_path / "e.jsonl").unlink()
    assert found_in(tmp_path, ADA) == []
    assert len({event.data["user_id"] for event in of_people(analytics) if event.data["user_id"].startswith("p_")}) == 1
    assert (totals(analytics), analytics.verify().unwrap().identical) == (before, True)
    if moment != "destroyed":  # then nothing is left that tells for whom it was
        assert [each.file for each in receipt.copies] == [str(tmp_path / "e.jsonl")]
    assert analytics.forget(ADA).unwrap().copies == []


# ── projections of one's own, and PostgreSQL ────────────────────────────────────────────────────────────────────


@projection(version=1, consumes=(">",))
class Mails:
    """Events by a key that holds a name among other things."""

    mail: str = key("'to ' || coalesce(user_id, '')")
    events: int = count()


def test_read_models_of_ones_own_hold_nothing_of_it_either(opening: Opening, tmp_path: Path) -> None:
    analytics = opening(projections=[Usage, Cost, Performance, Mails])
    analytics.record_events(events()).unwrap()
    analytics.catch_up()

    analytics.forget(ADA, fields=["prompt"]).unwrap()

    assert found_in(tmp_path, ADA) == []
    assert analytics.verify().unwrap().identical


def _cells(server: Server, schema: str) -> str:
    """Return every cell of every table of a schema as text."""
    tables = server.run("SELECT tablename FROM pg_tables WHERE schemaname = %s", schema)
    rows = [server.run(f"SELECT row_to_json(t)::text FROM {schema}.{name} AS t") for (name,) in tables]
    texts = [str(row) for table in rows for row in table]
    states = server.run(f"SELECT convert_from(state, 'UTF8') FROM {schema}.stored_events")
    return "\n".join([*texts, *(state for (state,) in states)])


def _pages(server: Server, schema: str) -> bytes:
    """Return the bytes of every table and index of a schema, as the server has them on disk."""
    server.run("CHECKPOINT")
    paths = server.run(
        "SELECT pg_relation_filepath(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
        "WHERE relkind IN ('r', 'i', 't') AND (nspname = %s OR c.oid IN (SELECT reltoastrelid FROM pg_class t "
        "JOIN pg_namespace m ON m.oid = t.relnamespace WHERE m.nspname = %s))",
        schema,
        schema,
    )
    root = Path(server.run("SHOW data_directory")[0][0])
    return b"".join(each.read_bytes() for (path,) in paths for each in root.glob(f"{path}*"))


def test_on_postgres_no_cell_holds_it_and_after_vacuum_full_no_page(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYTICS_ES_VAULT_KEY", "ab" * 32)
    schema = postgres.schema()
    with AnalyticsService.open(postgres.url, schema=schema, follow=False, privacy="full") as analytics:
        analytics.record_events(events()).unwrap()
        analytics.catch_up()
        before = totals(analytics)
        assert ADA in _cells(postgres, schema)

        receipt: ForgetReceipt = analytics.forget(ADA, fields=["prompt"]).unwrap()

        assert ADA not in _cells(postgres, schema)
        assert (totals(analytics), analytics.verify().unwrap().identical) == (before, True)
        assert (receipt.events, len(receipt.derived)) == (9, 3)
        assert any("VACUUM FULL" in each for each in receipt.remains)
        assert any("write-ahead log" in each for each in receipt.remains)
    if postgres.ours:
        for (name,) in postgres.run("SELECT tablename FROM pg_tables WHERE schemaname = %s", schema):
            postgres.run(f"VACUUM FULL {schema}.{name}")
        assert ADA.encode() not in _pages(postgres, schema)


def test_on_postgres_the_planners_statistics_are_made_anew(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYTICS_ES_VAULT_KEY", "ab" * 32)
    schema = postgres.schema()
    with AnalyticsService.open(postgres.url, schema=schema, follow=False, privacy="full") as analytics:
        analytics.record_events(events()).unwrap()
        analytics.catch_up()
        postgres.run("ANALYZE")
        place = Tables(postgres.url, schema)
        assert "(statistics)" in holders(place, [ADA])[ADA]

        analytics.forget(ADA, fields=["prompt"]).unwrap()

        assert holders(place, [ADA]).get(ADA, []) == []  # also of costs, which are priced anew when somebody asks


@pytest.mark.parametrize("table", ["costs_priced", "budgets_shown", "sealed_rows", "vault", "usage_v4"])
def test_on_postgres_statistics_of_a_table_that_has_become_empty_are_made_anew(postgres: Server, table: str) -> None:
    schema = postgres.schema()
    with AnalyticsService.open(postgres.url, schema=schema, follow=False, privacy="full") as analytics:
        database = analytics.store.log.database  # type: ignore[attr-defined]
        with database.connect() as connection:
            columns = connection.execute(COLUMNS, [table]).fetchall()
            for n in range(3):
                row = {name: n if kind == "N" else NEUTRAL.get(kind, f"{ADA} {n}") for name, kind in columns}
                connection.execute(INSERT.format(Identifier(table)), [json.dumps(row)])
            connection.execute(SQL("ANALYZE {}").format(Identifier(table)))
            connection.execute(SQL("DELETE FROM {}").format(Identifier(table)))
        assert holders(Tables(postgres.url, schema), [ADA])[ADA] == ["(statistics)"]

        assert database.scrub([table])

        assert holders(Tables(postgres.url, schema), [ADA]) == {}
        assert postgres.run(f"SELECT count(*) FROM {schema}.{table}") == [(0,)]


def test_on_postgres_a_pseudonym_is_untied_in_every_page(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYTICS_ES_VAULT_KEY", "ab" * 32)
    schema = postgres.schema()
    with AnalyticsService.open(postgres.url, schema=schema, follow=False, privacy="pseudonymous") as analytics:
        analytics.record_events(events()).unwrap()
        analytics.catch_up()
        digest = analytics.store.vault._digest("user", ADA)
        if postgres.ours:
            assert digest in _pages(postgres, schema)
            assert ADA.encode() not in _pages(postgres, schema)

        assert analytics.forget(ADA).unwrap().vault_entries == 1

        assert ADA not in _cells(postgres, schema)
        if postgres.ours:
            assert digest not in _pages(postgres, schema)


def test_on_postgres_a_role_that_may_not_vacuum_forgets_and_is_told_what_remains(
    postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYTICS_ES_VAULT_KEY", "ab" * 32)
    schema = postgres.schema()
    role = f"role_{schema}"
    with AnalyticsService.open(postgres.url, schema=schema, follow=False, privacy="full") as analytics:
        analytics.record_events(events()).unwrap()
    postgres.run(f"CREATE ROLE {role} LOGIN")
    postgres.run(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
    postgres.run(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}")

    url = postgres.url.replace("postgres:@", f"{role}@")
    try:
        with AnalyticsService.open(url, schema=schema, follow=False, privacy="full") as analytics:
            receipt = analytics.forget(ADA, fields=["prompt"]).unwrap()
    finally:
        postgres.run(f"DROP OWNED BY {role}")
        postgres.run(f"DROP ROLE {role}")

    assert ADA not in _cells(postgres, schema)
    assert [each for each in receipt.remains if "until somebody who may" in each] == [
        receipt.remains[0],
        receipt.remains[2],
        "the pages of the table vault, until somebody who may does VACUUM FULL vault",
    ]


@pytest.mark.store("sqlite", "postgres")
@pytest.mark.parametrize(
    "subject", ["Zoë Müller", 'Ada "the countess" King', "acme/ada"], ids=["letters", "quotes", "slash"]
)
def test_a_name_in_json_that_is_a_text_is_told_however_it_is_escaped(analytics: AnalyticsService, subject: str) -> None:
    inner = json.dumps({"name": subject}).replace("acme/", "acme\\/")
    analytics.record_event(**tool_call(attributes={"tool_input": inner, "again": json.dumps({"of": inner})})).unwrap()

    receipt = analytics.forget(subject).unwrap()

    assert receipt.other_spellings == {"data.attributes.tool_input": 1, "data.attributes.again": 1}
    assert receipt.mentions == {}


@pytest.mark.parametrize("field", ["rules.path", "policy.daily", "tags", "preset"])
def test_what_the_store_goes_by_is_never_masked_nor_mentioned_for_a_part_of_a_word(tmp_path: Path, field: str) -> None:
    settings: dict[str, Any] = {"privacy": {"rules": {"attributes.ada_salary": "drop"}}, "retention": {"events": "90d"}}
    with AnalyticsService.open(tmp_path / "a.db", follow=False, tags=["level"], **settings) as service:
        service.record_event("job.completed", {"user_id": "eve"}).unwrap()
        receipt = service.forget("eve", fields=[field]).unwrap()
        assert "data.rules.path" not in receipt.mentions
        assert service.forget("ada", fields=[field]).unwrap().mentions["data.rules.path"] == 1

    with AnalyticsService.open(tmp_path / "a.db", follow=False) as service:
        service.record_event("job.completed", {"user_id": "grace"}).unwrap()
        assert service.verify().unwrap().identical
