"""Forget, retain, export and backup killed anywhere: every byte is searched then, and when they are done again."""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

from attrs import field, frozen

from analytics_es import AnalyticsService
from analytics_es.lifecycle.copies import BACKED_UP, EXPORTED
from analytics_es.lifecycle.erasure import BEGUN, FORGOTTEN
from analytics_es.types import ForgetReceipt
from tests.byte_search import Tables, holders
from tests.faults import dying
from tests.faults.dying import ADA, DAYS, OLD, WORKS, secret
from tests.faults.storm import processes
from tests.servers import Server
from tests.stores import PATIENCE, recorded

SECRETS = [secret(day) for day in range(DAYS)]
MARGIN = 1.2  # how often as long as it takes: some are over by then


@frozen(kw_only=True)
class Cut:
    """What was killed: what was at work how often, and which files held the subject right afterwards."""

    seed: int
    kills: Counter[str] = field(factory=Counter)
    calls: dict[str, int] = field(factory=dict)  # that each made when it was let alone
    held: Counter[str] = field(factory=Counter)


@frozen
class Place:
    """A store, and the folder of all its files and copies."""

    url: str
    folder: Path

    def holders(self, *needles: str) -> dict[str, list[str]]:
        """Say which files and cells hold which needle."""
        places: list[Path | Tables] = [self.folder]
        if not self.url.startswith("sqlite"):
            places.append(Tables(self.url))
        return holders(places, needles)


def cut(server: Server | None, folder: Path, *, kills: int, seed: int, works: Sequence[str] = ()) -> Cut:
    """Kill each kind of work so many times: at a call drawn at random, and as often at a moment.

    Afterwards it is done again, as whoever starts next would; then nothing is lost, nothing is left over, and who is
    forgotten is in no file and no cell that the receipt does not name.
    """
    print(f"seed {seed}")
    chance, result, places = random.Random(seed), Cut(seed=seed), _Places(server, folder)
    for work in works or [name for name in WORKS if server is None or name != "backup"]:
        calls, seconds = processes.Value("q", 0, lock=False), processes.Value("d", 0.0, lock=False)
        with places.new() as place:
            _live(work, place, calls, seconds, last=0)
            _assert_kept(work, place, result)
        result.calls[work] = calls.value
        for n in range(kills):
            with places.new() as place:
                last = chance.randint(1, calls.value) if n % 2 == 0 else -1
                _live(work, place, calls, seconds, last=last, moment=chance.uniform(0, MARGIN * seconds.value))
                result.kills[work] += 1
                _assert_kept(work, place, result)
    return result


def _live(work: str, place: Place, calls: Any, seconds: Any, *, last: int, moment: float = PATIENCE) -> None:
    """Let a process do its work until it is killed, by itself at the last call, or at a moment."""
    at_work, total = processes.Event(), calls.value
    arguments = (work, place.url, place.folder, last, at_work, calls, seconds)
    process = processes.Process(target=dying.life, args=arguments, daemon=True)
    process.start()
    try:
        assert at_work.wait(PATIENCE), f"it ended by itself with {process.exitcode}"
        process.join(PATIENCE if last >= 0 else moment)
    finally:
        process.kill()
        process.join()
    assert process.exitcode in (0, -9), process.exitcode
    calls.value = total or calls.value


# ── afterwards ──────────────────────────────────────────────────────────────────────────────────────────────────


def _assert_kept(work: str, place: Place, result: Cut) -> None:
    for names in place.holders(ADA).values():
        result.held.update({_kind(name) for name in names})
    with dying.opened(place.url) as service:
        WORKS[work](service, place.folder)
        service.catch_up()
        _assert_all_there(service)
        _assert_nothing_over(work, place)
        receipt = dying.forget(service)
        copies = _copies(service, place)
        here = place.holders(ADA).get(ADA, [])
        untold = [name for name in here if name.partition("!")[0] not in copies and not _is_said(name, receipt)]
        assert untold == [], (work, untold, receipt)
        _assert_all_there(service)
    for name in {*copies, *(name.partition("!")[0] for name in here)}:  # as who reads the receipt does
        (place.folder / name).unlink(missing_ok=True)
    if place.url.startswith("sqlite"):
        left = place.holders(ADA)
        assert left == {}, (work, left, receipt)


def _copies(service: AnalyticsService, place: Place) -> set[str]:
    """Return the files that forgetting the subject has named: in a receipt, or, where it was cut short, as it began."""
    told = {event.position: event.data.get("file") for event in recorded(service, EXPORTED, BACKED_UP)}
    named = {position for event in recorded(service, BEGUN, FORGOTTEN) for position in event.data["copies"]}
    return {str(Path(told[position]).relative_to(place.folder)) for position in named}


def _is_said(name: str, receipt: ForgetReceipt) -> bool:
    """Say whether a receipt tells that a file or a cell may still hold the subject."""
    return any(name.partition("!")[0] in text for text in receipt.remains)


def _assert_all_there(service: AnalyticsService) -> None:
    """Assert that every event counts, the ones that were sealed too, and that read models are what the log says."""
    usage = service.get_usage_stats("user", None, dying.EVER).unwrap()
    assert sorted(each.totals.events for each in usage.top_entities) == [DAYS, 2 * DAYS]
    verified = service.verify().unwrap()
    assert verified.identical, verified


def _assert_nothing_over(work: str, place: Place) -> None:
    """Assert that no unfinished file is left, and of events that were let go nothing outside of the archive."""
    assert [path for path in place.folder.rglob("*") if path.name.endswith(".part")] == []
    if "retain" in work:
        gone = place.holders(*SECRETS[:OLD])
        assert gone and {name.split("/")[0] for names in gone.values() for name in names} == {"archive"}, gone


def _kind(name: str) -> str:
    """Return the kind of file or cell that a name is of."""
    file, _, cell = name.partition("!")
    return f"*{file[-5:]}" if file.endswith(".part") else file if not cell else f"{file} (decoded)"


# ── places ──────────────────────────────────────────────────────────────────────────────────────────────────────


@frozen
class _Places:
    """Copies of one store, made once."""

    server: Server | None
    folder: Path

    @contextmanager
    def new(self) -> Iterator[Place]:
        """Give a place of its own, which is gone afterwards."""
        template, folder = self._template(), self.folder / uuid4().hex
        if self.server is None:
            shutil.copytree(template.folder, folder)
            place = Place(f"sqlite:///{folder}/analytics.db", folder)
        else:
            folder.mkdir()
            name = f"d_{uuid4().hex}"
            self.server.run(f"CREATE DATABASE {name} TEMPLATE {urlsplit(template.url).path[1:]}")
            place = Place(urlunsplit(urlsplit(template.url)._replace(path=f"/{name}")), folder)
        (folder / "archive").mkdir()
        yield place
        shutil.rmtree(folder)
        if self.server is not None:
            self.server.run(f"DROP DATABASE {name} WITH (FORCE)")

    def _template(self) -> Place:
        if not _templates.get(self.folder):
            folder = self.folder / "template"
            folder.mkdir()
            url = self.server.database() if self.server else f"sqlite:///{folder}/analytics.db"
            with dying.opened(url) as service:
                service.record_events(dying.events()).unwrap()
                service.catch_up()
            _templates[self.folder] = Place(url, folder)
        return _templates[self.folder]


_templates: dict[Path, Place] = {}


def time_left(deadline: float) -> float:
    """Return the seconds until then."""
    return max(0.0, deadline - time.monotonic())
