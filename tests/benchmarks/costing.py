"""What 90 days of calls of 40 models cost, by model and day and by user, against a constant task."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from itertools import accumulate, islice
from random import Random
from typing import Any

from analytics_es import AnalyticsService, TimePeriod
from analytics_es.cost.prices import genai
from tests.benchmarks.figures import Effort, Figure, Pace, Target, pace, times
from tests.benchmarks.querying import Question, asked_in_turn
from tests.benchmarks.store import Store, say
from tests.benchmarks.workload import START, ZIPF, Arguments

DAYS, MODELS = 90, 40
QUARTER = TimePeriod(START, START + timedelta(days=DAYS), "day")
LAST = TimePeriod(QUARTER.end - timedelta(days=7), QUARTER.end)
QUESTIONS: Mapping[str, Callable[[AnalyticsService], Any]] = {
    "cost of 90 days by model and day": lambda analytics: analytics.get_cost_breakdown(QUARTER),
    "cost of 7 of 90 days by user": lambda analytics: analytics.get_cost_breakdown(LAST, by=("user",)),
}
MOST = {"cost of 90 days by model and day": 45, "cost of 7 of 90 days by user": 90}  # ms of processor time
PRICES = [
    {
        "provider": "openai",
        "model": "*",
        "effective_from": (START + timedelta(days=day)).isoformat(),
        "multiplier": part,
    }
    for day, part in ((30, "0.9"), (60, "0.85"))
]


def costing(store: Store, effort: Effort) -> Iterator[Figure]:
    """Ask what a quarter cost; publish a price and ask again."""
    path = store.own("costing").path
    say(f"recording {store.size:,} calls of {MODELS} models")
    with AnalyticsService.open(path, follow=False, privacy="full") as analytics:
        analytics.record_events(quarter(store.size)).unwrap()
        analytics.publish_prices(PRICES).unwrap()
        analytics.catch_up()
        questions = [Question(what, ask) for what, ask in QUESTIONS.items()]
        asked_in_turn(path, questions, effort)
        yield from (question.figure(store.size, Target("cpu", "≤", MOST[question.name])) for question in questions)
        yield _published(store, effort, analytics)


def _published(store: Store, effort: Effort, analytics: AnalyticsService) -> Figure:
    """Publish a price for the past and ask, and ask again."""
    pairs = []
    for number in range(effort.rounds):
        entry = {**PRICES[0], "multiplier": f"0.{80 + number}"}
        began, cpu = time.perf_counter(), time.process_time()
        analytics.publish_prices([entry]).unwrap()
        analytics.get_cost_breakdown(QUARTER).unwrap()
        first = Pace(1, time.perf_counter() - began, time.process_time() - cpu)
        pairs.append((first, pace(1, lambda: analytics.get_cost_breakdown(QUARTER).unwrap())))
    what, again = "publish a price for the past and ask", "the question alone"
    return times(what, pairs, p95=False, events=store.size, yardstick=again)


def quarter(calls: int, *, seed: int = 1) -> Iterator[Arguments]:
    """Yield so many calls, in order: a quarter of the models reports a cost, a fifth has batches, 2 % are large."""
    random = Random(seed)
    models, weights = _models(), list(accumulate(1 / rank for rank in range(1, MODELS + 1)))
    for number in range(calls):
        day, hour = divmod(number * DAYS * 24 / calls, 24)
        at = START + timedelta(days=day, hours=12 + (hour - 12) * (0.6 + 0.4 * abs(hour - 12) / 12))
        provider, model = random.choices(models, cum_weights=weights)[0]
        yield {
            "event_type": "provider.call.completed",
            "data": _call(random, provider, model),
            "occurred_at": at,
            "id": f"{number:x}",
        }


def _models() -> list[tuple[str, str]]:
    providers = ("openai", "anthropic", "google", "mistral")
    listed = [[(provider, each.model) for each in genai.models(provider)] for provider in providers]
    return list(islice((name for names in zip(*listed, strict=False) for name in names), MODELS))


def _call(random: Random, provider: str, model: str) -> dict[str, Any]:
    read = int(random.uniform(200_001, 400_000)) if random.random() < 0.02 else int(math.exp(random.gauss(7.3, 0.98)))
    written = int(math.exp(random.gauss(4.8, 0.97)))
    data: dict[str, Any] = {
        "user_id": f"client-{random.choices(range(len(ZIPF)), cum_weights=ZIPF)[0] + 1:03}",
        "provider": provider,
        "model": model,
        "operation": "chat",
        "input_tokens": read,
        "cache_read_tokens": int(read * random.random() * 0.9),
        "output_tokens": written,
        "status": "error" if random.random() < 0.015 else "ok",
    }
    if len(model) % 4 == 0:  # through a gateway that says what it charges
        data |= {"cost": f"0.{read + written:09}", "currency": "USD"}
    if len(model) % 5 == 0 and random.random() < 0.3:
        data["batch"] = True
    return data
