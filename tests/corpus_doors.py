"""The corpus of privacy through every door of a store: calls, a bus that cannot be understood, a file, spans."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from attrs import evolve, frozen

from analytics_es import AnalyticsService
from analytics_es.events.event import REJECTED
from analytics_es.ingest import Message
from analytics_es.ingest.bus import BatchHandler
from analytics_es.ingest.files import OTLP, rows
from analytics_es.testing import NOON
from tests.privacy_corpus import CORPUS, KEEP, Entry

OLD, NEW = NOON, NOON + timedelta(days=20)
CALL, SHORT = "custom.thing.happened", 8
DOORS = ("call", "bus", "file", "spans")

Stored = dict[str, Any]


@frozen
class Case:
    """An entry as it is sent: with its own value, or with one that is marked, so that no other text is like it."""

    number: int
    entry: Entry

    @property
    def occurred_at(self) -> datetime:
        """Half of them happened long ago."""
        return (OLD if self.number % 2 else NEW) + timedelta(seconds=self.number)

    def action(self, preset: str) -> str:
        """Say what is to become of it."""
        return KEEP if preset == "full" else str(getattr(self.entry, preset))

    def data(self, *, top: bool = True) -> dict[str, Any]:
        """Return the entry wherever it may be in an event: at the top, as a flat attribute, nested, in a list."""
        pair = {self.entry.name: self.entry.value}
        at_top = pair if top else {}
        return {**at_top, "attributes": pair, "acme": {"thing": pair}, "acmes": [pair]}


def cases() -> list[Case]:
    """Return every entry, and once more with its mark where it can have one."""
    marked = (evolve(entry, value=value) for n, entry in enumerate(CORPUS) if (value := _marked(entry, n)))
    return [Case(number, entry) for number, entry in enumerate([*CORPUS, *marked])]


def _marked(entry: Entry, number: int) -> str | None:
    """Return a value of the same shape that nothing else has; None where it cannot be both."""
    value, mark = entry.value, "zq" + "".join("bcdfghjklm"[int(digit)] for digit in f"{number:04}")
    if not isinstance(value, str) or KEEP in (entry.pseudonymous, entry.anonymous):
        return None
    if " " in value and not value[-1:].isdigit() and not value.startswith(("Basic", "Bearer", "ssh-", "-----")):
        return f"{value} {mark}"
    if value.isalpha():
        return f"{value}{mark}"
    return f"{mark}{value}" if "@" in value.strip("@") and " " not in value and "/" not in value else None


def needles(sent: Sequence[Case], preset: str) -> set[str]:
    """Return the texts that must be nowhere: those that are long enough, and within no text that is kept."""
    kept = " ".join(str(text) for case in sent for text in (case.entry.name, _kept(case, preset)))
    texts = {case.entry.value for case in sent if not _kept(case, preset) and isinstance(case.entry.value, str)}
    return {text for text in texts if len(text.encode()) >= SHORT and text not in kept}


def _kept(case: Case, preset: str) -> Any:
    return case.entry.value if case.action(preset) == KEEP else ""


# ── doors ───────────────────────────────────────────────────────────────────────────────────────────────────────


def send(analytics: AnalyticsService, sent: Sequence[Case], folder: Path) -> None:
    """Bring the cases in by every door; files to read are made in a folder that is not the store's.

    Calls bring every case; the other doors each entry once, with its mark where it has one.
    """
    marked = {(case.entry.name, case.entry.why) for case in sent[len(CORPUS) :]}
    once = [case for n, case in enumerate(sent) if n >= len(CORPUS) or (case.entry.name, case.entry.why) not in marked]
    _call(analytics, sent)
    _publish(analytics, once)
    _read(analytics, _file(once, folder / "events.jsonl"))
    _read(analytics, _spans(once, folder / "spans.jsonl"), format=OTLP)


def event(case: Case, door: str, *, top: bool = True) -> dict[str, Any]:
    """Return a case as the arguments of `record_event`."""
    named = {"id": f"{case.number}", "source": f"corpus:{door}", "occurred_at": case.occurred_at}
    return {"event_type": CALL, "data": case.data(top=top), **named}


def _call(analytics: AnalyticsService, sent: Sequence[Case]) -> None:
    """Record the cases; where a documented field at the top can have no such value, without it there."""
    refused: list[int] = []
    analytics.record_events(
        (event(case, "call") for case in sent), skip_refused=True, on_refused=lambda one: refused.append(one.index)
    ).unwrap()
    analytics.record_events(event(sent[index], "call", top=False) for index in refused).unwrap()


class _Deliveries:
    """A bus that delivers everything it has at once."""

    def __init__(self) -> None:
        self.handlers: list[BatchHandler] = []

    def subscribe_batches(self, patterns: Sequence[str], handler: BatchHandler, /) -> Callable[[], None]:
        self.handlers.append(handler)
        return self.handlers.clear

    def deliver(self, messages: Sequence[Message]) -> None:
        for handler in self.handlers:
            handler(messages)


def _publish(analytics: AnalyticsService, sent: Sequence[Case]) -> None:
    """Deliver what cannot be recorded: a number of tokens that is a word."""
    bus = _Deliveries()
    subscription = analytics.subscribe_to(bus, ["provider.*"])  # type: ignore[arg-type]
    for first in range(0, len(sent), 500):
        bus.deliver([_message(case) for case in sent[first : first + 500]])
    subscription.close()


def _message(case: Case) -> Message:
    payload = orjson.dumps({**case.data(top=False), "input_tokens": "many", "cost": "12.50"})
    headers = {"x-secret": str(case.entry.value)}
    named: dict[str, Any] = {"id": f"{case.number}", "source": "corpus:bus", "time": case.occurred_at}
    return Message(topic="provider.call.completed", payload=payload, headers=headers, **named)


def _file(sent: Sequence[Case], path: Path) -> Path:
    lines = (event(case, "file", top=False) for case in sent)
    path.write_bytes(b"".join(orjson.dumps(_cloud_event(line)) + b"\n" for line in lines))
    return path


def _cloud_event(arguments: dict[str, Any]) -> dict[str, Any]:
    named = {name: arguments[name] for name in ("id", "source", "data")}
    return {"specversion": "1.0", "type": arguments["event_type"], "time": arguments["occurred_at"], **named}


def _spans(sent: Sequence[Case], path: Path) -> Path:
    path.write_text("\n".join(json.dumps({"resourceSpans": [{"scopeSpans": [_scope(case)]}]}) for case in sent))
    return path


def _scope(case: Case) -> dict[str, Any]:
    nanoseconds = int(case.occurred_at.timestamp()) * 10**9
    attributes = {"gen_ai.operation.name": "chat", case.entry.name: case.entry.value}
    span = {
        "traceId": f"{case.number + 1:032x}",
        "spanId": f"{case.number + 1:016x}",
        "name": "chat",
        "startTimeUnixNano": str(nanoseconds),
        "endTimeUnixNano": str(nanoseconds + 10**9),
        "attributes": [{"key": name, "value": _any_value(value)} for name, value in attributes.items()],
    }
    return {"scope": {"name": "corpus"}, "spans": [span]}


def _any_value(value: Any) -> dict[str, Any]:
    kinds = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}
    return {kinds[type(value)]: value} if value is not None else {}


def _read(analytics: AnalyticsService, path: Path, **options: Any) -> None:
    analytics.importing().record(rows(path, **options))


# ── what is stored ──────────────────────────────────────────────────────────────────────────────────────────────


def stored(analytics: AnalyticsService) -> Iterator[tuple[str, int, Any]]:
    """Yield, of each event of the corpus in the log, its door, the number of its case, and its data."""
    for row in analytics.store.log.scan(after=0, limit=10**6).to_pylist():
        state = orjson.loads(row["state"])
        if row["type"] == REJECTED:
            yield "bus", _number(state), {**state["data"], "raw": _payload(state["data"].get("raw"))}
        elif state["source"].startswith("corpus:"):
            yield state["source"].partition(":")[2], int(state["id"]), state["data"]
        elif not row["type"].startswith("analytics."):
            yield "spans", int(state["id"].partition(":")[0], 16) - 1, state["data"]


def _number(state: Stored) -> int:
    moment = datetime.fromisoformat(state["occurred_at"])
    return int((moment - (NEW if moment >= NEW else OLD)).total_seconds())


def _payload(raw: Any) -> Any:
    """Return the payload of a rejected message as JSON, where it is kept as bytes that are."""
    with suppress(ValueError, TypeError):
        return orjson.loads(base64.b64decode(raw, validate=True))
    return raw


def leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the plain values of data, each with the name that it has."""
    if isinstance(value, dict):
        for inner, member in value.items():
            yield from leaves(inner, member)
    elif isinstance(value, list):
        for member in value:
            yield from leaves(name, member)
    else:
        yield name, value
