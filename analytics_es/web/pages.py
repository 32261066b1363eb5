"""The pages: a question in an address, answered in a thread beside, as HTML, JSON, CSV or Arrow."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime
from functools import partial
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from attrs import define, field
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from analytics_es.errors import AnalyticsError, BadWord
from analytics_es.presentation.names import Vault
from analytics_es.presentation.pages import KINDS, Asking, Kind
from analytics_es.presentation.question import LONGEST, MOST, Question
from analytics_es.process.cycles import relaxed
from analytics_es.queries.keeping import Keeping
from analytics_es.service import AnalyticsService, AsOf
from analytics_es.types import Names
from analytics_es.web.forms import FORMS, MadePage, packed
from analytics_es.web.headers import takes_gzip
from analytics_es.web.limits import Limits, Room
from analytics_es.web.problems import root_of, told
from analytics_es.web.sending import OnTheWay
from analytics_es.web.threads import Threads

LONGEST_QUERY = 64 * 1024  # bytes

Answering = Callable[[Request], Awaitable[Response]]


@define
class Pages:
    """Answers what is asked of a service; it changes nothing."""

    service: AnalyticsService
    limits: Limits
    _room: Room = field(init=False)
    _on_the_way: OnTheWay = field(init=False)
    _threads: Threads = field(init=False)
    _past: Keeping = field(factory=lambda: Keeping(1), init=False)

    def __attrs_post_init__(self) -> None:
        self._room, self._on_the_way = Room(self.limits.waiting), OnTheWay(self.limits)
        self._threads = Threads(self.limits.pages, "analytics-es-page")

    def answering(self, kind: Kind, form: str) -> Answering:
        """Return what answers one kind of page in one form."""

        async def answer(request: Request) -> Response:
            try:
                with self._room.one():
                    response = await self._beside(request, partial(self._answer, kind, form, request))
                return self._on_the_way.sent(response)
            except AnalyticsError as error:
                return told(request, error, as_page=not form)

        return answer

    async def first(self, request: Request) -> Response:
        """Lead to the first page."""
        return _led(f"{root_of(request)}/{KINDS[0].name}")

    async def _beside(self, request: Request, work: Callable[[], Response]) -> Response:
        """Do the work in a thread beside, unless who asked goes away before it is begun."""
        answering = asyncio.wrap_future(self._threads.pool().submit(work))
        going = asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait((answering, going), return_when=asyncio.FIRST_COMPLETED)
            if not answering.done() and answering.cancel():
                raise ClientDisconnect
            return await answering
        finally:
            going.cancel()
            with suppress(asyncio.CancelledError):
                await going

    def _answer(self, kind: Kind, form: str, request: Request) -> Response:
        with relaxed():  # what a page makes has next to no cycles
            pairs = _pairs(request)
            question = Question.read(pairs, kind.words)
            if not form and (brief := question.query()) and len(pairs) > sum(map(len, question.words.values())):
                return _led(f"{root_of(request)}/{kind.name}?{brief}")
            made = self._made(kind, question, request, screen=not form)
            return packed(FORMS[form](made), takes_gzip=takes_gzip(request))

    def _made(self, kind: Kind, question: Question, request: Request, *, screen: bool) -> MadePage:
        store = self.service.store
        zone, at = question.zone(store.calendar.zone), question.as_of()
        period = question.period(zone, store.clock(), screen=screen)  # what is wrong with it is said before all else
        vault: Vault | None = self._names if question.flag("names") else None
        with nullcontext(self.service) if at is None else self._then(_placed(at, zone)) as answers:
            if isinstance(answers, AsOf):
                period = question.period(zone, answers.recorded_at, screen=screen)
            server = str(request.base_url).rstrip("/")
            page = kind.made(
                Asking(question=question, period=period, answers=answers, service=self.service, server=server)
            )
        return MadePage(page=page, question=question, period=period, root=root_of(request), vault=vault)

    @contextmanager
    def _then(self, at: int | datetime) -> Iterator[AsOf]:
        """Have the log as it stood: who goes from page to page there waits for what is derived of it once."""
        then = self.service.as_of(at)
        with self._past.having((os.getpid(), id(self.service.store), then.position), lambda: then) as derived:
            yield derived

    def _names(self, pseudonyms: Sequence[str]) -> Names:
        return self.service.names_of(pseudonyms).unwrap()


def _led(address: str) -> Response:
    """Lead elsewhere, such as to the same question without the words that a form sent and nobody filled in."""
    return Response(status_code=303, headers={"Location": address})


def _pairs(request: Request) -> list[tuple[str, str]]:
    """Read the words of an address; raises BadWord. Nothing of it is read otherwise than it was meant."""
    query = bytes(request.scope["query_string"])
    if len(query) > LONGEST_QUERY:
        raise BadWord(problem=f"The address says more than is read: {MOST} words of {LONGEST:,} characters.")
    try:
        return parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST)
    except UnicodeError:
        raise BadWord(problem="The address holds what is no UTF-8: write it as %C3%A9.") from None
    except ValueError:
        raise BadWord(problem=f"The address says more than is read: {MOST} words.") from None


def _placed(at: int | datetime, zone: ZoneInfo) -> int | datetime:
    return at.replace(tzinfo=zone) if isinstance(at, datetime) and at.tzinfo is None else at


async def _gone(request: Request) -> None:
    """Wait until who asked has gone away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
