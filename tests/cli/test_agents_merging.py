"""Ledgers merge by identity: through files, or as several machines read into one PostgreSQL."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.testing import provider_call
from tests.cli.conftest import Cli
from tests.ingest.sessions.ledger import write
from tests.servers import Server
from tests.stores import opened, recorded

CALLS = ("provider.call.completed",)
ENDINGS = (".jsonl", ".jsonl.gz", ".parquet")


def line(number: int, *, final: bool = True, output: int = 50) -> dict[str, Any]:
    usage = {"input_tokens": 3, "output_tokens": output, "cache_read_input_tokens": 100}
    content = [{"type": "tool_use", "id": f"toolu_{number}", "name": "Read", "input": {"file": "/secret"}}]
    return {
        "type": "assistant",
        "timestamp": f"2026-05-01T10:{number:02}:00Z",
        "sessionId": "s1",
        "requestId": f"req_{number}",
        "version": "2.1.300",
        "cwd": "/home/ada/code/shop",
        "message": {
            "id": f"msg_{number}",
            "model": "claude-sonnet-4-5",
            "stop_reason": "end_turn" if final else None,
            "usage": usage,
            "content": content,
        },
    }


def result(number: int) -> dict[str, Any]:
    content = [{"type": "tool_result", "tool_use_id": f"toolu_{number}", "content": "said"}]
    about = {"timestamp": f"2026-05-01T10:{number:02}:01Z", "sessionId": "s1", "cwd": "/home/ada/code/shop"}
    return {"type": "user", **about, "message": {"role": "user", "content": content}}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Be a machine with some sessions of Claude Code, and nothing else."""
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "CODEX_HOME", "ANALYTICS_ES_AGENTS_DB"):
        monkeypatch.delenv(name, raising=False)

    def be(name: str, *lines: dict[str, Any]) -> Path:
        home = tmp_path / name
        if lines:
            write(home / ".claude" / "projects" / "shop" / "s1.jsonl", lines)
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("ANALYTICS_ES_MACHINE", name)
        monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
        return home

    return be


def read(cli: Cli, db: object, *words: str) -> None:
    done = cli("agents", "--final", "--db", db, "--tz", "UTC", *words, "--json")
    assert done.exit_code == 0, done.output


def merge(cli: Cli, db: object, *files: object, code: int = 0) -> dict[str, Any]:
    done = cli("agents", "import", *files, "--db", db, "--tz", "UTC", "--json")
    assert done.exit_code == code, done.output
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def counts(answer: dict[str, Any]) -> list[tuple[int, int, int, int]]:
    return [(file["new"], file["there"], file["differing"], file["refused"]) for file in answer["files"]]


def exported(cli: Cli, db: object, file: Path, *words: str) -> Path:
    done = cli("agents", "export", file, "--db", db, *words)
    assert done.exit_code == 0, done.output
    return file


def contents(db: object) -> list[tuple[Any, ...]]:
    with opened(str(db)) as service:
        events = [event for event in recorded(service) if not event.type.startswith("analytics.")]
    return sorted((event.source, event.id, event.type, event.occurred_at, json.dumps(event.data)) for event in events)


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_ledger_in_another_one_is_the_same_and_again_adds_nothing(
    cli: Cli, tmp_path: Path, machine: Any, ending: str
) -> None:
    machine("desk", line(1), result(1), line(2))
    read(cli, "desk.db")
    file = exported(cli, "desk.db", tmp_path / f"desk{ending}")

    first, again, back = (merge(cli, db, file) for db in ("other.db", "other.db", "desk.db"))

    assert (counts(first), counts(again), counts(back)) == ([(3, 0, 0, 0)], [(0, 3, 0, 0)], [(0, 3, 0, 0)])
    assert contents("other.db") == contents("desk.db")


def test_what_went_to_another_ledger_and_came_back_says_nothing_else(cli: Cli, tmp_path: Path, machine: Any) -> None:
    machine("desk", line(1), line(2))
    read(cli, "desk.db")
    merge(cli, "other.db", exported(cli, "desk.db", tmp_path / "there.jsonl"))

    back = merge(cli, "desk.db", exported(cli, "other.db", tmp_path / "back.jsonl.gz"))

    assert (counts(back), back["differences"]) == ([(0, 2, 0, 0)], [])


def test_the_same_session_read_on_two_machines_counts_once_and_differs_in_no_figure(
    cli: Cli, tmp_path: Path, machine: Any
) -> None:
    machine("desk", line(1), line(2))
    read(cli, "desk.db")
    machine("laptop", line(1), line(2), line(3))
    read(cli, "laptop.db")

    answer = merge(cli, "desk.db", exported(cli, "laptop.db", tmp_path / "laptop.jsonl"))

    assert (counts(answer), answer["differences"]) == ([(1, 2, 0, 0)], [])
    with opened("desk.db") as service:
        machines = [event.data["attributes"]["machine"] for event in recorded(service, *CALLS)]
    assert machines == ["desk", "desk", "laptop"]


def test_machines_tell_cost_apart(cli: Cli, tmp_path: Path, machine: Any) -> None:
    machine("desk", line(1))
    read(cli, "desk.db")
    machine("laptop", line(2), line(3))
    read(cli, "laptop.db")
    merge(cli, "desk.db", exported(cli, "laptop.db", tmp_path / "laptop.jsonl"))

    asked = (
        "cost",
        "--db",
        "desk.db",
        "--from",
        "2026-05-01",
        "--to",
        "2026-05-02",
        "--by",
        "attributes.machine",
        "--json",
    )
    done = cli(*asked)
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)["rows"]

    assert {row["keys"]["attributes.machine"]: row["calls"] for row in rows} == {"desk": 1, "laptop": 2}


def test_a_call_that_is_partial_here_and_whole_there_stays_and_is_named(cli: Cli, tmp_path: Path, machine: Any) -> None:
    machine("desk", line(1, final=False, output=1))
    read(cli, "desk.db")
    machine("laptop", line(1, output=159))
    read(cli, "laptop.db")
    file = exported(cli, "laptop.db", tmp_path / "laptop.jsonl")

    answer = merge(cli, "desk.db", file)

    (difference,) = answer["differences"]
    assert counts(answer) == [(0, 1, 1, 0)]
    assert (difference["id"], difference["partial_here"]) == ("req_1", True)
    assert difference["fields"] == {"output_tokens": [1, 159]}
    shown = cli("agents", "import", file, "--db", "desk.db").stdout
    assert "partial here: output_tokens 1 here, 159 there" in " ".join(shown.split())
    with opened("desk.db") as service:
        assert [event.data["output_tokens"] for event in recorded(service, *CALLS)] == [1]


def test_a_correction_goes_with_its_call(cli: Cli, tmp_path: Path) -> None:
    call = {**provider_call(cost="0.5"), "id": "req_1", "source": "claude-code"}
    with opened("desk.db", privacy="full") as service:
        position = service.record_event(**call).unwrap().position
        service.correct_cost(position, "0.3", note="invoice").unwrap()
    file = exported(cli, "desk.db", tmp_path / "desk.jsonl")

    answer = merge(cli, "other.db", file)

    with opened("other.db") as service:
        changes = [event.data["cost_change"] for event in recorded(service, "provider.cost.corrected")]
    assert (counts(answer), changes) == ([(2, 0, 0, 0)], ["-0.2"])


def test_only_what_agents_told_goes_out_and_comes_in(cli: Cli, tmp_path: Path) -> None:
    with opened("desk.db") as service:
        service.record_events(
            [{**provider_call(), "id": id, "source": source} for id, source in (("a", "codex"), ("b", "platform"))]
        ).unwrap()
        service.export_data("json", "2026", to=tmp_path / "all.jsonl")
    cli(
        "export",
        "json",
        "--from",
        "2020-01-01",
        "--to",
        "2030-01-01",
        "--db",
        "desk.db",
        "-o",
        tmp_path / "every.jsonl",
    )
    file = exported(cli, "desk.db", tmp_path / "desk.jsonl.gz")

    sources = [json.loads(text)["source"] for text in gzip.decompress(file.read_bytes()).splitlines()]
    answer = merge(cli, "other.db", tmp_path / "every.jsonl")

    assert sources == ["codex"]
    assert counts(answer) == [(1, 0, 0, 0)]
    assert answer["files"][0]["others"]["platform"] == 1


def test_only_the_named_agents_go_out(cli: Cli, tmp_path: Path) -> None:
    with opened("desk.db") as service:
        names = ("codex", "claude-code")
        service.record_events([{**provider_call(), "id": name, "source": name} for name in names]).unwrap()

    file = exported(cli, "desk.db", tmp_path / "codex.jsonl", "--agent", "codex")

    assert [json.loads(text)["source"] for text in file.read_text().splitlines()] == ["codex"]


def test_the_pseudonyms_of_another_vault_stay_as_they_are(cli: Cli, tmp_path: Path, machine: Any) -> None:
    machine("desk", line(1))
    read(cli, "desk.db")

    merge(cli, "other.db", exported(cli, "desk.db", tmp_path / "desk.jsonl"))

    users = []
    for db in ("desk.db", "other.db"):
        with opened(db) as service:
            users += [event.data["user_id"] for event in recorded(service, *CALLS)]
    assert users[0] == users[1]
    assert users[0].startswith("p_")


def test_what_is_no_export_is_named_and_the_others_are_merged(cli: Cli, tmp_path: Path, machine: Any) -> None:
    machine("desk", line(1))
    read(cli, "desk.db")
    good = exported(cli, "desk.db", tmp_path / "desk.jsonl")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no")
    (tmp_path / "bad.jsonl").write_text("{broken\n")
    (tmp_path / "bad.db").write_text("another kind")
    bad = [tmp_path / f"bad.{ending}" for ending in ("parquet", "jsonl", "db")]

    answer = merge(cli, "other.db", *bad, good, code=1)

    assert counts(answer)[3] == (1, 0, 0, 0)
    assert [bool(file["problem"] or file["refused"]) for file in answer["files"]] == [True, True, True, False]
    assert not answer["files"][0]["problem"].endswith("..")


def test_a_file_is_named_by_what_it_is_and_never_replaced(cli: Cli, tmp_path: Path, machine: Any) -> None:
    machine("desk", line(1))
    read(cli, "desk.db")
    (tmp_path / "there.jsonl").write_text("mine")

    other = cli("agents", "export", "x.csv", "--db", "desk.db")
    there = cli("agents", "export", tmp_path / "there.jsonl", "--db", "desk.db")
    nowhere = cli("agents", "export", "x.jsonl", "--db", "none.db")

    assert [done.exit_code for done in (other, there, nowhere)] == [2, 1, 1]
    assert (tmp_path / "there.jsonl").read_text() == "mine"
    assert not Path("none.db").exists()


# ── one PostgreSQL ──────────────────────────────────────────────────────────────────────────────────────────────


def test_two_machines_that_read_copies_of_the_same_files_into_one_postgres_add_nothing(
    cli: Cli, tmp_path: Path, machine: Any, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.database()
    monkeypatch.setenv("ANALYTICS_ES_VAULT_KEY", "ab" * 32)  # that the machines of a team share
    desk = machine("desk", line(1), result(1), line(2))
    read(cli, url)
    machine("laptop", line(3))
    shutil.copytree(desk / ".claude" / "projects", tmp_path / "laptop" / ".claude" / "projects" / "old")
    told = json.loads(cli("agents", "--final", "--db", url, "--tz", "UTC", "--json").stdout)
    (claude,) = [report for report in told["read"] if report["agent"] == "claude-code"]
    assert claude["skipped"] == {"there before": 3}  # of another machine, and of the same figures
    read(cli, url)
    machine("desk")
    read(cli, url, "--machine", "elsewhere")

    with AnalyticsService.open(url, follow=False) as service:
        events = recorded(service, *CALLS, "tool.call.completed")
    told = [(event.id, event.data["attributes"]["machine"]) for event in events]
    assert sorted(told) == [("req_1", "desk"), ("req_2", "desk"), ("req_3", "laptop"), ("toolu_1", "desk")]
    assert len({event.data["user_id"] for event in events if event.type in CALLS}) == 1  # one vault
