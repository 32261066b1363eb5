"""Who asks for a page: the question, who answers it, and the period that it is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from analytics_es.presentation.parts import Page
from analytics_es.presentation.question import Question
from analytics_es.types import TimePeriod

if TYPE_CHECKING:
    from analytics_es.service import AnalyticsService, AsOf


@frozen(kw_only=True)
class Asking:
    """A question about a store.

    question: what the address says.
    period: what it is about, in the zone that is shown.
    answers: who answers it: the store of now, or its log as it stood.
    service: the store of now, for what is not a question about events, such as how far projections are.
    server: where who asks has reached the server, such as http://127.0.0.1:4318.
    """

    question: Question
    period: TimePeriod
    answers: AnalyticsService | AsOf
    service: AnalyticsService
    server: str = "http://127.0.0.1:4318"


@frozen(kw_only=True)
class Kind:
    """A kind of page: one file, which tells what it is called, what can be asked of it, and how it is made.

    name: in its address.
    title: in the bar at the top; "" for a page that only links lead to.
    words: what can be asked of it, beside the period, the zone and as of when.
    made: asks, and puts the page together; raises AnalyticsError for what cannot be answered.
    """

    name: str
    title: str
    words: Sequence[str]
    made: Callable[[Asking], Page]
