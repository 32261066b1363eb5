"""Records of calls → calls: of all records of one call the one that counts, once it is certain that no more come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import asdict, define, field

from analytics_es.ingest.sessions.events import moment, size
from analytics_es.ingest.sessions.facts import Call

Lane = tuple[str, str]  # a file, and one of the conversations in it


@define
class Open:
    """A call of which more may come: what counts of it so far, where it is told, and whether another followed there."""

    call: Call
    followed: dict[str, bool] = field(factory=dict)
    lanes: set[Lane] = field(factory=set)

    def take(self, call: Call) -> None:
        """Take another record of the call: no replay before one, then by rank, then tokens, then the earliest.

        What has the same answer under another id tells it again: the one that came first stays.
        """
        final = _finality(self.call.final, call.final)
        kind, before = _kind(call), _kind(self.call)
        more = size(call) - size(self.call) if call.id == self.call.id else 0
        if kind > before or (kind == before and (more > 0 or (not more and _came_before(call, self.call)))):
            self.call = call
        self.call.final = final


def _kind(call: Call) -> tuple[bool, int]:
    return not call.replay, call.rank


def _came_before(one: Call, other: Call) -> bool:
    if one.at == other.at:
        return False
    at, other_at = moment(one.at), moment(other.at)
    return at is not None and (other_at is None or at < other_at)


def _finality(one: bool | None, other: bool | None) -> bool | None:
    if one or other:
        return True
    return None if one is None or other is None else False


@define
class OpenCalls:
    """The calls of one agent that are not certain yet, over all of its files."""

    calls: dict[str, Open] = field(factory=dict)  # by what all records of one call have in common
    _last: dict[Lane, str] = field(factory=dict)  # the call that is told of there, if it is open
    _of_file: dict[str, set[str]] = field(factory=dict)

    def take(self, file: str, call: Call) -> None:
        """Take a record of a call; the one before in its lane of the file is followed by it."""
        name, lane = call.alias or call.id, (file, call.lane)
        if (before := self._last.get(lane)) not in (None, name):
            self.calls[before].followed[file] = True
        if name in self.calls:
            self.calls[name].take(call)
        else:
            self.calls[name] = Open(call)
        self._put(name, lane)
        self._last[lane] = name
        self.calls[name].followed[file] = False

    def _put(self, name: str, lane: Lane) -> None:
        self.calls[name].lanes.add(lane)
        self._of_file.setdefault(lane[0], set()).add(name)

    def rested(self, file: str) -> None:
        """Say that a file has rested for so long that nothing more comes of what was told there."""
        for name in self._of_file.get(file, ()):
            self.calls[name].followed[file] = True

    def final(self, file: str) -> Iterator[Call]:
        """Take out, and yield, the calls of a file whose usage is the provider's last word.

        What may be told again under another id waits until all files are read: which of both is to count.
        """
        calls = [(name, self.calls[name].call) for name in self._of_file.get(file, ())]
        yield from self._out([name for name, call in calls if call.final and not call.replay])

    def settled(self, *, final: bool = False) -> Iterator[Call]:
        """Take out, and yield, the calls that are certain when all files were read; with `final` all."""
        names = [
            name
            for name, open_call in self.calls.items()
            if final or open_call.call.final or all(open_call.followed.values())
        ]
        yield from self._out(names)

    def _out(self, names: list[str]) -> Iterator[Call]:
        for name in names:
            gone = self.calls.pop(name)
            for lane in gone.lanes:
                if self._last.get(lane) == name:
                    del self._last[lane]
                if names_there := self._of_file.get(lane[0]):
                    names_there.discard(name)
            yield gone.call

    # ── between two looks ───────────────────────────────────────────────────────────────────────────────────────

    def kept(self) -> list[dict[str, Any]]:
        """Return what is open as JSON can keep it."""
        return [
            {
                "name": name,
                "call": asdict(entry.call),
                "followed": entry.followed,
                "lanes": [[*lane, self._last.get(lane) == name] for lane in sorted(entry.lanes)],
            }
            for name, entry in self.calls.items()
        ]

    @classmethod
    def of(cls, kept: list[dict[str, Any]]) -> OpenCalls:
        """Return what was kept."""
        calls = cls()
        for entry in kept:
            calls.calls[entry["name"]] = Open(Call(**entry["call"]), entry["followed"])
            for file, lane, last in entry["lanes"]:
                calls._put(entry["name"], (file, lane))
                if last:
                    calls._last[file, lane] = entry["name"]
        return calls
