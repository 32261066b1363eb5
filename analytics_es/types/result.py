"""What an operation gives: its progress, then a value or a failure that was to be expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Never, NoReturn, TypeAlias, TypeVar, final

from attrs import Factory, field, frozen

from analytics_es.errors import AnalyticsError, OperationFailed
from analytics_es.types.value_object import ValueObject

T = TypeVar("T")
R = TypeVar("R")
T_co = TypeVar("T_co", covariant=True)

# mypy takes a constant of this name for true; it narrows a union by `if result.ok:`. pyright does not, so that it is
# told that a failure has no value and a success no failure: after `if result.ok:` both know `result.value` as a T.
MYPY = False

# What is being done, how much of it is done, and of how much (0: not known).
Progress = Callable[[str, int, int], None]


@final
@frozen(kw_only=True, eq=False, repr=False)
class Failure(ValueObject):
    """An expected failure.

    code: its stable name, such as `bad_period`.
    message: what is wrong and what to do, for people.
    details: what it is about, by name.
    """

    code: str
    message: str
    details: Mapping[str, Any] = Factory(dict)


class Attempt(Generic[T_co]):
    """What an operation came to; at run time this is `OperationResult`."""

    __slots__ = ()

    @staticmethod
    def of(work: Callable[[], T]) -> OperationResult[T]:
        """Do the work and keep its value, or the deliberate error it raised; other errors pass."""
        try:
            return Succeeded(work())
        except AnalyticsError as error:
            return Attempt.failed(error)

    @staticmethod
    def failed(error: AnalyticsError) -> Failed:
        """Return the failure that a deliberate error is."""
        return Failed(Failure(code=error.code, message=str(error), details=dict(error.details)), cause=error)


@final
@frozen
class Succeeded(Attempt[T_co]):
    """What an operation gives that went well, `case Succeeded(value):`; its `failure` is None.

    value: what it gave; None of what gives nothing.
    """

    value: T_co
    ok: ClassVar[Literal[True]] = True
    if MYPY:
        failure: ClassVar[None] = None
    else:
        failure: ClassVar[Never] = None  # pyright: ignore

    def unwrap(self) -> T_co:
        """Return the value."""
        return self.value

    def then(self, step: Callable[[T_co], R]) -> OperationResult[R]:
        """Go on with the value."""
        return Attempt.of(lambda: step(self.value))


@final
@frozen
class Failed(Attempt[Never]):
    """What an operation gives that failed as was to be expected, `case Failed(failure):`; its `value` is None.

    failure: why there is no value.
    """

    failure: Failure
    _cause: AnalyticsError | None = field(default=None, eq=False, repr=False, kw_only=True)
    ok: ClassVar[Literal[False]] = False
    if MYPY:
        value: ClassVar[None] = None
    else:
        value: ClassVar[Never] = None  # pyright: ignore

    def unwrap(self) -> NoReturn:
        """Raise the AnalyticsError that this is of."""
        raise self._cause or OperationFailed(code=self.failure.code, message=self.failure.message)

    def then(self, step: Callable[[Any], object]) -> Failed:
        """Stay what it is."""
        return self


if TYPE_CHECKING:
    # What an operation gives: a value, or the failure that was to be expected. `if result.ok:` and `match` tell which.
    OperationResult: TypeAlias = Succeeded[T] | Failed
else:
    OperationResult = Attempt  # `isinstance` and `OperationResult[Receipt]` work
