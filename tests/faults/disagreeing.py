"""Two processes that open one store with other settings: both are served, or one is refused with a reason."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.ingest.in_force import CONFIGURED
from analytics_es.projections import Budgets, Cost, Usage
from analytics_es.testing import NOON
from tests.children import joined
from tests.faults import users
from tests.faults.everything import EXPECTED
from tests.faults.storm import processes
from tests.faults.users import Plan
from tests.stores import recorded

THREADS = 2

# What each of two processes says when it opens the store.
SETTINGS: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "policies": ({"privacy": "full"}, {"privacy": "anonymous"}),
    "a policy, and none said": ({"privacy": "anonymous"}, {}),
    "tags": ({"tags": ["team"]}, {"tags": ["project"]}),
    "tags, and others beside them": ({"tags": ["team"]}, {"tags": ["team", "project"]}),
    "retention": ({"retention": {"events": "3d", "hourly": "5d"}}, {"retention": {"events": "5d"}}),
    "zones": ({"timezone": "UTC"}, {"timezone": "Asia/Kathmandu"}),
    "projections": ({}, {"projections": [Usage, Cost]}),
    "projections of which no two are alike": ({"projections": [Usage, Budgets]}, {"projections": [Cost]}),
    "who follows": ({"follow": False, "rebuild": "manual"}, {}),
}
# Where a process has not all projections, and where another one has rebuilt without a tag: each says which, and why.
ALSO_EXPECTED = EXPECTED | {"missing_projection", "unknown_metric", "replaced_read_model"}
WEIGHTS = {
    **dict.fromkeys(("record", "batch"), 10),
    **dict.fromkeys(("catch up", "usage", "summary", "cost", "by tag"), 8),
    **dict.fromkeys(("aggregate", "verify", "rebuild", "retain", "forget"), 1),
}


@frozen(kw_only=True)
class Disagreed:
    """What came of two processes: what each did with which outcome, who was refused, and what should not have been."""

    settings: str
    recorded: int
    outcomes: Counter[str]
    refused: list[str] = field(factory=list)
    unexpected: list[str] = field(factory=list)
    broken: list[str] = field(factory=list)


def disagree(url: str, folder: Path, settings: str, *, seconds: float, seed: int) -> Disagreed:
    """Let two processes use a store for so long, each with its settings, and look at what is left."""
    began, chance = time.time() + 1, random.Random(seed)
    AnalyticsService.open(url, **{**SETTINGS[settings][0], "follow": False}).close()
    plans = [
        Plan(
            url=url,
            source=f"process-{n}",
            folder=folder,
            options=options,
            weights=WEIGHTS,
            threads=THREADS,
            began=began,
            seconds=seconds,
            seed=chance.getrandbits(32),
        )
        for n, options in enumerate(SETTINGS[settings])
    ]
    children = [processes.Process(target=users.live, args=(plan,), daemon=True) for plan in plans]
    for child in children:
        child.start()
    codes = joined(*children)
    notes = [json.loads(plan.notes.read_text()) if plan.notes.exists() else {} for plan in plans]
    outcomes = [
        Counter({f"{n} {key}": count for key, count in note.get("outcomes", {}).items()})
        for n, note in enumerate(notes)
    ]
    both = sum(outcomes, Counter())
    result = Disagreed(
        settings=settings,
        recorded=sum(note.get("recorded", 0) for note in notes),
        outcomes=both,
        refused=[f"{note['refused']}: {note['message']}" for note in notes if "refused" in note],
        unexpected=sorted(f"{key} ({n})" for key, n in both.items() if key.partition(": ")[2] not in ALSO_EXPECTED),
        broken=[f"processes ended with {codes}"] if codes != [0, 0] else [],
    )
    result.broken.extend(_broken(plans, result.recorded))
    return result


def _broken(plans: list[Plan], total: int) -> list[str]:
    broken, first = [], plans[0]
    with AnalyticsService.open(first.url, **{**first.options, "follow": False}, clock=first.now) as service:
        service.catch_up()
        verified = service.verify().unwrap()
        if not verified.identical:
            broken.append("read models are not what the log says")
        if "usage" in service.store.read_models.declarations:
            period = TimePeriod(NOON - users.timedelta(days=2), first.now(), "total")
            counted = service.get_summary("usage.events", period)
            if counted.ok and counted.unwrap().figures.count != total:
                broken.append(f"{total} recorded, {counted.unwrap().figures.count} counted")
        broken += _otherwise_treated(service, plans)
    return broken


def _otherwise_treated(service: AnalyticsService, plans: list[Plan]) -> list[str]:
    """Say whose events are not as its process has said, or as no policy says that the log told before them."""
    presets = {plan.source: plan.options.get("privacy") for plan in plans}
    broken, told = Counter[str](), {"full"}
    for event in recorded(service, CONFIGURED, "provider.call.completed", "tool.call.completed", "job.failed"):
        if event.type == CONFIGURED:
            told.add(event.data["preset"])
            continue
        said, who = presets.get(event.source), event.data.get("user_id")
        treated = "anonymous" if who is None else "pseudonymous" if str(who).startswith("p_") else "full"
        if treated == "pseudonymous" and said == "full":  # who was forgotten since
            continue
        if treated not in told or said not in (None, treated):
            broken[f"{event.source} says {said}, and recorded as {treated} after {sorted(told)}"] += 1
    return [f"{what} ({n})" for what, n in broken.items()]
