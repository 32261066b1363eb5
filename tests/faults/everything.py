"""Everything at once for some minutes, in several threads of several processes: nothing fails, nothing grows."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import linear_regression, median
from typing import Any

from attrs import field, frozen

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.lifecycle.copies import BACKED_UP, EXPORTED
from analytics_es.testing import NOON
from tests.byte_search import Place, Tables, holders
from tests.children import joined
from tests.faults import users
from tests.faults.storm import processes
from tests.faults.users import RETENTION, SAMPLED, Plan
from tests.stores import recorded

PROCESSES, THREADS = 3, 3
HELD = ("memory", "threads", "descriptors", "files", "megabytes")

# How often what is done; what takes long is rare.
WEIGHTS = {
    **dict.fromkeys(("record",), 40),
    **dict.fromkeys(("bus", "batch", "usage", "summary"), 12),
    **dict.fromkeys(("buffer", "cost", "performance", "budgets"), 6),
    **dict.fromkeys(("catch up", "explain", "as of", "aggregate", "retain", "forget"), 2),
    **dict.fromkeys(("rebuild", "verify", "csv", "json", "parquet", "backup"), 1),
}

# What may be answered besides: what somebody else is at, and what is no longer kept.
EXPECTED = {
    *("ok", "store_busy", "rebuild_running", "before_horizon", "sealed_period", "no_longer_kept", "no_such_position"),
    *("rebuild_lost", "retention_running"),
}


@frozen(kw_only=True)
class Lived:
    """What came of it.

    outcomes: by operation and code.
    peaks: of each thing that is held, the most in each quarter, of the process that held most.
    usual: the same, what was held in the median.
    slopes: of each, how much more a minute in the second half, of the process in which it grew most.
    unexpected: outcomes that nobody should have.
    broken: promises that were not kept.
    """

    seconds: float
    recorded: int
    outcomes: Counter[str]
    peaks: Mapping[str, Sequence[float]]
    usual: Mapping[str, Sequence[float]]
    slopes: Mapping[str, float]
    unexpected: list[str] = field(factory=list)
    broken: list[str] = field(factory=list)


def live(url: str, folder: Path, *, seconds: float, seed: int, weights: Mapping[str, int] = WEIGHTS) -> Lived:
    """Let processes do everything to a store for so long, and look at what they hold and what is left."""
    print(f"seed {seed}")
    in_files = url.startswith("sqlite")
    weights = {name: often for name, often in weights.items() if in_files or name != "backup"}
    AnalyticsService.open(url, follow=False, privacy="full", retention=RETENTION).close()
    began, chance = time.time() + 1, random.Random(seed)
    plans = [
        Plan(
            url=url,
            source=f"process-{n}",
            folder=folder,
            options={"privacy": "full", "retention": RETENTION},
            weights=weights,
            threads=THREADS,
            began=began,
            seconds=seconds,
            seed=chance.getrandbits(32),
        )
        for n in range(PROCESSES)
    ]
    children = [processes.Process(target=users.live, args=(plan,), daemon=True) for plan in plans]
    for child in children:
        child.start()
    files = _watched(folder, began + seconds)
    codes = joined(*children)
    notes = [json.loads(plan.notes.read_text()) for plan in plans if plan.notes.exists()]
    return _lived(url, folder, plans, seconds, notes, files, codes)


def _watched(folder: Path, until: float) -> list[dict[str, float]]:
    """Note how many files there are, and how large, until then."""
    samples = []
    while time.time() < until:
        sizes = [size for path in folder.rglob("*") if (size := _size(path)) is not None]
        samples.append({"files": float(len(sizes)), "megabytes": sum(sizes) / 2**20})
        time.sleep(SAMPLED)
    return samples


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _lived(
    url: str,
    folder: Path,
    plans: list[Plan],
    seconds: float,
    notes: list[dict[str, Any]],
    files: list[dict[str, float]],
    codes: list[int | None],
) -> Lived:
    outcomes = sum(
        (Counter(note.get("outcomes", {"open: " + note.get("refused", ""): 1})) for note in notes), Counter()
    )
    series = [*(note["samples"] for note in notes if "samples" in note), files]
    peaks, usual = (
        {
            name: _most([_quarters(samples, name, of) for samples in series if samples and name in samples[0]])
            for name in HELD
        }
        for of in (max, median)
    )
    slopes = {name: max(_slope(samples, name) for samples in series if samples and name in samples[0]) for name in HELD}
    unexpected = sorted(f"{key} ({n})" for key, n in outcomes.items() if key.partition(": ")[2] not in EXPECTED)
    total = sum(note.get("recorded", 0) for note in notes)
    broken = [f"processes ended with {codes}"] if codes != [0] * len(plans) else []
    broken += _broken(url, folder, plans[0], total, {who for note in notes for who in note.get("forgotten", [])})
    return Lived(
        seconds=seconds,
        recorded=total,
        outcomes=outcomes,
        peaks=peaks,
        usual=usual,
        slopes=slopes,
        unexpected=unexpected,
        broken=broken,
    )


def _broken(url: str, folder: Path, plan: Plan, total: int, forgotten: set[str]) -> list[str]:
    """Say which promises do not hold of what is left."""
    broken = []
    with AnalyticsService.open(url, follow=False, clock=plan.now, privacy="full", retention=RETENTION) as service:
        service.catch_up()
        sums = service.get_summary("usage.events", TimePeriod(NOON - users.timedelta(days=2), plan.now(), "total"))
        counted = sums.unwrap().figures.count if sums.ok else None
        if not service.verify().unwrap().identical:
            broken.append("read models are not what the log says")
        told = {Path(event.data["file"]).name for event in recorded(service, EXPORTED, BACKED_UP)}
    if counted is not None and counted != total:
        broken.append(f"{total} recorded, {counted} counted")
    places: list[Place] = [folder] if url.startswith("sqlite") else [folder, Tables(url)]
    for who, names in holders(places, forgotten).items():
        untold = {name.partition("!")[0] for name in names} - told - {path.name for path in folder.glob("*.json")}
        if untold:
            broken.append(f"{who} was forgotten and is in {sorted(untold)}")
    return broken


# ── level ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _quarters(samples: list[dict[str, float]], name: str, of: Callable[[Sequence[float]], float]) -> list[float]:
    bounds = [len(samples) * n // 4 for n in range(5)]
    return [of([sample[name] for sample in samples[start:end]] or [0.0]) for start, end in pairwise(bounds)]


def _most(peaks: list[list[float]]) -> list[float]:
    return max(peaks, key=lambda quarters: quarters[-1])


def _slope(samples: list[dict[str, float]], name: str) -> float:
    """Return how much more it is a minute later, in the second half."""
    half = [sample[name] for sample in samples[len(samples) // 2 :]]
    return linear_regression(range(len(half)), half).slope * 60 / SAMPLED if len(half) > 2 else 0.0
