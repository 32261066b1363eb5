"""A fixture of each agent: what it tells, counted by hand; however often, in what pieces and copies it is read."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.events.event import RecordedEvent
from tests.ingest.sessions.ledger import CALL, Json, Ledger

pytestmark = pytest.mark.store(tags=["machine", "project"])  # as a ledger has them

FIXTURES = Path(__file__).parent / "fixtures"
FAILED = "provider.call.failed"
SECRETS = ("what nobody is to read", "secret-customer")
DIGEST = re.compile("[0-9a-f]{16}")
NOT_BY_HAND = frozenset({"agent_id", "user_id", "operation", "attributes"})


# Fixtures in this form: a folder `home`, which `environment` names, and what was counted by hand.
NAMES = sorted(path.parent.name for path in FIXTURES.glob("*/home") if (path.parent / "expected.json").is_file())


@pytest.fixture(params=NAMES)
def agent(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def expected(agent: str) -> Json:
    told: Json = json.loads((FIXTURES / agent / "expected.json").read_text())
    return told


@pytest.fixture
def ledger(
    agent: str, expected: Json, analytics: AnalyticsService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Ledger:
    for variable, folder in expected["environment"].items():
        monkeypatch.setenv(variable, str(tmp_path / folder))
    return Ledger(analytics, tmp_path, (agent,))


@pytest.fixture
def home(agent: str, tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def write_home(agent: str, home: Path) -> Callable[[], None]:
    """Return what writes all files of the fixture."""
    return lambda: shutil.copytree(FIXTURES / agent / "home", home, dirs_exist_ok=True) and None


def told(ledger: Ledger) -> dict[str, list[RecordedEvent]]:
    """Return what was recorded, by what it is."""
    return {
        "calls": ledger.events(CALL),
        "failed": ledger.events(FAILED),
        "tools": ledger.events("tool.call.completed", "tool.call.failed", "tool.call.rejected"),
    }


def id_of(event: RecordedEvent) -> str:
    """Return the id of an event; of one that has a digest of what it tells at its end, without that."""
    head, _, end = event.id.rpartition(":")
    return f"{head}:DIGEST" if DIGEST.fullmatch(end) else event.id


def call_of(event: RecordedEvent) -> Json:
    """Return what a call tells, as it is written by hand."""
    data = {name: field for name, field in event.data.items() if name not in NOT_BY_HAND}
    at = event.occurred_at.isoformat().replace("+00:00", "Z")
    return {
        "at": at,
        "model": None,
        "conversation_id": None,
        "project": event.data["attributes"].get("project"),
        **data,
    }


def calls(events: list[RecordedEvent]) -> dict[str, Json]:
    """Return calls by id; each is there once."""
    by_id = {id_of(event): call_of(event) for event in events}
    assert len(by_id) == len(events)
    return by_id


def everything(ledger: Ledger) -> dict[str, Any]:
    """Return all that was recorded, by its id, each once."""
    events = [event for kind in told(ledger).values() for event in kind]
    by_id = {(event.type, event.id): (event.occurred_at, event.data) for event in events}
    assert len(by_id) == len(events)
    return by_id


def test_it_tells_its_calls_as_they_were_counted_by_hand(
    ledger: Ledger, write_home: Callable[[], None], expected: Json
) -> None:
    write_home()

    report = ledger.read()

    assert calls(told(ledger)["calls"]) == expected["calls"]
    assert (report.calls, report.partial, report.open, report.problems) == (len(expected["calls"]), 0, 0, {})


def test_it_tells_its_tools_and_failures(ledger: Ledger, write_home: Callable[[], None], expected: Json) -> None:
    write_home()

    ledger.read()

    events = told(ledger)
    assert {
        event.id: [event.type, event.data["tool"], event.occurred_at.isoformat().replace("+00:00", "Z")]
        for event in events["tools"]
    } == expected["tools"]
    assert {event.id: event.data["error_type"] for event in events["failed"]} == expected.get("failed", {})


def test_nothing_of_what_was_said_or_of_a_path_is_stored(
    ledger: Ledger, write_home: Callable[[], None], analytics: AnalyticsService
) -> None:
    write_home()

    ledger.read()

    stored = analytics.store.log.scan(after=0, limit=100_000)["state"].to_pylist()
    assert not [text for text in stored for secret in SECRETS if secret.encode() in (text or b"")]


def test_reading_it_again_adds_nothing(ledger: Ledger, write_home: Callable[[], None]) -> None:
    write_home()
    ledger.read()
    once = everything(ledger)

    assert (ledger.read().read, everything(ledger)) == (0, once)

    ledger.lose_state()
    assert (ledger.read().events, everything(ledger)) == (0, once)


def test_a_copy_of_its_files_adds_nothing(
    ledger: Ledger, write_home: Callable[[], None], home: Path, expected: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_home()
    ledger.read()
    once = everything(ledger)
    shutil.copytree(home, home.parent / "copy")
    for variable in expected["environment"]:
        monkeypatch.setenv(variable, str(home.parent / "copy"))

    ledger.read()
    ledger.lose_state()
    ledger.read()

    assert everything(ledger) == once


def grown(agent: str, home: Path, begun: list[str]) -> Iterator[Path]:
    """Write the files of a fixture line by line, and yield which has grown.

    begun: ends of the names of files, without what is behind the dot, in the order in which they are written, one
        after the other; where none is told, files grow side by side.
    """
    fixture = FIXTURES / agent / "home"
    files = sorted(path for path in fixture.rglob("*") if path.is_file())
    texts = {
        path: path.read_bytes().splitlines(True) if path.suffix == ".jsonl" else [path.read_bytes()] for path in files
    }
    for path, text in _in_order(texts, begun):
        target = home / path.relative_to(fixture)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("ab") as file:
            file.write(text)
        yield target


def _in_order(texts: dict[Path, list[bytes]], begun: list[str]) -> Iterator[tuple[Path, bytes]]:
    for end in begun:
        (path,) = [path for path in texts if str(path.with_suffix("")).endswith(end)]
        yield from ((path, text) for text in texts[path])
    if not begun:
        for number in range(max(map(len, texts.values()))):
            yield from ((path, lines[number]) for path, lines in texts.items() if number < len(lines))


@pytest.mark.parametrize("forgets", [False, True], ids=["with its state", "whose state is lost"])
def test_a_look_after_each_line_tells_what_one_look_at_the_end_does(
    agent: str, ledger: Ledger, home: Path, expected: Json, forgets: bool
) -> None:
    home.mkdir()
    for number, _ in enumerate(grown(agent, home, expected.get("begun", []))):
        ledger.read(final=False)
        if forgets and number % 3 == 2:
            ledger.lose_state()
    ledger.read()

    assert calls(told(ledger)["calls"]) == expected["calls"]
    assert {event.id for event in told(ledger)["tools"]} == set(expected["tools"])


def test_what_is_told_twice_in_a_file_adds_nothing(agent: str, ledger: Ledger, home: Path, expected: Json) -> None:
    home.mkdir()
    for path in grown(agent, home, expected.get("begun", [])):
        if path.suffix == ".jsonl":
            last = path.read_bytes().splitlines(True)[-1]
            with path.open("ab") as file:
                file.write(last)

    ledger.read()

    assert calls(told(ledger)["calls"]) == expected["calls"]
