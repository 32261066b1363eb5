"""A seeded, realistic stretch of an agent platform's events, for the demo and the benchmarks.

Users talk with agents; a conversation starts jobs, a job has tasks, a task takes turns: a model call, often a tool call.

Figures measured by others: input tokens are log-normal with the median (1,469) and 90th percentile (5,194) of the code
trace of the Azure Public Dataset 2023 (Patel et al., Splitwise, ISCA 2024; CC BY 4.0). Output tokens, latency and tools
are fitted on sessions of a coding agent (badlogic/pi-mono; MIT): 439 calls, 896 calls, and 821 tool calls to 937 model
calls, 2 % failing. 398 of 26,823 model calls fail (Alibaba, gentd26), half of them without a token of output. Nights
have 0.43 of the day's arrivals and ten-minute windows stray from their hour by 41 % (one model's day and the 75th
percentile of clients in ServeGen, arXiv:2505.09999; Apache-2.0).

Made up: 6 calls to a task (tau2-bench: 10,391 calls in 500 tasks, 20.8 each), so that a small demo has many tasks; the
tenants, budgets, weekends, embeddings, task errors, cache shares, first chunks, delays. Prices are of 2025's order.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from heapq import heappop, heappush, heapreplace
from itertools import accumulate, count
from operator import mul
from random import Random
from typing import Any

from attrs import Factory, define

from analytics_es.errors import NaiveTime

JOBS_PER_CONVERSATION, CALLS_PER_TASK, TOOLS_PER_CALL, CALL_FAILS = 2.5, 6, 821 / 937, 398 / 26_823
EVENTS_PER_JOB, COST_PER_JOB = 26.6, 0.06  # what follows from the other figures, measured over 200,000 jobs

Data = dict[str, Any]
Event = tuple[float, str, Data]  # seconds since the start, type, data
Story = Generator[Event, None, Any]
Model = tuple[str, str, tuple[int, ...]]  # provider, name, billionths a token: input, output, cache read, cache creation

EMBEDDING: Model = ("openai", "text-embedding-3-small", (20, 0, 0, 0))
MODELS: tuple[Model, ...] = (  # the most used first, as tenants and users
    ("anthropic", "claude-sonnet-4-5", (3_000, 15_000, 300, 3_750)),
    ("openai", "gpt-4.1-mini", (400, 1_600, 100, 0)),
    ("google", "gemini-2.5-flash", (300, 2_500, 30, 0)),
    ("openai", "gpt-4.1", (2_000, 8_000, 500, 0)),
    ("anthropic", "claude-haiku-4-5", (1_000, 5_000, 100, 1_250)),
    ("selfhosted", "llama-3.3-70b", ()),
    ("google", "gemini-2.5-pro", (1_250, 10_000, 125, 0)),
    ("mistral", "mistral-large", (2_000, 6_000, 0, 0)),
)
TENANTS = ("globex", "hooli", "acme", "umbrella", "initech", "wonka", "stark", "wayne", "tyrell", "soylent", "ollivander", "vandelay")
AGENTS = {"coder": ("fix_bug", "review_change"), "support": ("answer_ticket",), "analyst": ("write_report",)}
TASKS, TASK_ERRORS = ("plan", "research", "edit", "check"), ("gave_up", "wrong_result", "too_many_turns")
TOOLS = {"bash": 0.55, "edit": 0.75, "read": 0.94, "write": 0.98, "grep": 0.99, "ls": 0.996, "find": 1.0}  # cumulative
ENDS = {"": ("completed", "ok"), "cancelled": ("cancelled", "cancelled")}
ZIPF = list(accumulate(1 / rank for rank in range(1, 35)))


def jobs_for(events: int) -> int:
    """Return how many jobs yield about this many events: within 5 % from 50,000 on, below it chance has its say."""
    return max(1, round(events / EVENTS_PER_JOB))


def platform_events(
    *, seed: int = 1, start: datetime, days: float = 7, jobs: int = 600, duplicates: float = 0.0, late: float = 0.0
) -> Iterator[dict[str, Any]]:
    """Yield the arguments of `record_event`, one event after the other, in the order of delivery.

    Conversations begin within `days` of `start`; what they lead to may happen a few hours after. `duplicates` and
    `late` are shares of events and change their delivery alone, not what happens. Raises NaiveTime.
    """
    if start.utcoffset() is None:
        raise NaiveTime(value=start)
    start = start.astimezone(UTC)
    story = enumerate(_interleaved(Platform(Random(seed)).stories(start, days, jobs)), 1)
    events = (_arguments(kind, data, start + timedelta(seconds=at), f"{seed}-{n}") for n, (at, kind, data) in story)
    return _delivered(events, Random(f"{seed}, delivery"), duplicates, late)


def _arguments(event_type: str, data: Data, occurred_at: datetime, id: str) -> Data:
    return {"event_type": event_type, "data": data, "occurred_at": occurred_at, "id": id, "source": "demo"}


def _interleaved(stories: Iterable[tuple[float, Story]]) -> Iterator[Event]:
    """Yield the events of all stories in the order of time; a story is opened when it begins, not before."""
    going: list[tuple[float, int, Event, Story]] = []
    for turn, (began, story) in enumerate(stories):
        while going and going[0][0] <= began:
            _, place, event, teller = going[0]
            yield event
            if following := next(teller, None):
                heapreplace(going, (following[0], place, following, teller))
            else:
                heappop(going)
        if first := next(story, None):
            heappush(going, (began, turn, first, story))


def _delivered(events: Iterable[Data], random: Random, duplicates: float, late: float) -> Iterator[Data]:
    """Hold back the late events, 9 s in the median and now and then for days, and repeat others within an hour."""
    held: list[tuple[datetime, int, Data]] = []
    for turn, event in enumerate(events):
        delivered = event["occurred_at"]
        while held and held[0][0] <= delivered:
            yield heappop(held)[2]
        if random.random() < late:
            delivered += timedelta(seconds=random.lognormvariate(2.2, 2))
            heappush(held, (delivered, turn, event))
        else:
            yield event
        if random.random() < duplicates:
            heappush(held, (delivered + timedelta(seconds=random.uniform(1, 3_600)), turn, event))
    yield from (event for _, _, event in sorted(held))


def _ended(activity: str, now: float, seconds: float, error: str, data: Data) -> Event:
    """Return the event of an end: completed without an error, cancelled, or failed."""
    verb, status = ENDS.get(error, ("failed", "error"))
    data |= {"status": status, "duration_ms": round(seconds * 1_000, 3)}
    if status == "error":
        data["error_type"] = error
    return now, f"{activity}.{verb}", data


def _currency(tenant: str) -> str:
    return "EUR" if tenant == "initech" else "USD"


@define
class Platform:
    """What the stories share: chance, and what each tenant spent since that was last told, in billionths."""

    random: Random
    spent: Counter[str] = Factory(Counter)

    def stories(self, start: datetime, days: float, jobs: int) -> Iterator[tuple[float, Story]]:
        """Yield when each story begins, in order, and the story: many at 14:00 UTC, few at night and at weekends."""
        yield 0.0, self.budgets(days, jobs)
        random, number, place, windows = self.random.random, 0, 0.0, max(1, round(days * 144))
        times = [start + n * timedelta(days) / windows for n in range(windows)]
        rates = [(1 + 0.4 * math.cos((t.hour - 14) * math.tau / 24)) * (0.35 if t.weekday() > 4 else 1) for t in times]
        sums = [0.0, *accumulate(rate * self.random.gammavariate(6, 1) for rate in rates)]
        while jobs > 0:
            # The next of as many sorted uniform numbers as conversations are left, stretched by the rates.
            place += (1 - place) * (1 - random() ** (JOBS_PER_CONVERSATION / jobs))
            end = max(1, bisect_left(sums, place * sums[-1]))
            window = end - (sums[end] - place * sums[-1]) / (sums[end] - sums[end - 1])
            size = min(jobs, 1 + int(math.log(1 - random()) / math.log(1 - 1 / JOBS_PER_CONVERSATION)))
            number, jobs = number + 1, jobs - size
            began = window / windows * days * 86_400
            yield began, self.conversation(began, f"{number}", size)
        yield math.inf, self.budgets(0, 0)

    def budgets(self, days: float, jobs: int) -> Story:
        """The four busiest tenants are allocated money by the week, the others by the day: about what they need."""
        for day in range(math.ceil(days)):
            for rank, tenant in enumerate(TENANTS, 1):
                length = 7 if rank <= 4 else 1
                if day % length == 0:
                    need = COST_PER_JOB * jobs / max(days, 1) * length / rank / ZIPF[len(TENANTS) - 1]
                    amount = Decimal(round(100 * need * self.random.uniform(0.8, 1.6)) + 1).scaleb(-2)
                    yield day * 86_400.0, "budget.allocated", {**_budget(tenant), "amount": amount}

    def conversation(self, now: float, number: str, jobs: int) -> Story:
        """A user talks with an agent, which does a job for each message."""
        began, rank, agent = now, self.rank(len(TENANTS)), self.random.choice(list(AGENTS))
        tenant, plan, region = TENANTS[rank], ("enterprise", "pro", "free")[rank // 4], ("us", "eu", "apac")[rank % 3]
        who = {"user_id": f"{tenant}-user-{self.rank(34) + 1}", "tenant_id": tenant, "agent_id": f"{tenant}-{agent}"}
        who["conversation_id"] = f"conversation-{number}"
        about = {**who, "attributes": {"plan": plan, "region": region}}
        yield now, "conversation.started", about
        for job in range(1, jobs + 1):
            now += self.random.expovariate(1 / 60)
            yield now, "conversation.message.added", {**about, "messages": 1}
            now = yield from self.job(now, who, self.random.choice(AGENTS[agent]), f"{number}-{job}")
            yield now, "conversation.message.added", {**about, "messages": 1}
        now += self.random.expovariate(1 / 300)
        yield now, "conversation.ended", {**about, "status": "ok", "duration_ms": round((now - began) * 1_000, 3)}

    def job(self, now: float, who: Data, kind: str, number: str) -> Story:
        """An agent does one task after the other, until one fails or the user has enough."""
        began, error, tenant, job = now, "", who["tenant_id"], {**who, "job_id": f"job-{number}"}
        yield now, "job.started", {**job, "job_type": kind}
        for task in range(self.random.choice((1, 1, 1, 1, 2, 2, 3, 4))):
            now, error = yield from self.task(now, {**job, "task_id": f"task-{number}-{task + 1}"})
            error = error or ("cancelled" if self.random.random() < 0.02 else "")
            if error:
                break
        yield _ended("job", now, now - began, error, {**job, "job_type": kind})
        if self.spent[tenant] and self.random.random() < 0.2:
            yield now, "budget.spent", {**_budget(tenant), "amount": Decimal(self.spent.pop(tenant)).scaleb(-9)}
        return now

    def task(self, now: float, task: Data) -> Story:
        """A model takes turns with the tools, in some tasks after a search by embedding."""
        began, random, kind = now, self.random.random, self.random.choice(TASKS)
        model = MODELS[self.rank(len(MODELS))]
        yield now, "task.started", {**task, "task_type": kind}
        going = True
        for turn in count():
            called = self.call(now, task, EMBEDDING if turn == 0 and random() < 0.2 else model, turn > 0)
            ...
