"""Records of calls → calls: of all records of one call the one that counts, once it is certain that no more come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import define, field, fields

from analytics_es.ingest.sessions.events import moment, project_of, size
from analytics_es.ingest.sessions.facts import Call

_FIELDS = tuple(attribute.name for attribute in fields(Call))


@define
class Open:
    """A call of which more may come.

    call: what counts of it so far; size: how many tokens that tells of; file: where it is told so.
    followed: by file that tells of it, whether another call has followed there.
    told: in which files it is told, and under which ids.
    """

    call: Call
    size: int
    file: str
    followed: dict[str, bool] = field(factory=dict)
    told: set[tuple[str, str]] = field(factory=set)

    def take(self, file: str, call: Call) -> None:
        """Take another record of the call: no replay before one, then by rank, then tokens, then the earliest.

        What has the same answer under another id tells it again: the one that came first stays, and whether its usage
        is the last word is what is told under its own id. A record that is known by the answer alone is the same call's
        without its request: the larger counts, under the id of the request.
        """
        before, told = self.call, size(call)
        is_same = call.id == before.id
        names_answer = not is_same and bool(call.alias) and call.alias in (call.id, before.id)
        final = _finality(before.final, call.final)
        more = told - self.size if is_same or names_answer else 0
        kind, kind_before = (
            (names_answer or not call.replay, call.rank),
            (names_answer or not before.replay, before.rank),
        )
        if kind > kind_before or (kind == kind_before and (more > 0 or (not more and _came_before(call, before)))):
            self.call, self.size, self.file = call, told, file
        if is_same or names_answer:
            self.call.final = final
        if names_answer:
            self.call.id = before.id if call.id == call.alias else call.id
            self.call.replay = before.replay and call.replay


def _plain(call: Call) -> dict[str, Any]:
    """Return a call as JSON can keep it; of the folder that it was made in the last part, as of what is recorded."""
    told = {key: getattr(call, key) for key in _FIELDS}
    if isinstance(folder := call.attributes.get("cwd"), str):
        told["attributes"] = {**call.attributes, "cwd": project_of(folder)}
    return told


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
    _last: dict[tuple[str, str | None], str] = field(factory=dict)  # file and lane → the call that is told of there
    _final: dict[str, None] = field(init=False, factory=dict)  # those whose usage is the provider's last word
    _told_in: dict[str, set[str]] = field(init=False, factory=dict)  # by file, the calls that it tells of

    def __attrs_post_init__(self) -> None:
        for name, entry in self.calls.items():
            for file in entry.followed:
                self._told_in.setdefault(file, set()).add(name)
            if entry.call.final:
                self._final[name] = None

    def take(self, file: str, call: Call) -> bool:
        """Take a record of a call; the one before in its lane of the file is followed by it.

        Returns whether it tells again of what another file or id has told, and not more of the same.
        """
        calls = self.calls
        name = call.id if call.id in calls else call.alias or call.id  # an alias may be told later
        lane, entry = (file, call.lane), calls.get(name)
        before = self._last.get(lane) if call.lane is not None else None
        if before != name and call.lane is not None:
            if before in calls and file in calls[before].followed:  # it may be open again, as another file tells it
                calls[before].followed[file] = True
            self._last[lane] = name
        if entry is None:
            entry = calls[name] = Open(call, size(call), file, told={(file, call.id)})
            is_again = False
        else:
            is_again = before != name and (file, call.id) not in entry.told
            if is_again:
                entry.told.add((file, call.id))
            entry.take(file, call)
        if file not in entry.followed:
            self._told_in.setdefault(file, set()).add(name)
        entry.followed[file] = False
        if entry.call.final:
            self._final[name] = None
        return is_again

    def files(self) -> Iterator[str]:
        """Yield the files that tell of calls that are open."""
        yield from list(self._told_in)

    def rested(self, file: str) -> None:
        """Say that nothing more comes in a file of what was told there: it has rested for so long, or is gone."""
        for name in self._told_in.get(file, ()):
            self.calls[name].followed[file] = True

    def final(self) -> Iterator[Open]:
        """Take out, and yield, the calls whose usage is the provider's last word.

        One that is told as a replay waits for all files to be read: what it replays goes before it.
        """
        names, self._final = list(self._final), {}
        for name in names:
            if self.calls[name].call.replay:
                self._final[name] = None
            else:
                yield self._out(name)

    def settled(self, *, final: bool = False) -> Iterator[Open]:
        """Take out, and yield, the calls that are certain when all files are read; with `final` all."""
        for name, entry in list(self.calls.items()):
            if final or entry.call.final or all(entry.followed.values()):
                yield self._out(name)

    def _out(self, name: str) -> Open:
        entry = self.calls.pop(name)
        self._final.pop(name, None)
        for file in entry.followed:
            told = self._told_in[file]
            told.discard(name)
            if not told:
                del self._told_in[file]
        return entry

    # ── between two looks ───────────────────────────────────────────────────────────────────────────────────────

    def kept(self) -> list[dict[str, Any]]:
        """Return what is open as JSON can keep it."""
        lanes: dict[str, list[tuple[str, str | None]]] = {}
        for lane, name in self._last.items():
            if name in self.calls:
                lanes.setdefault(name, []).append(lane)
        return [
            {
                "name": name,
                "call": _plain(entry.call),
                "file": entry.file,
                "followed": entry.followed,
                "lanes": lanes.get(name, []),
            }
            for name, entry in self.calls.items()
        ]

    @classmethod
    def of(cls, kept: Sequence[Mapping[str, Any]]) -> OpenCalls:
        """Return what was kept."""
        calls, last = {}, dict[tuple[str, str | None], str]()
        for entry in kept:
            call = Call(**entry["call"])
            told = {(file, call.id) for file in entry["followed"]}
            calls[entry["name"]] = Open(call, size(call), entry["file"], dict(entry["followed"]), told)
            last.update(dict.fromkeys(((file, lane) for file, lane in entry["lanes"]), entry["name"]))
        return cls(calls, last)
