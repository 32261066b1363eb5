"""Large requests in OTLP/JSON → spans, one after another: of the text no more than one of them is in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import IO, Any, NamedTuple

from attrs import define, field

from analytics_es.events.walking import MAX_VALUE, MOST_INSIDE, TOO_LARGE, Malformed, Walk
from analytics_es.ingest.otel.otlp import OTHER_SHAPES, ReadSpan, read_span, scope_of, service_of
from analytics_es.ingest.otel.spans import MAX_VALUE as MAX_TEXT
from analytics_es.ingest.otel.values import cut
from analytics_es.ingest.problems import in_one_line

TOO_LARGE_SPAN = f"not a span: it is longer than {MAX_VALUE} bytes, or of more than {MOST_INSIDE} objects and lists"
MOST_LATE = 100_000  # names that come after their spans

Place = tuple[int, ...]  # of a group, or of one of its scopes


class _Document(NamedTuple):
    service: str
    scope: str
    span: Any


@define
class LargeRequest:
    """A request whose text may be of any length; `open` opens it.

    A group may say who it is after its spans: so it is looked through first, and that is remembered.
    """

    open: Callable[[], AbstractContextManager[IO[bytes]]]
    _late: dict[Place, str] = field(factory=dict, init=False)

    def check(self) -> None:
        """Look it through; raises Malformed where it is no JSON object, ValueError where it is no trace."""
        names: dict[Place, str] = {}
        with self.open() as file:
            walk = Walk(file.read)
            if walk.kind() != b"{":
                raise Malformed("not a JSON object with fields")
            try:
                for _ in self._documents(walk, names):
                    pass
            except Malformed:
                raise
            except ValueError as error:
                raise ValueError(f"not a trace{error}") from error
            walk.end()
        self._late = names

    def spans(self) -> Iterator[ReadSpan]:
        """Yield what each span gives."""
        with self.open() as file:
            for document in self._documents(Walk(file.read), None):
                if document.span is TOO_LARGE:
                    yield ReadSpan(None, None, TOO_LARGE_SPAN)
                else:
                    yield read_span(*document)

    def _documents(self, walk: Walk, late: dict[Place, str] | None) -> Iterator[_Document]:
        """Yield each span; names that come after their spans are put into `late`, or taken from what was found."""
        traces = False
        for name in walk.members():
            if name != "resourceSpans":
                walk.value()
                continue
            traces = True
            for group, _ in enumerate(walk.elements()):
                yield from self._of_group(walk, (group,), late)
        if not traces:
            raise ValueError(": it has no resourceSpans")

    def _of_group(self, walk: Walk, place: Place, late: dict[Place, str] | None) -> Iterator[_Document]:
        service, passed = self._late.get(place, ""), False
        for name in walk.members():
            if name in OTHER_SHAPES:
                raise ValueError(f" of today: it has {name}, not scopeSpans")
            if name == "resource":
                service = _named(walk, service_of)
                _note(late, place, service, passed)
            elif name == "scopeSpans":
                for number, _ in enumerate(walk.elements()):
                    passed = True
                    for scope, span in self._of_scope(walk, (*place, number), late):
                        yield _Document(service, scope, span)
            else:
                walk.value()

    def _of_scope(self, walk: Walk, place: Place, late: dict[Place, str] | None) -> Iterator[tuple[str, Any]]:
        scope, passed = self._late.get(place, ""), False
        for name in walk.members():
            if name == "scope":
                scope = _named(walk, scope_of)
                _note(late, place, scope, passed)
            elif name == "spans":
                for _ in walk.elements():
                    passed = True
                    yield scope, walk.value()
            else:
                walk.value()


def _note(late: dict[Place, str] | None, place: Place, name: str, passed: bool) -> None:
    if late is not None and passed and name:
        late[place] = name
        if len(late) > MOST_LATE:
            raise ValueError(f": more than {MOST_LATE} of its groups say after their spans who they are")


def _named(walk: Walk, read: Callable[[Any], str]) -> str:
    """Return the name that a value says, as long as it is kept."""
    value = walk.value()
    if value is TOO_LARGE:
        raise ValueError(f": who tells its spans is longer than {MAX_VALUE} bytes")
    try:
        return cut(read(value), MAX_TEXT + 1)
    except (TypeError, AttributeError, KeyError, RecursionError) as error:
        raise ValueError(f": {in_one_line(error)}") from error
