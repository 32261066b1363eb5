"""The policy of privacy and the retention are the store's: who opens it without saying one takes over what it has."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from analytics_es import AnalyticsService
from analytics_es.cli import main
from analytics_es.errors import NotReadable
from analytics_es.ingest import InProcessBus, in_force
from analytics_es.ingest.in_force import CONFIGURED, POLICY
from analytics_es.ingest.privacy import PrivacyPolicy
from analytics_es.lifecycle.retention import RETENTION, RETENTION_CONFIGURED, RetentionPolicy
from analytics_es.log import Entry
from analytics_es.testing import NOON, provider_call
from tests.former_presets import FINGERPRINTS, FORMER, former
from tests.stores import data_of, found_in, opened, policies, recorded

both = pytest.mark.store("sqlite", "postgres")
ADA = "ada@example.com"
OWN = {"preset": "anonymous", "rules": {"*.comment": "keep", "tenant_id": "pseudonymise", "attributes.x": "drop"}}
SAID: list[Any] = ["full", "pseudonymous", "anonymous", OWN, {"rules": {"a": "drop"}, "names": True}]


@pytest.fixture
def cli() -> Callable[..., Any]:
    def run(*words: object) -> Any:
        result = CliRunner().invoke(main, [*map(str, words)])
        assert result.exit_code == 0, result.output
        return result

    return run


def call(**more: Any) -> dict[str, Any]:
    return provider_call(user_id=ADA, tenant_id="acme", prompt="Who am I, Ada?", comment="well done", **more)


def left(analytics: AnalyticsService) -> dict[str, Any]:
    """Return what is stored of a call that is recorded now."""
    analytics.record_event(**call()).unwrap()
    return data_of(analytics, "provider.call.completed")[-1]


# ── privacy ─────────────────────────────────────────────────────────────────────────────────────────────────────


@both
@pytest.mark.parametrize("privacy", SAID, ids=str)
def test_a_policy_is_taken_over_as_it_is(url: str, privacy: Any) -> None:
    with opened(url, privacy=privacy) as saying:
        expected = left(saying)
        told = policies(saying)
    with opened(url) as other:
        assert other.store.policy == PrivacyPolicy.of(privacy)
        assert other.store.vault.keeps_names == PrivacyPolicy.of(privacy).names
        assert left(other) == expected
        assert policies(other) == told


@pytest.mark.parametrize("privacy", SAID, ids=str)
def test_the_command_line_without_settings_takes_it_over(path: Path, cli: Callable[..., Any], privacy: Any) -> None:
    with opened(path, privacy=privacy) as saying:
        expected = left(saying)

    cli("record", "provider.call.completed", "--data", json.dumps(call()["data"]), "--db", path)

    with opened(path) as other:
        assert data_of(other, "provider.call.completed") == [expected, expected]


@pytest.mark.parametrize("way", ["batch", "buffer", "bus", "import"])
def test_every_door_takes_it_over(path: Path, way: str) -> None:
    with opened(path, privacy=OWN) as saying:
        expected = left(saying)
    with opened(path) as other:
        event = call()
        if way == "batch":
            other.record_events([event] * 3).unwrap()
        elif way == "buffer":
            with other.buffered() as buffer:
                buffer.record_event(**event).unwrap()
        elif way == "bus":
            with other.subscribe_to(bus := InProcessBus()):
                bus.publish(event["event_type"], event["data"])
        else:
            from analytics_es.ingest.files import ImportedRow

            other.importing().record([ImportedRow(row=1, event=event, error=None)])

        assert all(data == expected for data in data_of(other, "provider.call.completed"))
        assert len(data_of(other, "provider.call.completed")) == (4 if way == "batch" else 2)


@pytest.mark.parametrize("preset", FORMER)
def test_a_preset_of_before_stays_as_it_was_until_somebody_says_one(path: Path, preset: str) -> None:
    with opened(path, privacy=former(preset)) as before:
        expected = left(before)
        assert before.store.log.noted(POLICY) == FINGERPRINTS[preset]

    with opened(path) as now:
        assert now.store.policy.rules == FORMER[preset]
        assert left(now) == expected
    with opened(path, privacy=preset) as said:
        left(said)
        assert said.store.policy == PrivacyPolicy.of(preset)
        assert said.store.log.noted(POLICY) == PrivacyPolicy.of(preset).fingerprint
    with opened(path) as later:
        assert later.store.policy == PrivacyPolicy.of(preset)


def test_where_nothing_was_told_it_is_the_default_and_is_told(path: Path) -> None:
    with opened(path) as analytics:
        left(analytics)
        assert policies(analytics) == [(1, "pseudonymous")]


def test_a_log_that_was_never_told_of_any_gets_the_default_as_ever(path: Path) -> None:
    with opened(path, privacy="full") as old:
        old.store.log.append([old.store.recorder.door.write(**call())])  # of a version that noted nothing
    with opened(path) as now:
        assert left(now)["user_id"] != ADA
        assert policies(now) == [(2, "pseudonymous")]


@both
def test_a_weaker_one_that_is_said_is_told_of_and_taken_over_from_then_on(url: str) -> None:
    for privacy in ("anonymous", "full"):
        with opened(url, privacy=privacy) as saying:
            left(saying)
    with opened(url) as other:
        assert policies(other) == [(1, "anonymous"), (3, "full")]
        assert left(other)["user_id"] == ADA


@both
def test_who_only_asks_changes_nothing(url: str) -> None:
    with opened(url, privacy="anonymous") as saying:
        left(saying)
    with opened(url, privacy="full", retention={"events": "90d"}) as asking:
        asking.catch_up()
        assert asking.store.log.head() == 2
    with opened(url) as other:
        assert other.store.policy.preset == "anonymous"


@both
@pytest.mark.parametrize("said", ["full", "anonymous", OWN], ids=str)
def test_who_said_nothing_follows_what_another_process_says(
    url: str, said: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_force, "LOOK_SECONDS", 0.0)
    with opened(url) as silent:
        left(silent)
        with opened(url, privacy=said) as saying:
            expected = left(saying)
        told = policies(silent)

        assert left(silent) == expected
        silent.record_events([call()] * 3).unwrap()
        with silent.buffered() as buffer:
            buffer.record_event(**call()).unwrap()
        with silent.subscribe_to(bus := InProcessBus()):
            bus.publish(call()["event_type"], call()["data"])
        assert data_of(silent, "provider.call.completed")[2:] == [expected] * 6
        assert silent.store.policy == PrivacyPolicy.of(said)
        assert policies(silent) == told


@both
def test_the_default_gives_way_to_what_another_process_says_in_the_same_moment(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(url) as silent, opened(url, privacy="anonymous") as saying:
        commit = silent.store.recorder._commit

        def late(*arguments: Any) -> Any:
            monkeypatch.setattr(type(silent.store.recorder), "_commit", original)
            left(saying)
            return commit(*arguments)

        original = type(silent.store.recorder)._commit
        monkeypatch.setattr(type(silent.store.recorder), "_commit", lambda _, *arguments: late(*arguments))
        left(silent)

        assert "user_id" not in left(silent)
        assert [preset for _, preset in policies(saying)] == ["anonymous", "pseudonymous", "anonymous"]
    with opened(url) as later:
        assert later.store.policy.preset == "anonymous"


@both
def test_who_said_one_keeps_it(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_force, "LOOK_SECONDS", 0.0)
    with opened(url, privacy="anonymous") as first, opened(url, privacy="full") as other:
        before = left(first)
        assert left(other)["user_id"] == ADA
        assert left(first) == before


@both
def test_names_are_kept_from_then_on_where_a_policy_is_followed_that_says_so(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_force, "LOOK_SECONDS", 0.0)
    with opened(url) as silent:
        pseudonym = left(silent)["user_id"]
        assert silent.names_of([pseudonym]).unwrap().unnamed == [pseudonym]
        with opened(url, privacy={"names": True}) as saying:
            left(saying)
        silent.forget_names().unwrap()
        silent.record_event(**provider_call(user_id="grace")).unwrap()
        grace = data_of(silent, "provider.call.completed")[-1]["user_id"]

        assert silent.names_of([grace]).unwrap().names == {grace: "grace"}


def put(analytics: AnalyticsService, event_type: str, data: Any, note: dict[str, str]) -> None:
    """Append what another version may have told of."""
    entry = analytics.store.recorder.own_door.write(event_type, data)
    analytics.store.log.append([entry], notes=note)


NEWER: list[Any] = [
    {"preset": "shy", "rules": [{"path": "user_id", "action": "whisper"}], "fingerprint": "f"},
    {"preset": "full", "rules": [], "louder": True, "fingerprint": "f"},
    {"preset": "full", "rules": [{"path": "a", "action": "drop"}], "fingerprint": "f"},  # is not what is noted
    {"fingerprint": "f"},
]


@both
@pytest.mark.parametrize("data", NEWER, ids=str)
def test_a_policy_that_cannot_be_read_is_an_error_and_never_the_default(url: str, data: Any) -> None:
    with opened(url, privacy="anonymous") as analytics:
        left(analytics)
        put(analytics, CONFIGURED, data, {POLICY: "f"})

    with pytest.raises(NotReadable, match=r"policy of privacy .* cannot be read"):
        opened(url)
    with opened(url, privacy="anonymous") as said:
        assert "user_id" not in left(said)
    with opened(url) as later:
        assert later.store.policy.preset == "anonymous"


def test_one_that_cannot_be_read_while_a_store_is_open_is_logged_and_not_followed(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(in_force, "LOOK_SECONDS", 0.0)
    with opened(path) as analytics:
        before = left(analytics)
        put(analytics, CONFIGURED, NEWER[0], {POLICY: "f"})

        assert left(analytics) == before
        assert "cannot be read" in caplog.text


def test_what_only_looks_like_a_policy_is_ignored(path: Path) -> None:
    with opened(path, privacy="anonymous") as analytics:
        left(analytics)
        full = orjson.dumps({"data": PrivacyPolicy.of({"preset": "full", "rules": {"a": "drop"}}).to_dict()})
        analytics.store.log.append([Entry("0" * 32, CONFIGURED, state) for state in (full,)])
    with opened(path) as later:
        assert later.store.policy.preset == "anonymous"


def test_settings_that_only_say_where_the_key_is_say_no_policy(tmp_path: Path, path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(f'[privacy]\nvault_key = "{tmp_path}/analytics.vault.key"\n[retention]\n')
    with opened(path, privacy=OWN, retention={"events": "90d"}) as saying:
        expected = left(saying)

    with opened(path, settings=settings) as other:
        assert left(other) == expected
        assert other._parts.retention.events == {"": 90}


def test_a_backup_has_the_policy_and_the_retention_of_its_store(path: Path, tmp_path: Path) -> None:
    with opened(path, privacy=OWN, retention={"events": "90d"}) as saying:
        left(saying)
        saying.back_up(tmp_path / "copy.db").unwrap()
    with opened(tmp_path / "copy.db") as copy:
        assert copy.store.policy == PrivacyPolicy.of(OWN)
        assert copy._parts.retention.events == {"": 90}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[privacy]\npreset = "full"', "privacy anonymous → privacy full"),
        ('[privacy]\npreset = "anonymous"\n[privacy.rules]\n"a" = "drop"', "privacy anonymous with other rules"),
        ('[retention]\nevents = "30d"', "retention events 90d → retention events 30d"),
        ('[privacy]\npreset = "anonymous"\n[retention]\nevents = "90d"', None),
    ],
)
def test_the_command_line_says_what_its_settings_change(
    path: Path, tmp_path: Path, cli: Callable[..., Any], text: str, line: str | None
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(text)
    with opened(path, privacy="anonymous", retention={"events": "90d"}) as saying:
        left(saying)

    told = cli("usage", "user", "--db", path, "--config", settings).stderr

    assert [part for part in told.splitlines() if "note: this store was kept under" in part] == (
        [f"note: this store was kept under {line} as {settings} says, from the next event that is recorded so"]
        if line
        else []
    )


def test_names_stay_out_of_every_byte_where_the_command_line_imports(
    path: Path, tmp_path: Path, cli: Callable[..., Any]
) -> None:
    with opened(path, privacy={"rules": {"*.nickname": "drop"}}) as saying:
        left(saying)
    rows = tmp_path / "rows.jsonl"
    row = {"specversion": "1.0", "id": "1", "source": "s", "type": "a.b", "time": NOON.isoformat()}
    rows.write_text(json.dumps({**row, "data": {"nickname": "adalovelace"}}))

    cli("import", rows, "--db", path)
    rows.unlink()

    assert found_in(tmp_path, "adalovelace") == []


# ── retention ───────────────────────────────────────────────────────────────────────────────────────────────────


@both
def test_a_retention_that_was_said_is_the_store_s(url: str) -> None:
    lengths = {"events": "90d", "tool.*": "30d", "hourly": "400d"}
    with opened(url, retention=lengths) as saying:
        assert RETENTION.of(saying.store.log) is None
        left(saying)
        assert data_of(saying, RETENTION_CONFIGURED) == [RetentionPolicy.of(lengths).to_dict()]
    with opened(url) as other:
        assert other._parts.retention == RetentionPolicy.of(lengths)
        left(other)
        assert len(data_of(other, RETENTION_CONFIGURED)) == 1
    with opened(url, retention={}) as forever:
        left(forever)
        assert len(data_of(forever, RETENTION_CONFIGURED)) == 2
    with opened(url) as later:
        assert later._parts.retention == RetentionPolicy()


def test_a_store_of_before_that_was_told_of_none_keeps_everything(path: Path) -> None:
    with opened(path) as analytics:
        left(analytics)
        assert analytics._parts.retention == RetentionPolicy()
        assert data_of(analytics, RETENTION_CONFIGURED) == []
        assert analytics.retain().unwrap().events == 0


@both
def test_the_command_line_retains_by_what_the_store_has(url: str, cli: Callable[..., Any]) -> None:
    with opened(url, retention={"events": "30d"}) as saying:
        saying.record_event(**provider_call()).unwrap()
        saying.record_event("job.completed", {}).unwrap()

    cli("retain", "--db", url, "--yes")

    with opened(url) as other:
        assert [event.type for event in recorded(other) if not event.type.startswith("analytics.")] == ["job.completed"]


def test_a_retention_is_told_of_before_anything_goes(path: Path) -> None:
    with opened(path) as before:
        before.record_event(**provider_call()).unwrap()
    with opened(path, retention={"events": "30d"}) as saying:
        saying.retain(dry_run=True).unwrap()
        assert data_of(saying, RETENTION_CONFIGURED) == []
        saying.retain().unwrap()
        types = [event.type for event in recorded(saying) if event.type.startswith("analytics.")]
        assert types == [RETENTION_CONFIGURED, "analytics.events.sealed"]


def test_lengths_of_one_run_are_of_that_run_alone(path: Path) -> None:
    with opened(path, retention={"events": "90d"}) as saying:
        left(saying)
        saying.retain({"events": "30d"}).unwrap()
        assert [data["events"] for data in data_of(saying, RETENTION_CONFIGURED)] == ["90d"]


def test_the_archive_is_the_same_place_for_everybody(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with opened(path, retention={"events": "90d", "archive": "kept"}) as saying:
        left(saying)
    with opened(path) as other:
        assert other._parts.retention.archive == str(tmp_path / "kept")
    with opened(path, retention={"events": "90d", "archive": "kept"}) as again:
        left(again)
        assert len(data_of(again, RETENTION_CONFIGURED)) == 1


@both
def test_a_retention_that_cannot_be_read_lets_nothing_go(url: str) -> None:
    with opened(url) as analytics:
        left(analytics)
        put(analytics, RETENTION_CONFIGURED, {"events": "90 moons"}, {RETENTION.note: "f"})
    with opened(url) as other:
        failure = other.retain().failure
        assert failure and failure.code == "not_readable"
        assert other.retain({"events": "forever"}).ok
        left(other)  # recording goes on


@both
def test_where_the_name_of_what_is_noted_was_damaged_no_other_policy_is_taken(url: str) -> None:
    with opened(url, privacy="anonymous") as saying:
        left(saying)
        log = saying.store.log
        noted = log.noted(POLICY)
        log.note(POLICY, None)
        log.note("pri6acy", noted)

    with pytest.raises(NotReadable):
        opened(url)
