"""The pages: a question in an address, answered in a thread beside, as HTML, JSON, CSV or Arrow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

from attrs import define, field
from starlette.requests import Request
from starlette.responses import Response

from analytics_es.events.codec import to_json
from analytics_es.presentation.html import Links, rendered
from analytics_es.presentation.pages import Asking, Kind
from analytics_es.presentation.parts import Page
from analytics_es.presentation.question import Question

FORMS = ("", ".json")
HTML, JSON = "text/html", "application/json"

Answering = Callable[[Request], Awaitable[Response]]


@define
class Pages:
    """Answers what is asked of a service; it changes nothing."""

    service: Any
    _workers: ThreadPoolExecutor = field(factory=lambda: ThreadPoolExecutor(2, "analytics-es-page"), init=False)

    def answering(self, kind: Kind, form: str) -> Answering:
        """Return what answers one kind of page in one form."""

        async def answer(request: Request) -> Response:
            return await asyncio.get_running_loop().run_in_executor(self._workers, self._answer, kind, form, request)

        return answer

    def _answer(self, kind: Kind, form: str, request: Request) -> Response:
        question = Question.read(request.query_params.multi_items(), kind.words)
        page = self._page(kind, question)
        if page.failure and form:
            raise page.failure
        if form == ".json":
            name = question.text("answer") or next(iter(page.answers))
            return Response(to_json(page.answers[name]), media_type=JSON)
        links = Links(page=kind.name, question=question, root=str(request.scope.get("root_path", "")))
        return Response(rendered(page, links), media_type=HTML)

    def _page(self, kind: Kind, question: Question) -> Page:
        zone, at = question.zone(self.service.store.calendar.zone), question.as_of()
        with nullcontext(self.service) if at is None else self.service.as_of(at) as answers:
            now = None if at is None else answers.recorded_at
            period = question.period(zone, now)
            return kind.made(Asking(question=question, period=period, answers=answers, service=self.service))
