"""A seeded week of an agent platform under load, as a stream: few fields an event, many clients, no story beside it.

Measured by others: 422 clients of 5 models over 7 days, in windows of ten minutes that stray from their hour by 41 %
and nights with 0.43 of the day's arrivals (ServeGen, arXiv:2505.09999; Apache-2.0). Input tokens have the median
(1,469) and 90th percentile (5,194) of the code trace of the Azure Public Dataset 2023 (Patel et al., Splitwise, ISCA
2024; CC BY 4.0). Output tokens (439 calls), latency (896 calls) and tools (821 calls to 937 model calls, 2 % failing)
are fitted on sessions of a coding agent (badlogic/pi-mono; MIT). 398 of 26,823 model calls fail (Alibaba, gentd26),
half of them without output. A task has 20.8 calls (tau2-bench, 10,391 calls in 500 tasks). The rest is made up: clients
and models are used by Zipf's law, 15 % of tasks fail, a task pauses 30 s between calls and is over ten minutes after
the last, 0.2 % of events are delivered twice and 1 % late, by 9 s in the median.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from heapq import heappop, heappush
from itertools import accumulate, count
from random import Random
from typing import Any

START, DAYS = datetime(2026, 3, 2, tzinfo=UTC), 7
CLIENTS, CALLS_PER_TASK, TOOLS_PER_CALL = 422, 20.8, 821 / 937
CALL_FAILS, TOOL_FAILS, TASK_FAILS = 398 / 26_823, 0.02, 0.15
DUPLICATES, LATE = 0.002, 0.01
PAUSE, OVER_AFTER = 30.0, 600.0  # seconds

MODELS = (  # provider, model, billionths of a dollar an input and an output token; the most used first
    ("alpha", "m-mid", 400, 1_200),
    ("alpha", "m-small", 50, 200),
    ("alpha", "m-large", 1_600, 6_400),
    ("deepseek", "deepseek-r1", 550, 2_190),
    ("beta", "mm-image", 210, 630),
)
TOOLS = ("bash", "edit", "read", "write", "grep", "ls", "find"), (0.55, 0.20, 0.19, 0.04, 0.01, 0.006, 0.004)
ZIPF = list(accumulate(1 / rank for rank in range(1, CLIENTS + 1)))
BUSIEST = "client-001"

Arguments = dict[str, Any]
Event = tuple[float, str, dict[str, Any]]  # seconds since the start, type, data


def week(events: int, *, seed: int = 1, calls_per_task: float = CALLS_PER_TASK) -> Iterator[Arguments]:
    """Yield the arguments of `record_event` of about this many events, in the order of delivery."""
    delivery = Random(f"{seed}, delivery")
    for number, (at, kind, data) in _delivered(_tasks(Random(seed), events, calls_per_task), delivery):
        yield {
            "event_type": kind,
            "data": data,
            "occurred_at": START + timedelta(seconds=at),
            "id": f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}",
            "source": "load",
        }


def _delivered(tasks: Iterator[tuple[float, Iterator[Event]]], random: Random) -> Iterator[tuple[int, Event]]:
    """Number the events of all tasks and put them in order, hold back the late ones, deliver some again."""
    numbers, coming = count(1), list[tuple[float, int, Event]]()
    for began, task in tasks:
        while coming and coming[0][0] < began:
            yield heappop(coming)[1:]
        for event in task:
            number, at = next(numbers), event[0] + (random.lognormvariate(2.2, 2) if random.random() < LATE else 0)
            heappush(coming, (at, number, event))
            if random.random() < DUPLICATES:
                heappush(coming, (at + random.uniform(1, 3_600), number, event))
    yield from (delivery[1:] for delivery in sorted(coming))


def _tasks(random: Random, events: int, calls_per_task: float) -> Iterator[tuple[float, Iterator[Event]]]:
    """Yield when each task begins, in order, and its events."""
    models = random.choices(MODELS, [1 / rank for rank in range(1, 6)], k=CLIENTS)
    sizes = list(_sizes(random, events, calls_per_task))
    for number, (began, calls) in enumerate(zip(_arrivals(random, len(sizes)), sizes, strict=True), 1):
        client = random.choices(range(CLIENTS), cum_weights=ZIPF)[0]
        who = {"user_id": f"client-{client + 1:03}", "task_id": f"task-{number}"}
        yield began, _task(random, began, who, models[client], calls)


def _sizes(random: Random, events: int, calls_per_task: float) -> Iterator[int]:
    """Yield how many calls each task makes, geometrically distributed, until there are events enough."""
    expected = 0.0
    while expected < events:
        calls = 1 + int(math.log(1 - random.random()) / math.log(1 - 1 / calls_per_task))
        expected += 2 + calls * (1 + TOOLS_PER_CALL * (1 - CALL_FAILS))
        yield calls


def _arrivals(random: Random, tasks: int) -> list[float]:
    hours = [(window / 6) % 24 for window in range(DAYS * 144)]
    rates = [(1 + 0.4 * math.cos((hour - 14) * math.tau / 24)) * random.gammavariate(6, 1) for hour in hours]
    return sorted(600 * (window + random.random()) for window in random.choices(range(len(rates)), rates, k=tasks))


def _task(random: Random, now: float, who: dict[str, Any], model: tuple[Any, ...], calls: int) -> Iterator[Event]:
    began = now
    yield now, "task.started", dict(who)
    for turn in range(calls):
        now += random.expovariate(1 / PAUSE) if turn else 0
        called = _call(random, now, who, model)
        yield called
        now = called[0]
        if called[2]["status"] == "ok" and random.random() < TOOLS_PER_CALL:
            ms = max(1, round(random.lognormvariate(3.5889, 2.1460)))
            now += ms / 1_000
            data = {**who, "tool": random.choices(*TOOLS)[0], "duration_ms": ms}
            yield now, "tool.call.completed", {**data, "status": _status(random, TOOL_FAILS)}
    data = {**who, "duration_ms": round((now - began) * 1_000), "status": _status(random, TASK_FAILS)}
    yield now + OVER_AFTER, "task.completed", data


def _call(random: Random, now: float, who: dict[str, Any], model: tuple[Any, ...]) -> Event:
    provider, name, input_price, output_price = model
    prompt, answer, status = random.gauss(7.2923, 0.9855), random.gauss(4.8217, 0.9675), _status(random, CALL_FAILS)
    ms = max(1, round(math.exp(4.97034 + 0.47688 * answer + 0.10652 * prompt + random.gauss(0, 0.26707))))
    read, written = max(1, int(math.exp(prompt))), max(1, int(math.exp(answer)))
    if status == "error" and random.random() < 0.5:
        written = 0
    data = {**who, "provider": provider, "model": name, "input_tokens": read, "output_tokens": written}
    if name == "deepseek-r1":
        data["reasoning_tokens"] = int(written * random.uniform(0.2, 0.8))
    cost = Decimal(read * input_price + written * output_price).scaleb(-9)
    data |= {"duration_ms": ms, "cost": cost, "currency": "USD", "status": status}
    return now + ms / 1_000, "provider.call.completed", data


def _status(random: Random, fails: float) -> str:
    return "error" if random.random() < fails else "ok"
