"""Whether an open store does what it is there for, as machines ask it every few seconds."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from analytics_es.types.value_object import ValueObject

State = Literal["ok", "warning", "failed"]


@frozen(kw_only=True, eq=False, repr=False)
class HealthCheck(ValueObject):
    """One thing that was looked at.

    name: `store` can be read, `log` can be written, `lag` of the read models, `retention` in time, `dead_letters`.
    state: `ok`; `warning`, which deserves a look and keeps nobody waiting; or `failed`.
    finding: what was found, in a sentence.
    advice: what to do about it; None where there is nothing to do.
    code: the stable name of the failure that is behind it, such as `store_busy`; None where it is none.
    """

    name: str
    state: State
    finding: str
    advice: str | None = None
    code: str | None = None


@frozen(kw_only=True, eq=False, repr=False)
class ProjectionHealth(ValueObject):
    """How far a projection is.

    name: of the projection.
    position: every event up to here is in its read model.
    lag_events: how many events the log holds beyond it.
    lag_seconds: how long the first of these has been waiting, in seconds.
    error: what keeps it from going on in this process; None where nothing does.
    """

    name: str
    position: int
    lag_events: int
    lag_seconds: float
    error: str | None


@frozen(kw_only=True, eq=False, repr=False)
class Health(ValueObject):
    """Whether a store is ready: it can be written, its read models are no further behind than they may be, and what is
    to be kept no longer is gone.

    ready: no check has failed.
    checks: what was looked at, in order; where the store cannot be read, the others are not there.
    projections: how far each is, by name; none where the store cannot say.
    position: the last of the log; None where the store cannot say.
    lag_events: how many events the log holds that are not in every read model; None where the store cannot say.
    lag_seconds: how long the first of these has been waiting, in seconds; None where the store cannot say.
    max_lag: how many seconds that may be; None for any.
    max_lag_events: how many events that may be; None for any.
    """

    ready: bool
    checks: list[HealthCheck]
    projections: list[ProjectionHealth]
    position: int | None
    lag_events: int | None
    lag_seconds: float | None
    max_lag: float | None
    max_lag_events: int | None
