"""What a question is answered from: opened for it, asked, and let go of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from analytics_es.process import leaving
from analytics_es.service.contexts import Contexts
from analytics_es.types import Attempt, OperationResult, Progress, TimePeriod
from analytics_es.types.arguments import Period

if TYPE_CHECKING:
    from analytics_es.cost import PriceBook, PriceEntry
    from analytics_es.queries import QuestionContext
    from analytics_es.queries.grouping import Words

T = TypeVar("T")


class Answering(ABC):
    """What answers, until it is closed: the store of now, or its log as it stood."""

    @abstractmethod
    def _contexts(self) -> Contexts:
        """Return what questions are answered from; raises Closed after the end."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        with leaving(error):
            self.close()

    def _ask(
        self,
        projection: str,
        period: Period,
        answer: Callable[[QuestionContext, TimePeriod], T],
        words: Words | None = None,
    ) -> OperationResult[T]:
        def answered() -> T:
            contexts = self._contexts()
            contexts.declared(projection)
            when = contexts.period(period)
            with contexts.open(projection, when, words) as context:
                return answer(context, when)

        return Attempt.of(answered)

    def _ask_cost(
        self,
        answer: Callable[..., T],
        period: Period,
        by: Sequence[str],
        where: Mapping[str, Any] | None,
        prices: PriceBook | Iterable[PriceEntry | Mapping[str, Any]] | None,
        models: Mapping[str, str] | None,
        progress: Progress | None,
    ) -> OperationResult[T]:
        from analytics_es.cost.breakdown import read_cost_words
        from analytics_es.cost.what_if import assumption

        def answered() -> T:
            contexts = self._contexts()
            words, when = read_cost_words(contexts.declared("cost"), by, where), contexts.period(period)
            with contexts.open("cost", when, words, progress) as context:
                supposed = assumption(context, prices, models)
                return answer(context, when, words.by, where=words.where, assumption=supposed)

        return Attempt.of(answered)
