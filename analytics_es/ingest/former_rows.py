"""Rows as versions before 0.2 recorded them: known by their file's name and their number in it."""

from __future__ import annotations

import re
from collections import OrderedDict, defaultdict, deque
from collections.abc import Mapping, Sequence
from hashlib import blake2b

import orjson
from attrs import Factory, define, field

from analytics_es.events import codec
from analytics_es.ingest.files.events import IMPORTED
from analytics_es.log import Appended, Entry, EventLog, Held
from analytics_es.log.event_log import PLACE

MOMENTS = 10_000  # milliseconds in memory
_FORMER_ID = re.compile(r"(.+?):[0-9]+(:[0-9]+)?", re.DOTALL)
_IMPORT = "import:"

Row = tuple[int, Entry, str]  # index, what would be recorded, and the id of before


@define
class _Moment:
    """What is recorded of one millisecond: its keys; of rows as before, the positions by content and by place."""

    keys: set[str] = Factory(set)
    by_content: dict[bytes, deque[int]] = Factory(lambda: defaultdict(deque))
    by_place: dict[tuple[str, str], int] = Factory(dict)
    positions: dict[str, int] = Factory(dict)  # of the rows that were recognised: key → position
    taken: set[int] = Factory(set)  # their positions


@define
class FormerRows:
    """Finds the events that rows were recorded as, up to a position.

    Any event of the same content counts, so that a file which was renamed or rolled since is known again; each is one
    row. What stands in the same place of a file of that name, and says something else, differs.
    """

    _log: EventLog
    _upto: int
    _moments: OrderedDict[str, _Moment] = field(init=False, factory=OrderedDict)

    def find(self, rows: Sequence[Row]) -> Mapping[int, Appended]:
        """Return, by index, where those of these rows are that were recorded as before."""
        self._load({entry.key[:PLACE] for _, entry, _ in rows})
        missing, places = list[Row](), dict[int, Appended]()
        for row in rows:
            index, entry, _ = row
            moment = self._moments[entry.key[:PLACE]]
            if entry.key in moment.keys:
                continue
            if entry.key not in moment.positions and (positions := moment.by_content.get(_content(entry))):
                moment.positions[entry.key] = positions.popleft()
                moment.taken.add(moment.positions[entry.key])
            if entry.key in moment.positions:
                places[index] = Appended(moment.positions[entry.key], duplicate=True, differs=False)
            else:
                missing.append(row)
        return {**places, **self._in_place(missing)}

    def _in_place(self, rows: Sequence[Row]) -> dict[int, Appended]:
        """Return where something else is recorded in the place of these rows."""
        places = dict[int, Appended]()
        for index, entry, id in rows:
            moment = self._moments[entry.key[:PLACE]]
            position = moment.by_place.get((str(orjson.loads(entry.state)["source"]), id))
            if position is not None and position not in moment.taken:
                places[index] = Appended(position, duplicate=True, differs=True)
            else:
                moment.keys.add(entry.key)  # it will be recorded now
        return places

    def _load(self, milliseconds: set[str]) -> None:
        missing = milliseconds - self._moments.keys()
        while self._moments and len(self._moments) + len(missing) > MOMENTS:
            self._moments.popitem(last=False)
        missing = milliseconds - self._moments.keys()
        self._moments.update((millisecond, _Moment()) for millisecond in missing)
        for key, held in self._log.occurred_in(missing).items() if missing else ():
            moment = self._moments[key[:PLACE]]
            moment.keys.add(key)
            if held.position <= self._upto and (former := _former(held)):
                moment.by_content[_content(held)].append(held.position)
                moment.by_place[former] = held.position


def _former(held: Held) -> tuple[str, str] | None:
    """Return who told a row, and its place; None of any other event."""
    try:
        event = orjson.loads(held.state)
        source, id = event["source"], event["id"]
    except (ValueError, KeyError, TypeError):  # bytes of another hand
        return None
    return (_teller(source, id), id) if _FORMER_ID.fullmatch(id) else None


def _teller(source: str, id: str) -> str:
    """Return who tells a row now: a file no more."""
    return IMPORTED if source.startswith(_IMPORT) and id.startswith(f"{source.removeprefix(_IMPORT)}:") else source


def _content(event: Entry | Held) -> bytes:
    stored = orjson.loads(codec.upcast(event.type, event.state))
    teller = _teller(stored["source"], stored["id"])
    data = codec.plain_amounts(stored.get("data"))
    content = orjson.dumps([teller, event.type, stored.get("occurred_at"), data], option=orjson.OPT_SORT_KEYS)
    return blake2b(content, digest_size=16).digest()
