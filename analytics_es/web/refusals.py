"""Why a request over HTTP is refused, each with its status: what a sender is told, in a sentence of our own."""

from __future__ import annotations

from typing import ClassVar

from analytics_es import errors
from analytics_es.errors import AnalyticsError


class RequestRefused(AnalyticsError):
    """The request was refused; nothing of it was recorded."""

    status: ClassVar[int] = 400
    headers: ClassVar[dict[str, str]] = {}


class MalformedBody(RequestRefused):
    """The body cannot be read: {problem}. Nothing of it was recorded."""


class WrongToken(RequestRefused):
    """A token is needed here: send it as `Authorization: Bearer …`."""

    status = 401
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": "Bearer"}


class NoPassword(WrongToken):
    """Type any name, and the token as the password."""

    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": 'Basic realm="analytics", charset="UTF-8"'}


class ForeignOrigin(RequestRefused):
    """A page of another site has sent this, which nobody has allowed."""

    status = 403


class NoSuchPath(RequestRefused):
    """Nothing is here. What can be sent goes to {paths}."""

    status = 404


class WrongMethod(RequestRefused):
    """This path takes {methods}."""

    status = 405


class SlowBody(RequestRefused):
    """The body did not come within {seconds:g} s; nothing of it was recorded."""

    status = 408
    headers: ClassVar[dict[str, str]] = {"Connection": "close"}


class BodyTooLarge(RequestRefused):
    """The body is of more than {limit:,} {unit}: send it in smaller parts. Nothing of it was recorded."""

    status = 413


class OtherMediaType(RequestRefused):
    """The content type is none that is read here: send {types}."""

    status = 415


class OtherEncoding(RequestRefused):
    """The content encoding is none that is read here: send gzip, or none."""

    status = 415
    headers: ClassVar[dict[str, str]] = {"Accept-Encoding": "gzip, identity"}


class ForeignHost(RequestRefused):
    """The request is for a host that is none of this server's: name it with --host-name, or hosts=[…] of
    analytics_app."""

    status = 421


class ServerBusy(RequestRefused):
    """More requests are under way than are taken at a time: try again."""

    status = 503
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}


class NotRecorded(RequestRefused):
    """The store cannot take it now ({reason}): try again, which records nothing twice."""

    status = 503
    headers: ClassVar[dict[str, str]] = {"Retry-After": "5"}


class ServerFault(RequestRefused):
    """Something is wrong here, and not with the request: the log of the server says more."""

    status = 500


class EventsRefused(RequestRefused):
    """Nothing of it was recorded: every event of it was refused, and is kept with the reason."""


# ── failures of questions ───────────────────────────────────────────────────────────────────────────────────────

# What is asked about is not there, or no longer.
_MISSING = (
    errors.MissingProjection,
    errors.NoLongerKept,
    errors.NoSuchPosition,
    errors.NoSuchTable,
    errors.SealedPeriod,
    errors.UnknownMetric,
)
# The question is right, and the store cannot answer it now.
_BROKEN = (
    errors.BrokenEvent,
    errors.Closed,
    errors.DamagedEvent,
    errors.DamagedName,
    errors.DamagedSeal,
    errors.EventsMissing,
    errors.FoldFailed,
    errors.Forked,
    errors.NotCaughtUp,
    errors.StaleReadModel,
    errors.StoreBusy,
    errors.StoreFailed,
    errors.StoreMoved,
    errors.StoreUnavailable,
    errors.UnreadableEvent,
)


def status_of(error: AnalyticsError) -> int:
    """Return the status of HTTP that a failure is told with."""
    if isinstance(error, RequestRefused):
        return error.status
    return 404 if isinstance(error, _MISSING) else 503 if isinstance(error, _BROKEN) else 400
