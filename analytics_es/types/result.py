"""What an operation gives: its progress, then a value or a failure that was to be expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from attrs import Factory, field, frozen

from analytics_es.errors import AnalyticsError

T = TypeVar("T")
R = TypeVar("R")

# What is being done, how much of it is done, and of how much (0: not known).
Progress = Callable[[str, int, int], None]


@frozen(kw_only=True)
class Failure:
    """An expected failure.

    code: its stable name, such as `bad_period`.
    message: what is wrong and what to do, for people.
    details: what it is about, by name.
    """

    code: str
    message: str
    details: Mapping[str, Any] = Factory(dict)


@frozen(kw_only=True)
class OperationResult(Generic[T]):
    """What an operation gave: a value, or the failure that was to be expected.

    value: what it gave; None where it failed, and of what gives nothing.
    failure: why there is no value; None where it went well.
    """

    value: T | None = None
    failure: Failure | None = None
    _cause: AnalyticsError | None = field(default=None, eq=False, repr=False)

    @classmethod
    def of(cls, work: Callable[[], T]) -> OperationResult[T]:
        """Do the work and keep its value, or the deliberate error it raised; other errors pass."""
        try:
            return cls(value=work())
        except AnalyticsError as error:
            return cls.failed(error)

    @classmethod
    def failed(cls, error: AnalyticsError) -> OperationResult[T]:
        """Return the failure that a deliberate error is."""
        return cls(failure=Failure(code=error.code, message=str(error), details=dict(error.details)), cause=error)

    @property
    def ok(self) -> bool:
        """Whether there is a value."""
        return self.failure is None

    def unwrap(self) -> T:
        """Return the value; raises the AnalyticsError of a failure."""
        if self._cause is not None:
            raise self._cause
        return self.value  # type: ignore[return-value]  # a success holds a T

    def then(self, step: Callable[[T], R]) -> OperationResult[R]:
        """Go on with the value; a failure stays what it is."""
        if self.failure is not None:
            return OperationResult(failure=self.failure, cause=self._cause)
        return OperationResult.of(lambda: step(self.unwrap()))
