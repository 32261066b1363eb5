"""Published prices in the log: one event an entry; and which default prices were in use from where on."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from analytics_es import genai
from analytics_es.door import entry as passed
from analytics_es.errors import BadPrice
from analytics_es.log import EventLog
from analytics_es.pricebook import PriceBook, Published
from analytics_es.priceentries import PriceEntry
from analytics_es.pricereading import read_entry
from analytics_es.recording import Recorder, receipt
from analytics_es.types import Receipt

PUBLISHED = "analytics.prices.published"
DEFAULT_CHANGED = "analytics.prices.default_changed"
MOST_TEXT = 1024  # characters of a note


class Publications:
    """What a log says of prices, read on from where it was read last; safe to use from several threads."""

    def __init__(self, log: EventLog, recorder: Recorder) -> None:
        self._log, self._recorder = log, recorder
        self._lock = threading.Lock()
        self._read, self._published, self._unread = 0, list[Published](), list[int]()
        self._told = False

    def book(self) -> PriceBook:
        """Return the price book of now: what is published, and the default prices where they are installed."""
        with self._lock:
            self._catch_up()
            published, unread = tuple(self._published), tuple(self._unread)
        default = {"default": genai.find} if genai.installed() else {}
        return PriceBook(published=published, unread=unread, **default)

    def publish(self, entries: Iterable[PriceEntry | Mapping[str, Any]], *, note: str | None = None) -> Receipt:
        """Record entries, in one commit; raises BadPrice, with nothing recorded. The receipt is that of the last one.

        What was published last already is not published again: the receipt says that it is a duplicate.
        """
        checked = read_entries(entries)
        if note is not None and not (isinstance(note, str) and 0 < len(note) <= MOST_TEXT):
            raise BadPrice(where="the note", problem=f"it must be a text of 1 to {MOST_TEXT} characters")
        last = self.book().published[-len(checked) :]
        if [each.entry for each in last] == checked:
            return Receipt(position=last[-1].position, duplicate=True)
        now, about = self._recorder.door.clock(), {} if note is None else {"note": note}
        events = [passed(now, PUBLISHED, {"entry": each.told(), **about}) for each in checked]
        return receipt(self._recorder.append(events)[-1])

    def tell_default(self) -> None:
        """Record which default prices are in use, unless the log said so last; once in a service's life."""
        if self._told:
            return
        self._told, edition = True, genai.edition()
        about = {"package": genai.PACKAGE, "version": edition.version, "digest": edition.digest}
        said = self._log.told(DEFAULT_CHANGED).column("state").to_pylist()
        if not said or orjson.loads(said[-1])["data"] != about:
            self._recorder.tell(DEFAULT_CHANGED, about)

    def _catch_up(self) -> None:
        table = self._log.told(PUBLISHED, after=self._read)
        for position, state in zip(*(table.column(name).to_pylist() for name in ("position", "state")), strict=True):
            try:
                told = orjson.loads(state)["data"]["entry"]
                self._published.append(Published(position, read_entry(told)))
            except (BadPrice, KeyError, TypeError):
                self._unread.append(position)
            self._read = position


def read_entries(entries: Iterable[PriceEntry | Mapping[str, Any]]) -> list[PriceEntry]:
    """Check entries; raises BadPrice, which says which one is wrong."""
    checked = [
        each if isinstance(each, PriceEntry) else read_entry(each, where=f"price {number}")
        for number, each in enumerate(entries, 1)
    ]
    if not checked:
        raise BadPrice(where="the list of prices", problem="it is empty")
    return checked
