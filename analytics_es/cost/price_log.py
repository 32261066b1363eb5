"""Published prices in the log: one event an entry; and which default prices were in use from where on."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from difflib import get_close_matches
from typing import Any

import orjson
from attrs import Factory, evolve, frozen

from analytics_es.cost.prices import genai
from analytics_es.cost.prices.book import PriceBook, Published
from analytics_es.cost.prices.entries import ANY, PriceEntry
from analytics_es.cost.prices.prices import UnitPrices
from analytics_es.cost.prices.reading import read_entry
from analytics_es.errors import AnalyticsError, BadPrice, MissingExtra, UnknownModel
from analytics_es.ingest.recorder import Recorder, receipt
from analytics_es.log import Entry, EventLog, announced, last_announced
from analytics_es.log.announcements import text
from analytics_es.log.event_log import LAST
from analytics_es.types import PricesUsed, PriceUsed, Receipt

PUBLISHED = "analytics.prices.published"
DEFAULT_CHANGED = "analytics.prices.default_changed"
MOST_TEXT = 1024  # characters of a note


@frozen(kw_only=True)
class PricesThen:
    """The prices that were known at a place in the log, and which default ones the log says were in use there."""

    _book: PriceBook = Factory(PriceBook)
    default_recorded: str | None = None

    def book(self) -> PriceBook:
        """Return the price book."""
        return self._book

    def used(self, prices: Sequence[PriceUsed], *, announce: bool = True) -> PricesUsed:
        """Say what an answer was computed with."""
        positions = (published.position for published in self._book.published if published.position)
        return PricesUsed(
            published=max(positions, default=None),
            default_version=genai.edition().version if genai.installed() else None,
            default_recorded=self.default_recorded,
            unread=self._book.unread,
            used=sorted(prices, key=lambda price: (-price.calls, price.provider, price.model, str(price.since))),
        )


class PriceLog:
    """What a log says of prices, read on from where it was read last; safe to use from several threads."""

    def __init__(self, log: EventLog, recorder: Recorder) -> None:
        self._log, self._recorder = log, recorder
        self._lock = threading.Lock()
        self._read, self._announced = 0, False
        self._book = PriceBook(default=genai.find) if genai.installed() else PriceBook()

    def book(self) -> PriceBook:
        """Return the price book of now: what is published, and the default prices where they are installed."""
        with self._lock:
            self._catch_up()
            return self._book

    def then(self, position: int) -> PricesThen:
        """Return the prices as they were known at a position."""
        return PricesThen(book=self.book().upto(position), default_recorded=self._recorded(position))

    def used(self, prices: Sequence[PriceUsed], *, announce: bool = True) -> PricesUsed:
        """Say what an answer was computed with, and record which default prices, when these are used first.

        Without `announce`, for what is only supposed, nothing is recorded.
        """
        now = PricesThen(book=self.book(), default_recorded=self._recorded())
        if announce and any(price.version for price in prices):
            with suppress(AnalyticsError):  # a log that cannot be written to does not say it
                self._announce_default()
        return now.used(prices)

    def price(
        self,
        provider: str | None,
        model: str,
        at: datetime,
        *,
        batch: bool = False,
        service_tier: str | None = None,
    ) -> UnitPrices:
        """Return the prices in force at a time.

        Raises UnknownModel, or MissingExtra where nothing could say more, and BadUsage for a tier that is none.
        """
        book = self.book()
        prices = book.prices_at(provider, model, at, batch=batch, service_tier=service_tier)
        if prices is None and book.prices_at(provider, model, at):
            raise _without_tier(book, provider, model, str(service_tier))
        if prices is None:
            raise unknown(book, provider, model)
        if prices.origin.version:
            self._announce_default()
        return prices

    def publish(self, entries: Iterable[PriceEntry | Mapping[str, Any]], *, note: str | None = None) -> Receipt:
        """Record entries, in one commit; raises BadPrice, with nothing recorded. The receipt is that of the last one.

        What was published last already is not published again: the receipt says that it is a duplicate.
        """
        checked = read_entries(entries)
        _check_note(note)
        last = self.book().published[-len(checked) :]
        if last and last[-1].position and [published.entry for published in last] == checked:
            return Receipt(position=last[-1].position, duplicate=True)
        door, about = self._recorder.own_door, {} if note is None else {"note": note}
        now = door.clock()
        events = [door.write(PUBLISHED, {"entry": entry.to_dict(), **about}, now=now) for entry in checked]
        return receipt(self._recorder.announce_all(events)[-1])

    def taken_over(self, event: Mapping[str, Any]) -> Entry | None:
        """Return the entry that publishes here what another store published; None of what else it had to say.

        The event keeps its identity and time, so that it is published here once. Raises BadPrice, RefusedEvent.
        """
        if str.__str__(event["event_type"]) != PUBLISHED:
            return None
        data = event["data"]
        if not isinstance(data, Mapping):
            raise BadPrice(where="a published price", problem="its data is no mapping")
        price, note = read_entry(data.get("entry"), where="a published price"), data.get("note")
        _check_note(note)
        said = {"entry": price.to_dict()} if note is None else {"entry": price.to_dict(), "note": note}
        about = {name: event.get(name) for name in ("occurred_at", "id", "source")}
        if about["id"] is None:
            digest = hashlib.blake2b(orjson.dumps(said), digest_size=12).hexdigest()
            about |= {"id": f"price {digest}", "occurred_at": price.effective_from}
        return self._recorder.own_door.write(PUBLISHED, said, **about)

    def _announce_default(self) -> None:
        """Record which default prices are in use, unless the log said so last; once in a service's life."""
        if self._announced:
            return
        edition = genai.edition()
        about = {"package": genai.PACKAGE, "version": edition.version, "digest": edition.digest}
        if self._last_default() != about:
            self._recorder.announce(DEFAULT_CHANGED, about)
        self._announced = True

    def _recorded(self, upto: int = LAST) -> str | None:
        """Return the version of the default prices that the log said last were in use."""
        if upto == LAST and self._announced:
            return genai.edition().version
        return self._last_default(upto).get("version")

    def _last_default(self, upto: int = LAST) -> dict[str, str]:
        """Return what the log said last of the default prices; nothing where it never did."""
        return last_announced(self._log, DEFAULT_CHANGED, read_default, upto=upto) or {}

    def _catch_up(self) -> None:
        new = announced(self._log, PUBLISHED, read_published, after=self._read)
        published = [Published(position, entry) for position, entry in new.said]
        unread = [announcement.position for announcement in new.unread]
        if published or unread:
            self._read = max([*unread, *(position for position, _ in new.said)])
            book = self._book
            self._book = evolve(book, published=(*book.published, *published), unread=(*book.unread, *unread))


def _check_note(note: object) -> None:
    if note is not None and not (isinstance(note, str) and 0 < len(note) <= MOST_TEXT):
        raise BadPrice(where="the note", problem=f"it must be a text of 1 to {MOST_TEXT} characters")


def read_published(data: Mapping[str, Any]) -> PriceEntry:
    """Return the price that an announcement publishes; raises KeyError, BadPrice."""
    return read_entry(data["entry"])


def read_default(data: Mapping[str, Any]) -> dict[str, str]:
    """Return which default prices an announcement says are in use; raises KeyError, TypeError."""
    return {name: text(data, name) for name in ("package", "version", "digest")}


def unknown(book: PriceBook, provider: str | None, model: str) -> AnalyticsError:
    """Return the failure of a question about a model without a price, with the names that are closest to its own.

    It is MissingExtra where the default prices are not installed, which could say more.
    """
    if not genai.installed():
        return MissingExtra(package=genai.PACKAGE, extra="prices")
    of = f" of {provider!r}" if provider else ""
    if book.default(provider, model):
        return UnknownModel(model=model, of=of, hint=", which genai-prices knows, but not by what events tell")
    others = sorted(_providers(book, model) - {provider, ANY})
    if others:
        return UnknownModel(model=model, of=of, hint=f", but there is one of {', '.join(others)}: name the provider")
    published = {entry.model for _, entry, _ in book.published}
    names = sorted(published | (genai.names(provider) or genai.names()))
    close = get_close_matches(model.lower(), names, 3, 0.6)
    return UnknownModel(model=model, of=of, hint=f"; close names are {', '.join(close)}" if close else "")


def _without_tier(book: PriceBook, provider: str | None, model: str, service_tier: str) -> UnknownModel:
    of = f" of {provider!r}" if provider else ""
    tiers = ", ".join(book.tiers(provider, model))
    return UnknownModel(model=model, of=of, hint=f" in the tier {service_tier!r}; known at some time are {tiers}")


def _providers(book: PriceBook, model: str) -> set[str]:
    """Return the providers of which a model of this very name has a price."""
    published = {entry.provider for _, entry, _ in book.published if entry.names(entry.provider, model)}
    return published | {listed.provider for listed in genai.models() if listed.model == model.lower()}


def read_entries(entries: Iterable[PriceEntry | Mapping[str, Any]]) -> list[PriceEntry]:
    """Check entries; raises BadPrice, which says which one is wrong."""
    checked = [
        entry if isinstance(entry, PriceEntry) else read_entry(entry, where=f"price {number}")
        for number, entry in enumerate(entries, 1)
    ]
    if not checked:
        raise BadPrice(where="the list of prices", problem="it is empty")
    return checked
