"""Large requests in OTLP/JSON → spans and log records, one after another: no more than one of them is in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import IO, Any, NamedTuple

import orjson
from attrs import define, field

from analytics_es.events.walking import MAX_VALUE, MOST_INSIDE, TOO_LARGE, Malformed, Walk
from analytics_es.ingest.files.other_spans import read_other
from analytics_es.ingest.otel.halves import loads
from analytics_es.ingest.otel.logs.record import ReadRecord
from analytics_es.ingest.otel.otlp import ReadSpan, read_record, read_span, unknown
from analytics_es.ingest.otel.plan import MAX_ATTRIBUTES, MAX_NAME
from analytics_es.ingest.otel.shapes import LOGS, METRICS, RECORDS, SCOPE, SCOPES, SPANS, TOP, WITHIN, Origin, origin_of
from analytics_es.ingest.otel.spans import MAX_VALUE as MAX_TEXT
from analytics_es.ingest.otel.values import cut
from analytics_es.ingest.problems import in_one_line

TOO_LARGE_PART = f"it is longer than {MAX_VALUE} bytes, or of more than {MOST_INSIDE} objects and lists"
MOST_LATE = 100_000  # names that come after their records
MOST_LATE_BYTES = 2**24  # of what they say
NO_OBJECT = "not a JSON object with fields"

Place = tuple[int, ...]  # of an object, of a group in it, or of a scope in that


class Passed(NamedTuple):
    """A metric, which is passed over: by what name it is counted."""

    name: str = "metrics"


Read = ReadSpan | ReadRecord | Passed


@define
class LargeRequest:
    """A text of any length; `open` opens it. It holds a request, a list of them, or one after another.

    A group may say who it is after its records: so it is looked through first, and that is remembered.
    """

    open: Callable[[], AbstractContextManager[IO[bytes]]]
    kinds: set[str] = field(factory=set, init=False)  # what it holds, known when it was looked through
    broken_off: str = field(default="", init=False)  # why it cannot be read on after the first object
    _late: dict[Place, Any] = field(factory=dict, init=False)
    _late_bytes: int = field(default=0, init=False)

    def check(self) -> None:
        """Look it through; raises Malformed where it is no JSON object, ValueError where it is no trace."""
        late: dict[Place, Any] = {}
        whole = 0
        with self.open() as file:
            walk = Walk(file.read)
            if walk.kind() not in (b"{", b"["):
                raise Malformed(NO_OBJECT)
            try:
                for whole, _ in enumerate(_objects(walk)):
                    for _part in self._of_object(walk, (whole,), late):
                        pass
            except Malformed as error:
                if not whole:
                    raise
                self.broken_off = in_one_line(error)
            except ValueError as error:
                raise ValueError(f"not a trace{error}") from error
        self._late = late

    def read(self) -> Iterator[Read]:
        """Yield what each span, log record and metric gives."""
        with self.open() as file:
            walk = Walk(file.read)
            try:
                for number, _ in enumerate(_objects(walk)):
                    yield from self._of_object(walk, (number,), None)
            except Malformed:
                yield ReadSpan(None, None, f"{self.broken_off}: what comes after it is not read")

    def spans(self) -> Iterator[ReadSpan]:
        """Yield what each span gives."""
        return (read for read in self.read() if isinstance(read, ReadSpan))

    def records(self) -> Iterator[ReadRecord]:
        """Yield what each log record gives."""
        return (read for read in self.read() if isinstance(read, ReadRecord))

    def _of_object(self, walk: Walk, place: Place, late: dict[Place, Any] | None) -> Iterator[Read]:
        if walk.kind() != b"{":
            raise Malformed(NO_OBJECT)
        other, is_otlp = _Other(), False
        for name in walk.members():
            kind = TOP.get(name)
            if kind == WITHIN and walk.kind() == b"{" and len(place) == 1:
                yield from self._of_object(walk, (*place, -1), late)
                is_otlp = True
            elif kind and kind != WITHIN:
                is_otlp = True
                self.kinds.add(kind)
                for group, _ in enumerate(walk.elements()):
                    yield from self._of_group(walk, (*place, list(TOP).index(name), group), late)
            elif name == "data" and walk.kind() == b"[":
                is_otlp = yield from _others(walk.value() for _ in walk.elements())
            else:
                other.take(name, walk.text())
        if not is_otlp:
            yield from other.read()

    def _of_group(self, walk: Walk, place: Place, late: dict[Place, Any] | None) -> Iterator[Read]:
        resource, passed, known, other = self._late.get(place), False, False, ""
        for name in walk.members():
            kind = SCOPES.get(name)
            if name == "resource":
                resource = _told(walk, lambda told: origin_of(told, None).resource)
                self._note(late, place, resource, passed)
            elif kind:
                for number, _ in enumerate(walk.elements()):
                    passed = True
                    yield from self._of_scope(walk, (*place, number), late, kind, resource or {})
                known = True
            elif _has_objects(walk):
                other = name
        if other and not known:
            raise ValueError(unknown(other, "scopeSpans").removeprefix("not a trace"))

    def _of_scope(
        self, walk: Walk, place: Place, late: dict[Place, Any] | None, kind: str, resource: Mapping[str, Any]
    ) -> Iterator[Read]:
        service = str(resource.get("service.name", ""))
        scope, passed, known, other = self._late.get(place) or ("", ""), False, False, ""
        for name in walk.members():
            if name in SCOPE:
                told = _told(walk, lambda told: origin_of(None, told))
                scope = told.scope, told.scope_version
                self._note(late, place, scope if any(scope) else None, passed)
            elif name in RECORDS:
                for _ in walk.elements():
                    passed = True
                    yield _read(walk, kind, Origin(resource, service, *scope), only_looked=late is not None)
                known = True
            elif _has_objects(walk):
                other = name
        if other and not known:
            raise ValueError(unknown(other, "spans").removeprefix("not a trace"))

    def _note(self, late: dict[Place, Any] | None, place: Place, told: Any, passed: bool) -> None:
        if late is None or not passed or not told:
            return
        late[place] = told
        self._late_bytes += len(json.dumps(told, default=str))
        if len(late) > MOST_LATE or self._late_bytes > MOST_LATE_BYTES:
            raise ValueError(f": more than {MOST_LATE} of its groups say after their records who they are, or too much")


@define
class _Other:
    """An object that may be what another exporter writes, as far as it is of a size that is read as a whole."""

    texts: dict[str, bytes] = field(factory=dict)
    size: int = 0
    inside: int = 0

    def take(self, name: str, text: bytes | None) -> None:
        """Take a member; of one that is too much nothing is kept any more."""
        self.size += MAX_VALUE + 1 if text is None else len(text)
        self.inside += 0 if text is None else text.count(b"{") + text.count(b"[")
        if self.is_too_much:
            self.texts.clear()
        elif text is not None:
            self.texts[name] = text

    @property
    def is_too_much(self) -> bool:
        """Whether it takes too much memory."""
        return self.size > MAX_VALUE or self.inside > MOST_INSIDE

    def read(self) -> Iterable[Read]:
        """Return what it gives; raises ValueError where it is nothing that is known."""
        if self.is_too_much:
            return [ReadSpan(None, None, f"not a trace: {TOO_LARGE_PART}")]
        return read_other({name: _loaded(text) for name, text in self.texts.items()})


def _objects(walk: Walk) -> Iterator[None]:
    """Stand before each object: of one list, or one after another."""
    while kind := walk.kind():
        if kind == b"[":
            yield from walk.elements()
        else:
            yield


def _has_objects(walk: Walk) -> bool:
    """Pass a value over; say whether it is a list of objects."""
    is_list, text = walk.kind() == b"[", walk.text()
    return is_list and (text is None or text[1:].lstrip().startswith(b"{"))


def _read(walk: Walk, kind: str, origin: Origin, *, only_looked: bool) -> Read:
    if kind == METRICS or only_looked:
        walk.text()
        return Passed()
    text = walk.text()
    what, read = ("a span", read_span) if kind == SPANS else ("a log record", read_record)
    problem = f"not {what}: {TOO_LARGE_PART}"
    if text is not None:
        try:
            return read(origin, loads(text))
        except ValueError as error:  # its brackets are right: what comes after it can be read
            problem = f"not {what}: not valid JSON: {error}"
    return ReadRecord(None, None, problem) if kind == LOGS else ReadSpan(None, None, problem)


def _others(documents: Iterable[Any]) -> Generator[Read, None, bool]:
    known = False
    for document in documents:
        if isinstance(document, dict):
            known = True
            yield from read_other(document)
        elif document is TOO_LARGE:
            known = True
            yield ReadSpan(None, None, f"not a trace: {TOO_LARGE_PART}")
    return known


def _loaded(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except ValueError as error:
        raise Malformed(f"not valid JSON: {error}") from None


def _told(walk: Walk, read: Callable[[Any], Any]) -> Any:
    """Return what a resource or a scope says, as long as it is kept."""
    value = walk.value()
    if value is TOO_LARGE:
        raise ValueError(f": who tells its records is longer than {MAX_VALUE} bytes")
    try:
        told = read(value)
    except (TypeError, AttributeError, KeyError, RecursionError) as error:
        raise ValueError(f": {in_one_line(error)}") from error
    return told if isinstance(told, tuple) else _short(told)


def _short(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a resource as long as they are kept of a record."""
    service = {"service.name": resource["service.name"]} if "service.name" in resource else {}
    return {
        name: value if isinstance(value, bool | int | float) else cut(str(value), MAX_TEXT + 1)
        for name, value in ([*service.items(), *resource.items()])[: MAX_ATTRIBUTES + 1]
        if len(name) <= MAX_NAME
    }
