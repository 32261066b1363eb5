"""What a process does with a store all day, in several threads: record, ask, look after; and what came of it."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from attrs import Factory, define, frozen

from analytics_es import AnalyticsError, AnalyticsService, TimePeriod
from analytics_es.ingest import InProcessBus
from analytics_es.testing import NOON, job_failed, provider_call, tool_call
from tests.faults.dying import give_key

SECONDS_A_DAY = 4.0  # a day of the store goes by in so many seconds
RETENTION = {"events": "3d", "hourly": "5d", "daily": "8d"}
PEOPLE = 6  # of a day: they come on no other
SAMPLED = 0.5  # seconds
COPIES = 3  # exports and backups of a process that are left
PAUSE = 0.02


@frozen(kw_only=True)
class Plan:
    """What a process is to do: how it opens the store, what its events are told by, how often it does what."""

    url: str
    source: str
    folder: Path  # for its copies, and its notes
    options: Mapping[str, Any]
    weights: Mapping[str, int]  # operations by how often they are drawn
    threads: int
    began: float  # of the clock of this machine: when it was noon
    seconds: float
    seed: int

    def now(self) -> datetime:
        """Return the store's time, which goes by quickly, and alike in every process."""
        return NOON + timedelta(days=(time.time() - self.began) / SECONDS_A_DAY)

    @property
    def notes(self) -> Path:
        """Where it writes what it got."""
        return self.folder / f"{self.source}.json"


@define
class User:
    """One process: its store, what came of what it did, and what it holds, from time to time."""

    plan: Plan
    service: AnalyticsService
    recorded: int = 0
    outcomes: Counter[str] = Factory(Counter)  # by operation and code: "ok", or the failure's
    forgotten: list[str] = Factory(list)
    samples: list[dict[str, float]] = Factory(list)
    lock: Any = Factory(threading.Lock)
    bus: InProcessBus = Factory(InProcessBus)

    def work(self, seed: int) -> None:
        """Do one thing after the other."""
        chance, plan = random.Random(seed), self.plan
        names, weights = list(plan.weights), list(plan.weights.values())
        while time.time() < plan.began + plan.seconds:
            name = chance.choices(names, weights)[0]
            try:
                result = OPERATIONS[name](self, chance)
                code = "ok" if result is None or result.ok else result.failure.code
            except AnalyticsError as error:
                code = error.code
            except Exception as error:
                code = f"a bare {type(error).__name__}: {error}"
            with self.lock:
                self.outcomes[f"{name}: {code}"] += 1
            time.sleep(PAUSE)

    def event(self, chance: random.Random) -> dict[str, Any]:
        """Return an event of this day, of somebody who comes on it alone."""
        kind, now = chance.choice((provider_call, tool_call, job_failed)), self.plan.now()
        who = person((now - NOON).days, chance.randrange(PEOPLE))
        told = {"team": f"team-{chance.randrange(3)}", "project": f"project-{chance.randrange(3)}"}
        named = {"source": self.plan.source, "id": uuid4().hex}
        return {**kind(occurred_at=now, user_id=who, job_id=f"job-{uuid4()}", attributes=told), **named}

    def count(self, recorded: int) -> None:
        """Note that so many more events are recorded."""
        with self.lock:
            self.recorded += recorded

    def period(self, chance: random.Random) -> TimePeriod:
        """Return some of the last days."""
        now = self.plan.now()
        return TimePeriod(now - timedelta(days=chance.randint(1, 3)), now + timedelta(hours=1), "day")

    def sample(self) -> None:
        """Note what the process holds, until the end (Linux)."""
        while time.time() < self.plan.began + self.plan.seconds:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            memory = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
            threads, descriptors = (len([*Path("/proc/self", name).iterdir()]) for name in ("task", "fd"))
            self.samples.append({"memory": memory, "threads": threads, "descriptors": descriptors})
            time.sleep(SAMPLED)


def person(day: int, number: int) -> str:
    """Return the name of one of those who come on a day."""
    return f"somebody.{day:05}.{number}@example.com"


def live(plan: Plan) -> None:
    """Be a process with this plan, and write down what came of it; what cannot be opened is written down, too."""
    give_key(plan.url)
    try:
        with AnalyticsService.open(plan.url, clock=plan.now, **plan.options) as service:
            user = User(plan, service)
            _live(user)
            service.wait_until_caught_up(60)
    except AnalyticsError as error:
        plan.notes.write_text(json.dumps({"refused": error.code, "message": str(error)}))
        raise SystemExit(0) from None
    notes = {name: getattr(user, name) for name in ("recorded", "outcomes", "forgotten", "samples")}
    plan.notes.write_text(json.dumps(notes))


def _live(user: User) -> None:
    subscription = user.service.subscribe_to(user.bus)
    threads = [threading.Thread(target=user.work, args=(user.plan.seed + n,)) for n in range(user.plan.threads)]
    threads.append(threading.Thread(target=user.sample))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    subscription.close()


# ── what it does ────────────────────────────────────────────────────────────────────────────────────────────────


def _record(user: User, chance: random.Random) -> Any:
    result = user.service.record_event(**user.event(chance))
    user.count(int(result.ok))
    return result


def _batch(user: User, chance: random.Random) -> Any:
    result = user.service.record_events([user.event(chance) for _ in range(chance.randint(2, 200))])
    user.count(result.unwrap().recorded if result.ok else 0)
    return result


def _buffered(user: User, chance: random.Random) -> None:
    events = [user.event(chance) for _ in range(chance.randint(2, 50))]
    with user.service.buffered(on_sigterm=False) as buffer:
        for event in events:
            buffer.record_event(**event).unwrap()
    user.count(len(events))


def _publish(user: User, chance: random.Random) -> None:
    event = user.event(chance)
    named = {"id": event["id"], "source": event["source"], "time": event["occurred_at"]}
    user.bus.publish(event["event_type"], event["data"], **named)
    user.count(1)


def _as_of(user: User, chance: random.Random) -> Any:
    head = user.service.store.log.head()
    with user.service.as_of(max(1, head - chance.randint(0, 500))) as then:
        return then.get_usage_stats("user", None, user.period(chance))


def _forget(user: User, chance: random.Random) -> Any:
    """Forget somebody of some days ago, who does not come again."""
    day = (user.plan.now() - NOON).days - chance.randint(2, 5)
    who = person(day, chance.randrange(PEOPLE))
    result = user.service.forget(who) if day >= 0 else None
    if result and result.ok:
        with user.lock:
            user.forgotten.append(who)
    return result


def _copy(user: User, chance: random.Random, form: str) -> Any:
    """Export, or back up, and let go of the oldest copy."""
    target = user.plan.folder / f"copy-{user.plan.source}-{uuid4().hex}.{form}"
    if form == "db":
        result: Any = user.service.back_up(target)
    else:
        result = user.service.export_data(form, user.period(chance), to=target)  # type: ignore[arg-type]
    copies = sorted(user.plan.folder.glob(f"copy-{user.plan.source}-*"), key=_age)
    for old in copies[:-COPIES]:
        old.unlink(missing_ok=True)
    return result


def _age(path: Path) -> float:
    with suppress(FileNotFoundError):
        return path.stat().st_mtime
    return 0.0


def _tag(user: User) -> str:
    """Return the tag that this process has declared, or what cost is always told apart by."""
    return next((f"attributes.{tag}" for tag in user.plan.options.get("tags", ())), "user")


def _catch_up(user: User, chance: random.Random) -> None:
    user.service.catch_up()


Operation = Callable[[User, random.Random], Any]

OPERATIONS: dict[str, Operation] = {
    "record": _record,
    "batch": _batch,
    "buffer": _buffered,
    "bus": _publish,
    "catch up": _catch_up,
    "usage": lambda user, chance: user.service.get_usage_stats("user", None, user.period(chance)),
    "by tag": lambda user, chance: user.service.get_cost_breakdown(user.period(chance), by=[_tag(user)]),
    "summary": lambda user, chance: user.service.get_summary("usage.events", user.period(chance)),
    "performance": lambda user, chance: user.service.get_performance_metrics(user.period(chance)),
    "cost": lambda user, chance: user.service.get_cost_breakdown(user.period(chance)),
    "budgets": lambda user, chance: user.service.get_budgets(),
    "explain": lambda user, chance: user.service.explain("usage.events", user.period(chance)),
    "as of": _as_of,
    "aggregate": lambda user, chance: user.service.run_aggregation(user.period(chance)),
    "retain": lambda user, chance: user.service.retain(),
    "rebuild": lambda user, chance: user.service.rebuild(),
    "verify": lambda user, chance: user.service.verify(),
    "forget": _forget,
    "csv": lambda user, chance: _copy(user, chance, "csv"),
    "json": lambda user, chance: _copy(user, chance, "json"),
    "parquet": lambda user, chance: _copy(user, chance, "parquet"),
    "backup": lambda user, chance: _copy(user, chance, "db"),
}
