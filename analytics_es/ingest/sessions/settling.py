"""Records of calls → calls: of all records of one call the one that counts, once it is certain that no more come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import asdict, define, field

from analytics_es.ingest.sessions.events import size
from analytics_es.ingest.sessions.facts import Call


@define
class Open:
    """A call of which more may come: what counts of it so far, and by file whether another call has followed there."""

    call: Call
    followed: dict[str, bool] = field(factory=dict)

    def take(self, call: Call) -> None:
        """Take another record of the call: no replay before one, then by rank, then tokens, then what came first."""
        final = _finality(self.call.final, call.final)
        if _weight(call) > _weight(self.call):
            self.call = call
        self.call.final = final


def _weight(call: Call) -> tuple[bool, int, int]:
    return not call.replay, call.rank, size(call)


def _finality(one: bool | None, other: bool | None) -> bool | None:
    if one or other:
        return True
    return None if one is None or other is None else False


@define
class OpenCalls:
    """The calls of one agent that are not certain yet, over all of its files."""

    calls: dict[str, Open] = field(factory=dict)  # by what all records of one call have in common
    _last: dict[tuple[str, str], str] = field(factory=dict)  # file and lane → the call that is told of there

    def take(self, file: str, call: Call) -> None:
        """Take a record of a call; the one before in its lane of the file is followed by it."""
        name = call.id if call.id in self.calls else call.alias or call.id  # an alias may come later
        lane = (file, call.lane)
        if (before := self._last.get(lane)) not in (None, name) and before in self.calls:
            self.calls[before].followed[file] = True
        self._last[lane] = name
        if name in self.calls:
            self.calls[name].take(call)
        else:
            self.calls[name] = Open(call)
        self.calls[name].followed[file] = False

    def rested(self, file: str) -> None:
        """Say that a file has rested for so long that nothing more comes of what was told there."""
        for open_call in self.calls.values():
            if file in open_call.followed:
                open_call.followed[file] = True

    def final(self) -> Iterator[Call]:
        """Take out, and yield, the calls whose usage is the provider's last word."""
        yield from self._out([name for name, open_call in self.calls.items() if open_call.call.final])

    def settled(self, *, final: bool = False) -> Iterator[Call]:
        """Take out, and yield, the calls that are certain; with `final` all."""
        yield from self._out(
            [name for name, open_call in self.calls.items() if final or all(open_call.followed.values())]
        )

    def _out(self, names: list[str]) -> Iterator[Call]:
        for name in names:
            yield self.calls.pop(name).call

    # ── between two looks ───────────────────────────────────────────────────────────────────────────────────────

    def kept(self) -> list[dict[str, Any]]:
        """Return what is open as JSON can keep it."""
        last = {name: lane for lane, name in self._last.items()}
        return [
            {"name": name, "call": asdict(entry.call), "followed": entry.followed, "lane": last.get(name)}
            for name, entry in self.calls.items()
        ]

    @classmethod
    def of(cls, kept: list[dict[str, Any]]) -> OpenCalls:
        """Return what was kept."""
        calls = {entry["name"]: Open(Call(**entry["call"]), entry["followed"]) for entry in kept}
        last = {(entry["lane"][0], entry["lane"][1]): entry["name"] for entry in kept if entry["lane"]}
        return cls(calls, last)
