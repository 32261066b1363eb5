"""pi's sessions: totals with their parts, what pi says a call cost, forks, and files of the first version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.events.fields import CONTRADICTION
from analytics_es.ingest.files import read_mapping
from analytics_es.ingest.files import rows as read_rows
from tests.ingest.sessions.ledger import CALL, Json, Ledger, tokens_of, write

pytestmark = pytest.mark.store(tags=["machine", "project"])  # as a ledger has them

BEGAN = 1_777_629_600_000  # 2026-05-01 10:00 UTC
MAPPING = Path(__file__).parents[3] / "docs/examples/pi_session.toml"


@pytest.fixture
def ledger(analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setenv("PI_CODING_AGENT_DIR", str(tmp_path / "pi"))
    return Ledger(analytics, tmp_path, ("pi",))


@pytest.fixture
def sessions(tmp_path: Path) -> Path:
    return tmp_path / "pi/sessions"


def header(id: str = "s1", at: str = "2026-05-01T10:00:00.000Z", cwd: str = "/srv/shop", **changes: Any) -> Json:
    return {"type": "session", "version": 3, "id": id, "timestamp": at, "cwd": cwd, **changes}


def entry(id: str | None = "a1b2c3d4", **changes: Any) -> Json:
    usage = {"input": 3, "output": 191, "cacheRead": 10, "cacheWrite": 1684, "totalTokens": 1888}
    usage |= {"cost": {"total": 0.009192}, **changes.pop("usage", {})}
    message = {"role": "assistant", "content": [], "provider": "anthropic", "model": "claude-sonnet-4-5"}
    message |= {"usage": usage, "stopReason": "stop", "timestamp": BEGAN, **changes}
    told = {"type": "message", "id": id, "timestamp": "2026-05-01T10:00:05.000Z", "message": message}
    return {name: said for name, said in told.items() if said is not None}


def test_the_input_holds_what_was_read_from_the_cache_and_written_to_it(ledger: Ledger, sessions: Path) -> None:
    write(sessions / "--srv-shop--/1_s1.jsonl", [header(), entry()])

    ledger.read()

    assert tokens_of(ledger.call()) == {"input": 1697, "output": 191, "cache_read": 10, "cache_creation": 1684}


def test_what_was_cached_is_beside_the_input_even_where_it_could_be_within(ledger: Ledger, sessions: Path) -> None:
    plain = entry(usage={"input": 5000, "totalTokens": None})
    write(sessions / "--srv-shop--/1_s1.jsonl", [header(), plain])

    ledger.read()

    assert tokens_of(ledger.call())["input"] == 6694
    assert CONTRADICTION not in ledger.call()["attributes"]


def test_it_tells_what_the_mapping_of_the_guide_does(ledger: Ledger, sessions: Path, tmp_path: Path) -> None:
    """One call, as pi keeps it, and as the rows that docs/examples/pi_session.toml maps."""
    write(sessions / "--srv-shop--/1_s1.jsonl", [header(), entry(stopReason="aborted")])
    told = {"type": CALL, "ts": "2026-05-01T10:00:05.000Z", "session": "s1", "seq": 1, "provider": "anthropic"}
    told |= {"model": "claude-sonnet-4-5", "input": 3, "output": 191, "cache_read": 10, "cache_write": 1684}
    told |= {"duration_ms": 5000, "cost": 0.009192, "stop": "aborted", "tool": None, "error": None}
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(told) + "\n")

    (row,) = read_rows(file, read_mapping(MAPPING))
    ledger.read()

    by_mapping, by_us = row.event["data"], ledger.call()
    shared = by_mapping.keys() - {"attributes", "user_id"}
    assert {name: by_us[name] for name in shared} == {
        name: str(by_mapping[name]) if name == "cost" else by_mapping[name] for name in shared
    }


def test_a_cost_of_nothing_is_none_that_is_known(ledger: Ledger, sessions: Path) -> None:
    write(sessions / "--srv-shop--/1_s1.jsonl", [header(), entry(usage={"cost": {"total": 0}})])

    ledger.read()

    assert "cost" not in ledger.call()


@pytest.mark.parametrize("folder", ["--a--", "--z--"], ids=["the fork is read first", "the fork is read last"])
def test_a_fork_has_the_entries_of_its_origin_which_count_once_and_there(
    ledger: Ledger, sessions: Path, folder: str
) -> None:
    """ccusage 20.0.24 counts them in each file."""
    write(sessions / "--m--/1_s1.jsonl", [header(), entry()])
    forked = header("s2", "2026-05-01T11:00:00.000Z", "/srv/till", parentSession="/srv/sessions/1_s1.jsonl")
    write(sessions / f"{folder}/2_s2.jsonl", [forked, entry()])

    ledger.read()

    call = ledger.call()
    assert (call["conversation_id"], call["attributes"]["project"]) == ("s1", "shop")


def test_one_short_id_in_two_sessions_is_two_calls(ledger: Ledger, sessions: Path) -> None:
    write(sessions / "--m--/1_s1.jsonl", [header(), entry()])
    write(sessions / "--m--/2_s2.jsonl", [header("s2"), {**entry(), "timestamp": "2026-05-01T10:00:06.000Z"}])

    ledger.read()

    assert len(ledger.calls()) == 2


def test_of_a_folder_no_more_than_its_name_is_kept_between_looks(ledger: Ledger, sessions: Path) -> None:
    write(sessions / "--srv-shop--/1_s1.jsonl", [header(cwd="/srv/secret-customer/shop"), entry()])

    ledger.read()

    state = b"".join(path.read_bytes() for path in ledger.folder.glob("state.db*"))
    assert (ledger.call()["attributes"]["project"], b"secret-customer" in state) == ("shop", False)


@pytest.mark.parametrize("forgets", [False, True])
def test_a_file_whose_entries_get_ids_adds_nothing(ledger: Ledger, sessions: Path, forgets: bool) -> None:
    """pi writes a file of the first version anew, with ids, when its session is opened again."""
    path = write(sessions / "--srv-shop--/1_s1.jsonl", [header(), entry(None)])
    ledger.read()
    if forgets:
        ledger.lose_state()
    write(path, [header(), entry("a1b2c3d4"), {**entry("b2c3d4e5"), "timestamp": "2026-05-02T10:00:06.000Z"}])

    ledger.read()

    assert len(ledger.calls()) == 2


def test_an_answer_that_was_stopped_before_it_cost_anything_is_counted_and_no_call(
    ledger: Ledger, sessions: Path
) -> None:
    nothing = {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0, "totalTokens": 0}
    write(sessions / "--srv-shop--/1_s1.jsonl", [header(), entry(usage=nothing, stopReason="aborted")])

    report = ledger.read()

    assert (ledger.calls(), report.skipped) == ({}, {"answer without usage: it was stopped": 1})
