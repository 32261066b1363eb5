"""What a policy says of every name and value of the corpus holds for every byte of a store, whatever is done to it."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.lifecycle.copies import BACKED_UP, EXPORTED
from analytics_es.testing import NOON
from tests.byte_search import Patterns, Place, Tables, holders
from tests.children import joined
from tests.corpus_doors import NEW, OLD, Case, cases, event, leaves, needles, send, stored
from tests.faults.dying import ticking
from tests.privacy_corpus import CORPUS, DROP, KEEP
from tests.stores import recorded, set_clock

PRESETS = ("full", "pseudonymous", "anonymous")
DATABASES = pytest.mark.store("file", "postgres")
EVER = TimePeriod(OLD - timedelta(days=2), NEW + timedelta(days=2))
LATER = NEW + timedelta(days=3)
PSEUDONYM = 18  # characters

# What a reader of spans knows better, or leaves out, whatever the policy.
OF_SPANS = {
    *("x", "gen_ai.prompt.0.tool_calls.0.id", "llm.prompt_template.version", "message.role", "gen_ai.prompt.0.role"),
    *("llm.input_messages.0.message.role", "llm.usage.total_tokens"),
}

SENT = cases()
SUBJECT = [str(case.entry.value) for case in SENT if case.entry.name == "user.email"][-1]  # which no other has in it


@DATABASES
@pytest.mark.parametrize("preset", PRESETS)
def test_what_must_not_be_stored_is_in_no_byte_and_what_must_be_is_there(
    url: str, preset: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    copies, inputs = tmp_path / "copies", tmp_path_factory.mktemp("inputs")
    copies.mkdir()
    places: list[Place] = [tmp_path] if url.startswith("sqlite") else [tmp_path, Tables(url)]
    nowhere = Patterns.of(needles(SENT, preset))

    with _opened(url, preset) as analytics:
        send(analytics, SENT, inputs)
        analytics.catch_up()
        assert _wrong(analytics, preset) == []
        _copy(analytics, copies, url)
    _kill(url, preset, copies)
    assert holders(places, nowhere) == {}

    with _opened(url, preset) as analytics:
        analytics.retain({"events": "10d"}, archive=tmp_path / "archive").unwrap()
        receipt = analytics.forget(SUBJECT).unwrap()
        analytics.catch_up()
        assert [one for one in _wrong(analytics, preset) if SUBJECT not in one] == []
        told = {Path(copy.file).name for copy in receipt.copies}
        copied = {Path(each.data["file"]).name for each in recorded(analytics, EXPORTED, BACKED_UP)}
    assert holders(places, nowhere) == {}
    if preset == "full":
        held = holders(places, [SUBJECT]).values()
        assert {Path(name.partition("!")[0]).name for names in held for name in names} <= told <= copied


@contextmanager
def _opened(url: str, preset: str) -> Iterator[AnalyticsService]:
    with AnalyticsService.open(url, follow=False, privacy=preset) as analytics:
        set_clock(analytics, LATER)
        yield analytics


def _copy(analytics: AnalyticsService, copies: Path, url: str) -> None:
    for form in ("csv", "json", "parquet"):
        analytics.export_data(form, EVER, to=copies / f"all.{form}").unwrap()  # type: ignore[arg-type]
    if url.startswith("sqlite"):
        analytics.back_up(copies / "backup.db").unwrap()


def _kill(url: str, preset: str, copies: Path) -> None:
    """Let another process record, and end it while it exports."""
    child = multiprocessing.get_context("spawn").Process(target=_record_and_die, args=(url, preset, copies))
    child.start()
    assert joined(child) == [-signal.SIGKILL]


def _record_and_die(url: str, preset: str, copies: Path) -> None:
    with _opened(url, preset) as analytics:
        analytics.record_events(event(case, "call", top=False) for case in SENT[::7]).unwrap()
        with ticking(40):
            analytics.export_data("json", EVER, to=copies / "never.json")


# ── what is stored ──────────────────────────────────────────────────────────────────────────────────────────────


def _wrong(analytics: AnalyticsService, preset: str) -> list[tuple[Any, ...]]:
    """List what is stored otherwise than its entry says: door, name, value, what became of it, why it should not."""
    wrong = []
    for door, number, data in stored(analytics):
        case, there = SENT[number], list(leaves("", data))
        if not _is_right(case, door, case.action(preset), there):
            entry = case.entry
            became = [value for name, value in there if name == entry.name]
            wrong.append((door, entry.name, entry.value, became, case.action(preset), entry.why))
    return wrong


def _is_right(case: Case, door: str, action: str, there: list[tuple[str, Any]]) -> bool:
    """Say whether an event holds an entry as it should: `there` are the names and values of its leaves."""
    entry, texts = case.entry, [value for _, value in there]
    own = [value for name, value in there if name == entry.name]
    if action == KEEP and door in ("call", "file"):
        return bool(own) and all(value == entry.value for value in own)
    if action == KEEP:
        return _is_kept_elsewhere(case, door) or any(value == entry.value for value in texts)
    if door == "bus":
        own = []  # a rejection has names of its own: there its texts alone count
    if isinstance(entry.value, str) and entry.value in texts:
        return False
    return own == [] if action == DROP else all(_is_pseudonym(value) for value in own)


def _is_kept_elsewhere(case: Case, door: str) -> bool:
    return door == "spans" and (case.entry.name in OF_SPANS or case.entry.pseudonymous != KEEP)


def _is_pseudonym(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("p_") and len(value) == PSEUDONYM


@pytest.mark.parametrize("preset", PRESETS[1:])
def test_what_is_kept_raw_is_listed_with_its_reason(preset: str, snapshot: SnapshotAssertion) -> None:
    with AnalyticsService.open(":memory:", follow=False, privacy=preset) as analytics:
        analytics.record_events(
            {**event(Case(n, entry), "call", top=False), "occurred_at": NOON} for n, entry in enumerate(CORPUS)
        ).unwrap()
        kept = [
            f"{CORPUS[number].why}: {CORPUS[number].name} = {CORPUS[number].value!r}"
            for _, number, data in stored(analytics)
            if data.get("attributes", {}).get(CORPUS[number].name) == CORPUS[number].value
        ]

    assert len(CORPUS) >= 1000
    assert "\n".join(sorted(kept)) == snapshot
