"""What takes longer than a test may: the storm, kills, flips, everything at once, two million events.

`python -m tests.faults.soak [--processes] [--askers 200] [--rebuilds 200] [--retains 100] [--deliveries 40]
[--forks 200] [--ends 20] [--key] [--events 2000000] [--cuts 40] [--flips 300] [--settings 20] [--minutes 10]
[--on sqlite|postgres]`; without a choice, all.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from analytics_es import AnalyticsService
from analytics_es.ingest.vault import KEY_VARIABLE
from tests.faults.askers import ask_at_once, fill
from tests.faults.cuts import cut
from tests.faults.deliveries import deliver
from tests.faults.disagreeing import SETTINGS, disagree
from tests.faults.ends import ENDS, WAYS, Places, run
from tests.faults.everything import live
from tests.faults.flips import flip, flip_rows
from tests.faults.forking import EACH, THREADS, fork_all_the_time
from tests.faults.rebuilds import kill_rebuilds
from tests.faults.retains import kill_retains
from tests.faults.storm import Survived, storm
from tests.faults.test_clocks import assert_exact
from tests.faults.test_processes import assert_derivable
from tests.nats_servers import nats_server
from tests.servers import Server, server

RATE, BATCH, PART = 10_000, 1_000, 250_000
EACH_ASKS = 3
COPIED = "megabytes"  # of copies that are drawn and let go of: shown, not held to a level
LEVEL, STEADY = 1.15, 4  # how often as much the last quarter may usually hold as the second, of so many minutes or more


def main() -> None:
    """Run what is asked for, and end with 1 where a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--processes", action="store_true", help="kill writers and runners at random moments")
    parser.add_argument("--askers", type=int, default=0, help="threads that ask at once; 200 by default")
    parser.add_argument("--rebuilds", type=int, default=0, help="kill so many processes that rebuild; 200 by default")
    parser.add_argument("--retains", type=int, default=0, help="kill so many runs of retention; 100 by default")
    parser.add_argument("--deliveries", type=int, default=0, help="kill so many consumers of NATS; 40 by default")
    parser.add_argument("--forks", type=int, default=0, help="fork so often beside threads at work; 200 by default")
    parser.add_argument("--ends", type=int, default=0, help="end each program so often without closing; 20 by default")
    parser.add_argument("--key", action="store_true", help="a million events with one key")
    parser.add_argument("--events", type=int, default=0, help="through a live follower; with memory and lag")
    parser.add_argument(
        "--cuts", type=int, default=0, help="kill so many of each of forget, retain, export, backup; 40"
    )
    parser.add_argument("--flips", type=int, default=0, help="flip so many single bits of log and read models; 300")
    parser.add_argument("--settings", type=float, default=0, help="seconds of two processes of other settings; 20")
    parser.add_argument("--minutes", type=float, default=0, help="of everything at once, what is held level; 10")
    parser.add_argument("--on", choices=("sqlite", "postgres"), action="append", help="the databases; both by default")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--kills", type=int, default=80)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    asked = parser.parse_args()
    named = ("processes", "askers", "rebuilds", "retains", "deliveries", "forks", "ends", "key", "events")
    named += ("cuts", "flips", "settings", "minutes")
    everything = not any(getattr(asked, name) for name in named)
    held = []
    for kind in asked.on or ("sqlite", "postgres"):
        with server() if kind == "postgres" else nullcontext() as running:
            if asked.processes or everything:
                with _store(running) as (url, folder):
                    left = storm(url, folder, seconds=asked.seconds, kills=asked.kills, seed=asked.seed)
                    assert_derivable(url)
                _say(kind, told(left))
                held.append(not (left.lost or left.doubled) and left.counted == left.logged)
            if asked.askers or everything:
                held.append(_askers(kind, running, asked.askers or 200))
            if asked.rebuilds or everything:
                held.append(_rebuilds(kind, running, asked.rebuilds or 200, asked.seed))
            if asked.retains or everything:
                held.append(_retains(kind, running, asked.retains or 100, asked.seed))
            if asked.deliveries or everything:
                held.append(_deliveries(kind, running, asked.deliveries or 40, asked.seed))
            held += _forks_and_ends(kind, running, asked, everything)
            held += _word_kept(kind, running, asked, everything)
            if asked.key or everything:
                held.append(_one_key(kind, running))
            if asked.events or everything:
                held.append(_follow(kind, running, asked.events or 2_000_000))
    sys.exit(not all(held))


@contextmanager
def _store(running: Server | None) -> Iterator[tuple[str, Path]]:
    with TemporaryDirectory() as folder:
        yield running.database() if running else f"sqlite:///{folder}/analytics.db", Path(folder)


def _askers(kind: str, running: Server | None, threads: int) -> bool:
    with _store(running) as (url, _), AnalyticsService.open(url, privacy="full") as service:
        fill(service)
        answered = ask_at_once(service, threads, EACH_ASKS, recording=4)
        service.wait_until_caught_up(600)
    _say(
        kind,
        f"{threads} askers at once beside 4 who record: {answered.questions:,} of {threads * EACH_ASKS:,} questions "
        f"answered in {answered.seconds:.0f} s, {answered.recorded:,} events recorded meanwhile",
    )
    return answered.questions == threads * EACH_ASKS and not answered.failures


def _rebuilds(kind: str, running: Server | None, kills: int, seed: int) -> bool:
    with _store(running) as (url, _):
        left = kill_rebuilds(url, kills=kills, seed=seed)
    _say(kind, f"{kills} rebuilds killed (seed {seed}): {left.promoted} read models promoted, none a mix, none left")
    return True


def _forks_and_ends(kind: str, running: Server | None, asked: argparse.Namespace, everything: bool) -> Iterator[bool]:
    if asked.forks or everything:
        yield _forks(kind, running, asked.forks or 200)
    if asked.ends or everything:
        yield _ends(kind, running, asked.ends or 20)


def _word_kept(kind: str, running: Server | None, asked: argparse.Namespace, everything: bool) -> Iterator[bool]:
    if asked.cuts or everything:
        yield _cuts(kind, running, asked.cuts or 40, asked.seed)
    if asked.flips or everything:
        yield _flips(kind, running, asked.flips or 300, asked.seed)
    if asked.settings or everything:
        yield from (_settings(kind, running, name, asked.settings or 20, asked.seed) for name in SETTINGS)
    if asked.minutes or everything:
        yield _everything(kind, running, asked.minutes or 10, asked.seed)


def _cuts(kind: str, running: Server | None, kills: int, seed: int) -> bool:
    with TemporaryDirectory() as folder, _key():
        left = cut(running, Path(folder), kills=kills, seed=seed)
    work = ", ".join(f"{name} {number} of {left.calls[name]:,} calls" for name, number in left.kills.items())
    _say(kind, f"{left.kills.total()} killed (seed {seed}): {work}; every byte searched, all done again")
    return True


def _flips(kind: str, running: Server | None, flips: int, seed: int) -> bool:
    with TemporaryDirectory() as folder, _key():
        left = flip_rows(running, flips=flips, seed=seed) if running else flip(Path(folder), flips=flips, seed=seed)
    _say(
        kind,
        f"{left.flips.total()} bits flipped (seed {seed}): {left.said.total()} said, {left.harmless.total()} of no "
        f"meaning, {len(left.unsaid)} not said, {len(left.beside)} not said of what is kept beside events and rows, "
        f"{len(left.bare)} met as a bare error",
    )
    for who, times in left.said.most_common():
        _say(kind, f"  {who}: {times}")
    for where in left.beside:
        _say(kind, f"  not said: {where}")
    for where in [*left.unsaid, *left.bare]:
        _say(kind, f"  BROKEN {where}")
    return not (left.unsaid or left.bare)


def _settings(kind: str, running: Server | None, name: str, seconds: float, seed: int) -> bool:
    with _store(running) as (url, folder), _key():
        left = disagree(url, folder, name, seconds=seconds, seed=seed)
    refused = f", refused: {', '.join(left.refused)}" if left.refused else ""
    _say(kind, f"{name}: {left.recorded:,} events, {left.outcomes.total():,} operations{refused}")
    for problem in [*left.unexpected, *left.broken]:
        _say(kind, f"  BROKEN {problem}")
    return not (left.unexpected or left.broken)


def _everything(kind: str, running: Server | None, minutes: float, seed: int) -> bool:
    with _store(running) as (url, folder), _key():
        left = live(url, folder, seconds=60 * minutes, seed=seed)
    busy = sum(times for key, times in left.outcomes.items() if not key.endswith(": ok"))
    _say(kind, f"{minutes:g} minutes of everything (seed {seed}): {left.recorded:,} events, {left.outcomes.total():,}")
    _say(kind, f"  operations, {busy:,} told that somebody else is at it or that it is no longer kept")
    for name, quarters in left.peaks.items():
        usual, most = (", ".join(f"{held:,.0f}" for held in each) for each in (left.usual[name], quarters))
        _say(
            kind, f"  {name} by quarter: {usual}, at most {most}; {left.slopes[name]:+,.2f} a minute in the second half"
        )
    for problem in [*left.unexpected, *left.broken]:
        _say(kind, f"  BROKEN {problem}")
    level = minutes < STEADY or all(
        quarters[3] <= LEVEL * quarters[1] for name, quarters in left.usual.items() if name != COPIED
    )
    if not level:
        _say(kind, f"  BROKEN not level: the last quarter is more than {LEVEL} times the second")
    return level and not (left.unexpected or left.broken)


@contextmanager
def _key() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_VARIABLE, "ab" * 32)
        yield


def _ends(kind: str, running: Server | None, times: int) -> bool:
    programs = list(product(("postgres",) if running else ("memory", "file"), WAYS, ENDS)) * times
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(4) as together:
        patch.setenv(KEY_VARIABLE, "ab" * 32)
        places = Places(Path(folder), running)
        wrong = list(together.map(lambda program: run(places.new(*program[:2]), *program[1:]), programs))
    failed = {program: problems for program, problems in zip(programs, wrong, strict=True) if problems}
    _say(kind, f"{len(programs)} programs ended without closing, {sum(map(bool, wrong))} of them badly {failed or ''}")
    return not failed


def _retains(kind: str, running: Server | None, kills: int, seed: int) -> bool:
    with _store(running) as (url, _):
        left = kill_retains(url, kills=kills, seed=seed)
    _say(kind, f"{kills} runs of retention killed (seed {seed}): sealed {left.seals} times, no read model changed")
    return True


def _deliveries(kind: str, running: Server | None, kills: int, seed: int) -> bool:
    with _store(running) as (url, _), nats_server() as nats:
        left = deliver(url, nats, messages=2_500 * kills, kills=kills, seed=seed)
    _say(
        kind,
        f"{kills} consumers killed, {left.interrupted} at work (seed {seed}): {left.published:,} messages, "
        f"{left.lost} lost, {left.doubled} doubled",
    )
    return not (left.lost or left.doubled)


def _forks(kind: str, running: Server | None, forks: int) -> bool:
    with _store(running) as (url, _):
        failed, found = fork_all_the_time(url, forks)
    _say(
        kind,
        f"{forks} forks, {failed} children failed: {found['thread']:,} of threads, {found['child']:,} of children",
    )
    return not failed and found == {"thread": THREADS * forks * EACH, "child": forks * EACH}


def _one_key(kind: str, running: Server | None) -> bool:
    with _store(running) as (url, _), AnalyticsService.open(url, follow=False, privacy="full") as service:
        assert_exact(service, 1_000_000)
    _say(kind, "a million events of one key: exact")
    return True


def _follow(kind: str, running: Server | None, events: int) -> bool:
    """Record at 10,000 events a second beside a follower in this process; look at memory and lag all the time."""
    from tests.benchmarks.workload import week

    with _store(running) as (url, _), AnalyticsService.open(url, privacy="full") as service:
        quarter, peaks, lags, began, sent = events // 4, [0.0] * 4, [0] * 4, time.monotonic(), 0
        source = week(events)
        while sent < events:
            batch = [event for _, event in zip(range(BATCH), source, strict=False)]
            if not batch:
                break
            service.record_events(batch, batch_size=BATCH).unwrap()
            sent += len(batch)
            part = min(3, (sent - 1) // quarter)
            peaks[part] = max(peaks[part], _memory_mb())
            lags[part] = max(lags[part], max(each.lag_events for each in service.projections().unwrap()))
            time.sleep(max(0.0, began + sent / RATE - time.monotonic()))
        took = time.monotonic() - began
        service.wait_until_caught_up(600)
        caught = time.monotonic() - began - took
        counted = service.store.log.head()
    memory, behind = ", ".join(f"{peak:,.0f}" for peak in peaks), ", ".join(f"{lag:,}" for lag in lags)
    _say(kind, f"{sent:,} events in {took:,.0f} s, caught up {caught:.1f} s later, {counted:,} in the log")
    _say(kind, f"by quarter: peak memory {memory} MB; most events behind {behind}")
    return peaks[3] <= 1.05 * peaks[1]


def _memory_mb() -> float:
    """Return what this process holds in memory now (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def _say(kind: str, text: str) -> None:
    sys.stdout.write(f"{kind}: {text}\n")
    sys.stdout.flush()


def told(left: Survived) -> str:
    """Say in one line what a storm left."""
    return (
        f"{left.kills} kills (seed {left.seed}): {left.acknowledged:,} events acknowledged, {left.sent_again:,} sent "
        f"again, {left.logged:,} in the log, {left.counted:,} counted, "
        f"{len(left.lost)} lost, {len(left.doubled)} doubled"
    )


if __name__ == "__main__":
    main()
