"""The settings file: what it may say, and who wins."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.cli import main
from analytics_es.errors import BadSettings
from analytics_es.ingest.privacy import PrivacyPolicy
from analytics_es.lifecycle.retention import RetentionPolicy
from analytics_es.service.settings import Settings, read_settings
from analytics_es.testing import NOON, provider_call, tool_call
from tests.stores import policies, recorded


def settings(folder: Path, text: str) -> Path:
    path = folder / "analytics.toml"
    path.write_text(text)
    return path


def test_a_settings_file_says_the_policy_and_where_the_key_is(tmp_path: Path) -> None:
    path = settings(
        tmp_path, '[privacy]\npreset = "anonymous"\nvault_key = "keys/vault"\n[privacy.rules]\n"user_id" = "keep"\n'
    )

    assert read_settings(path) == Settings(
        privacy=PrivacyPolicy.of({"preset": "anonymous", "rules": {"user_id": "keep"}}),
        vault_key=tmp_path / "keys" / "vault",
    )


def test_code_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    path = settings(tmp_path, '[privacy]\npreset = "anonymous"')

    with AnalyticsService.open(":memory:", settings=path) as by_file:
        assert by_file.store.policy.preset == "anonymous"
    with AnalyticsService.open(":memory:", settings=path, privacy="full") as by_code:
        assert by_code.store.policy.preset == "full"
    with AnalyticsService.open(":memory:", settings=settings(tmp_path, "")) as default:
        assert default.store.policy.preset == "pseudonymous"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[privaty]", "there is no table 'privaty': use privacy, retention"),
        ("privacy = 3", "privacy must be a table: write [privacy]"),
        ("[privacy]\npresets = 'full'", "there is no key privacy.presets: use preset, rules, names, vault_key"),
        ("[privacy]\npreset = 'none'", "privacy: 'none' is not a preset: use full, pseudonymous, anonymous"),
        ("[privacy]\nvault_key = 3", "privacy.vault_key must be the path of a file"),
        ("[privacy", "is not TOML"),
        ("[retention]\nevent = '9d'", "retention: The retention of event is none of events, hourly"),
        ("[identity]\nstrict_ids = 'agents'", "identity.strict_ids must be true, false or a list of sources"),
        ("[identity]\nstrict_ids = ['a*b']", "identity.strict_ids: there is no source 'a*b'"),
        ("[identity]\nstrict_ids = [3]", "identity.strict_ids: there is no source 3"),
        ("[identity]\nstrict = true", "there is no key identity.strict: use strict_ids"),
        ("[retention]\narchive = 3", "retention: The retention of archive is 3: write the path"),
    ],
)
def test_what_a_settings_file_may_not_say_is_refused_with_what_it_may(tmp_path: Path, text: str, problem: str) -> None:
    path = settings(tmp_path, text)

    with pytest.raises(BadSettings) as caught:
        AnalyticsService.open(tmp_path / "a.db", settings=path)

    assert str(path) in str(caught.value)
    assert problem in str(caught.value)
    assert not (tmp_path / "a.db").exists()


def test_a_settings_file_says_the_retention_and_an_archive_beside_it(tmp_path: Path) -> None:
    path = settings(tmp_path, '[retention]\nevents = "90d"\nhourly = "400d"\narchive = "kept"')

    with AnalyticsService.open(":memory:", settings=path, follow=False) as by_file:
        assert by_file._parts.retention.to_dict() == {
            "events": "90d",
            "hourly": "400d",
            "daily": "forever",
            "archive": str(tmp_path / "kept"),
        }
    with AnalyticsService.open(":memory:", settings=path, retention={}, follow=False) as by_code:
        assert by_code._parts.retention == RetentionPolicy()


def test_the_command_line_retains_by_its_settings(tmp_path: Path) -> None:
    path, db = settings(tmp_path, '[retention]\nevents = "90d"'), str(tmp_path / "a.db")
    with AnalyticsService.open(db, follow=False) as analytics:
        analytics.record_event(**provider_call()).unwrap()

    main(["retain", "--db", db, "--config", str(path), "--yes"], standalone_mode=False)

    with AnalyticsService.open(db, follow=False) as analytics:
        assert analytics.store.log.seals.days() != []


@pytest.mark.parametrize(
    ("text", "options", "strict"),
    [
        ('strict_ids = ["agents"]', {}, {"agents"}),
        ("strict_ids = true", {}, {"agents", "bus"}),
        ('strict_ids = ["agents"]', {"strict_ids": ["b*"]}, {"bus"}),
        ('strict_ids = ["agents"]', {"strict_ids": False}, set()),
        ("strict_ids = false", {"strict_ids": True}, {"agents", "bus"}),
        ("", {"strict_ids": "bus"}, {"bus"}),
        ("", {}, set()),
    ],
)
def test_a_settings_file_says_for_whom_ids_are_strict_and_code_wins(
    tmp_path: Path, text: str, options: dict[str, Any], strict: set[str]
) -> None:
    path = settings(tmp_path, f"[identity]\n{text}")

    with AnalyticsService.open(tmp_path / "a.db", settings=path, follow=False, **options) as analytics:
        for source in ("agents", "bus"):
            for hour in (0, 1):
                at = NOON + timedelta(hours=hour)
                receipt = analytics.record_event(**tool_call(occurred_at=at), id="1", source=source).unwrap()
            assert receipt.duplicate == (source in strict)


def test_a_settings_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"no\.toml: cannot be read: No such file"):
        read_settings(tmp_path / "no.toml")
    (tmp_path / "latin").write_bytes(b"# \xff")
    with pytest.raises(BadSettings, match="is not TOML"):
        read_settings(tmp_path / "latin")


def test_the_command_line_takes_its_settings_from_an_option_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, db = settings(tmp_path, '[privacy]\npreset = "anonymous"'), str(tmp_path / "a.db")
    words = ["record", "job.completed", "--data", '{"user_id": "ada@example.com"}', "--db", db]

    main([*words, "--config", str(path)], standalone_mode=False)
    monkeypatch.setenv("ANALYTICS_ES_CONFIG", str(path))
    main(words, standalone_mode=False)

    with AnalyticsService.open(db, follow=False) as analytics:
        assert policies(analytics) == [(1, "anonymous")]
        assert [event.data for event in recorded(analytics)] == [{}, {}]
