"""A seeded, realistic stretch of an agent platform's events, for the demo and the benchmarks.

Measured by others: input tokens have the median (1,469) and 90th percentile (5,194) of the code trace of the Azure
Public Dataset 2023 (Patel et al., Splitwise, ISCA 2024; CC BY 4.0). Output tokens (439 calls), latency (896 calls) and
tools (821 calls to 937 model calls, 2 % failing) are fitted on sessions of a coding agent (badlogic/pi-mono; MIT). 398
of 26,823 model calls fail (Alibaba, gentd26), half of them without output. Nights have 0.43 of the day's arrivals, and
windows of ten minutes stray from their hour by 41 % (one model's day and the 75th percentile of clients in ServeGen,
arXiv:2505.09999; Apache-2.0). Prices are of the order of 2025's lists. The rest is made up, even the 6 calls to a task:
tau2-bench has 20.8 (10,391 calls in 500 tasks), but a small demo should have many tasks.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from heapq import heappop, heappush
from itertools import accumulate, count
from operator import mul
from random import Random
from typing import Any

from analytics_es.errors import NaiveTime

JOBS_PER_CONVERSATION, CALLS_PER_TASK, TOOLS_PER_CALL, CALL_FAILS = 2.5, 6, 821 / 937, 398 / 26_823
EVENTS_PER_JOB, COST_PER_JOB = 28.86, 0.04  # what follows from the other figures; 200,000 jobs gave 28.88 and 0.0398

Data = dict[str, Any]
Event = tuple[float, str, Data]  # seconds since the start, type, data
Stories = Iterator[tuple[float, Iterator[Event]]]  # when each begins, and its events
Model = tuple[str, str, tuple[int, ...]]  # provider, name, billionths a token: input, output, cache read, creation

EMBEDDING: Model = ("openai", "text-embedding-3-small", (20, 0, 0, 0))
MODELS: tuple[Model, ...] = (  # the most used first, as tenants
    ("anthropic", "claude-sonnet-4-5", (3_000, 15_000, 300, 3_750)),
    ("openai", "gpt-4.1-mini", (400, 1_600, 100, 0)),
    ("google", "gemini-2.5-flash", (300, 2_500, 30, 0)),
    ("openai", "gpt-4.1", (2_000, 8_000, 500, 0)),
    ("anthropic", "claude-haiku-4-5", (1_000, 5_000, 100, 1_250)),
    ("selfhosted", "llama-3.3-70b", ()),  # nobody knows what a call costs
    ("google", "gemini-2.5-pro", (1_250, 10_000, 125, 0)),
    ("mistral", "mistral-large", (2_000, 6_000, 0, 0)),
)
TOOLS = ("bash", "edit", "read", "write", "grep", "ls", "find"), (0.55, 0.20, 0.19, 0.04, 0.01, 0.006, 0.004)
AGENTS = {"coder": ("fix_bug", "review_change"), "support": ("answer_ticket",), "analyst": ("write_report",)}
TASK_ERRORS, CALL_ERRORS = ("gave_up", "wrong_result"), ("timeout", "timeout", "rate_limited", "overloaded")
TENANTS = ("acme", "birch", "cedar", "delta", "elm", "fjord", "grove", "haven", "iris", "juno", "krill", "lumen")
PLANS, REGIONS, TASKS = ("enterprise", "pro", "free"), ("us", "eu", "apac"), ("plan", "research", "edit", "check")
BUDGETS = {t: {"tenant_id": t, "budget_id": f"{t}-budget", "currency": "EUR" if t == "elm" else "USD"} for t in TENANTS}
ENDS = {"": ("completed", "ok"), "cancelled": ("cancelled", "cancelled")}
ZIPF = list(accumulate(1 / rank for rank in range(1, 35)))


def jobs_for(events: int) -> int:
    """Return how many jobs yield about this many events: within 5 % from 50,000 on, below it chance has its say."""
    return max(1, round(events / EVENTS_PER_JOB))


def platform_events(
    *, seed: int = 1, start: datetime, days: float = 7, jobs: int = 600, duplicates: float = 0.0, late: float = 0.0
) -> Iterator[dict[str, Any]]:
    """Yield the arguments of `record_event`, one event after the other, in the order of delivery; raises NaiveTime.

    Conversations begin within `days` of `start`; what they lead to may happen a few hours after. `duplicates` and
    `late` are shares of events and change their delivery alone, not what happens.
    """
    if start.utcoffset() is None:
        raise NaiveTime(value=start)
    start = start.astimezone(UTC)
    stories = _stories(Random(seed), start, days, jobs)
    for number, (at, kind, data) in _delivered(stories, Random(f"{seed}, delivery"), duplicates, late):
        time = start + timedelta(seconds=at)
        yield {"event_type": kind, "data": data, "occurred_at": time, "id": f"{seed}-{number}", "source": "demo"}


def _delivered(stories: Stories, random: Random, duplicates: float, late: float) -> Iterator[tuple[int, Event]]:
    """Number the events of all stories and put them in order; the late are held back 9 s in the median, or for days."""
    numbers, coming = count(1), list[tuple[float, int, Event]]()
    for began, story in stories:
        while coming and coming[0][0] < began:
            yield heappop(coming)[1:]
        for event in story:
            number, at = next(numbers), event[0] + (random.lognormvariate(2.2, 2) if random.random() < late else 0)
            heappush(coming, (at, number, event))
            if random.random() < duplicates:
                heappush(coming, (at + random.uniform(1, 3_600), number, event))
    yield from (delivery[1:] for delivery in sorted(coming))


def _ended(activity: str, now: float, seconds: float, error: str, data: Data) -> Event:
    """Return the event of an end: completed without an error, cancelled, or failed."""
    verb, status = ENDS.get(error, ("failed", "error"))
    data |= {"status": status, "duration_ms": round(seconds * 1_000, 3)}
    if status == "error":
        data["error_type"] = error
    return now, f"{activity}.{verb}", data


def _stories(random: Random, start: datetime, days: float, jobs: int) -> Stories:
    """Yield when each story begins, in order, and the story: many at 14:00 UTC, few at night and at weekends."""
    yield 0.0, _budgets(random, days, jobs)
    number, place, windows = 0, 0.0, max(1, round(days * 144))
    times = [start + n * timedelta(days) / windows for n in range(windows)]
    rates = [(1 + 0.4 * math.cos((t.hour - 14) * math.tau / 24)) * (0.35 if t.weekday() > 4 else 1) for t in times]
    sums = [0.0, *accumulate(rate * random.gammavariate(6, 1) for rate in rates)]
    while jobs > 0:
        # The next of as many sorted uniform numbers as conversations are left, stretched by the rates.
        place += (1 - place) * (1 - random.random() ** (JOBS_PER_CONVERSATION / jobs))
        end = max(1, bisect_left(sums, place * sums[-1]))
        window = end - (sums[end] - place * sums[-1]) / (sums[end] - sums[end - 1])
        began, number, size = window / windows * days * 86_400, number + 1, random.choice((1, 1, 1, 2, 2, 3, 4, 6))
        yield began, _conversation(random, began, f"{number}", min(size, jobs))
        jobs -= size


def _budgets(random: Random, days: float, jobs: int) -> Iterator[Event]:
    """The four busiest tenants are allocated money by the week, the others by the day: about what they need."""
    for rank, tenant in enumerate(TENANTS, 1):
        length = 7 if rank <= 4 else 1
        need = COST_PER_JOB * jobs / max(days, 1) * length / rank / ZIPF[len(TENANTS) - 1]
        for day in range(0, math.ceil(days), length):
            amount = Decimal(round(100 * need * random.uniform(0.8, 1.6)) + 1).scaleb(-2)
            yield day * 86_400.0, "budget.allocated", {**BUDGETS[tenant], "amount": amount}


def _conversation(random: Random, now: float, number: str, jobs: int) -> Iterator[Event]:
    """A user talks with an agent, which does a job for each message; what that cost is taken from the budget."""
    tenant, user = random.choices(TENANTS, cum_weights=ZIPF[:12])[0], random.choices(range(34), cum_weights=ZIPF)[0]
    began, cost, rank, agent = now, Decimal(0), TENANTS.index(tenant), random.choice(tuple(AGENTS))
    who = {"tenant_id": tenant, "user_id": f"{tenant}-user-{user + 1}", "agent_id": f"{tenant}-{agent}"}
    who["conversation_id"] = f"conversation-{number}"
    about = {**who, "attributes": {"plan": PLANS[rank // 4], "region": REGIONS[rank % 3]}}
    yield now, "conversation.started", about
    for job in range(1, jobs + 1):
        now += random.expovariate(1 / 60)
        yield now, "conversation.message.added", {**about, "messages": 1}
        for event in _job(random, now, {**who, "job_id": f"job-{number}-{job}"}, random.choice(AGENTS[agent])):
            yield event
            now, cost = event[0], cost + event[2].get("cost", 0)
        yield now, "conversation.message.added", {**about, "messages": 1}
    if cost:
        yield now, "budget.spent", {**BUDGETS[tenant], "amount": cost}
    now += random.expovariate(1 / 300)
    yield now, "conversation.ended", {**about, "status": "ok", "duration_ms": round((now - began) * 1_000, 3)}


def _job(random: Random, now: float, job: Data, kind: str) -> Iterator[Event]:
    """An agent does one task after the other, until one fails or the user has enough."""
    began, error, name = now, "", job["job_id"].replace("job", "task")
    yield now, "job.started", {**job, "job_type": kind}
    for number in range(random.choice((1, 1, 1, 1, 2, 2, 3, 4))):
        for event in _task(random, now, {**job, "task_id": f"{name}-{number + 1}"}):
            yield event
        now, error = event[0], event[2].get("error_type") or ("cancelled" if random.random() < 0.02 else "")
        if error:
            break
    yield _ended("job", now, now - began, error, {**job, "job_type": kind})


def _task(random: Random, now: float, task: Data) -> Iterator[Event]:
    """A model takes turns with tools, now and then after an embedding."""
    began, kind, model, turn = now, random.choice(TASKS), random.choices(MODELS, cum_weights=ZIPF[:8])[0], 0
    yield now, "task.started", {**task, "task_type": kind}
    while turn == 0 or random.random() > 1 / CALLS_PER_TASK:
        called = _call(random, now, task, model if turn or random.random() < 0.8 else EMBEDDING, warm=turn > 0)
        yield called
        now, turn = called[0], turn + 1
        if called[1] == "provider.call.completed" and random.random() < TOOLS_PER_CALL:
            tool, seconds = random.choices(*TOOLS)[0], random.lognormvariate(3.5889, 2.1460) / 1_000
            now, error = now + seconds, "bad_arguments" if random.random() < 0.02 else ""
            yield _ended("tool.call", now, seconds, error, {**task, "tool": tool})
    error = random.choice(TASK_ERRORS) if random.random() < 0.04 else ""
    yield _ended("task", now, now - began, error, {**task, "task_type": kind})


def _call(random: Random, now: float, task: Data, model: Model, *, warm: bool) -> Event:
    """A model is called, and reads the `warm` prompts of 1,024 tokens and more from its cache, if it has one."""
    (provider, name, prices), error, read, created = model, "", 0, 0
    prompt, answer = random.gauss(7.2923, 0.9855), random.gauss(4.8217, 0.9675)
    seconds = math.exp(4.97034 + 0.47688 * answer + 0.10652 * prompt + random.gauss(0, 0.26707)) / 1_000
    input, output = int(math.exp(prompt)), 0 if model is EMBEDDING else int(math.exp(answer))
    if random.random() < CALL_FAILS:
        error = random.choice(CALL_ERRORS)
        input, output, seconds = (input, output, 60) if error == "timeout" else (0, 0, seconds / 10)
    call = {**task, "provider": provider, "model": name, "input_tokens": input, "output_tokens": output}
    call["operation"] = "embeddings" if model is EMBEDDING else "chat"
    if prices and prices[2] and input >= 1_024:
        read = int(input * random.uniform(0.5, 0.95)) if warm else 0
        created = (input - read) * 4 // 5 if prices[3] else 0
        call |= {"cache_read_tokens": read, "cache_creation_tokens": created}
    if provider == "google":
        call["reasoning_tokens"] = int(output * random.uniform(0.2, 0.8))
    if prices:
        billionths = sum(map(mul, prices, (input - read - created, output, read, created)))
        call |= {"cost": Decimal(billionths).scaleb(-9), "currency": BUDGETS[task["tenant_id"]]["currency"]}
    if output and not error:
        call["time_to_first_chunk_ms"] = round(seconds * random.uniform(100, 400), 3)
    return _ended("provider.call", now + seconds, seconds, error, call)
