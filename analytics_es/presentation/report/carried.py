"""What a report carries beside what it shows: the question, what it stands on, and the answers, in one line of JSON."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from attrs import asdict, field, frozen

from analytics_es.errors import AnalyticsError, BadPeriod
from analytics_es.projection.calendar import Calendar
from analytics_es.types import TimePeriod

FORMAT = 1  # of what is carried; a later one may say more
MOST = 64 * 1024 * 1024  # bytes of answers, unpacked
BUCKETS = 200_000  # of a series: who checks a file that somebody sent is not kept busy by it
VERSION = re.compile(r"[0-9A-Za-z.+!_-]{1,64}")  # whatever else a file says there is no version, but a remark
_SECONDS = {"hour": 3_600, "day": 86_400, "week": 604_800, "month": 2_419_200}


class Unreadable(Exception):
    """A file is no report that can be read; it says why."""


@frozen(kw_only=True)
class Edition:
    """Which prices a report was computed with.

    version: of genai-prices; None where that is not installed.
    digest: of its data, which may be another at one version.
    published: the position of the last price that was published by then; None where none was.
    """

    version: str | None
    digest: str | None
    published: int | None


def check_size(period: TimePeriod) -> None:
    """Raise BadPeriod for a series that no report shows."""
    seconds = period.end.timestamp() - period.start.timestamp()
    if seconds > BUCKETS * _SECONDS.get(period.granularity, seconds):
        raise BadPeriod(text=str(period), problem=f"it has more than {BUCKETS:,} buckets, which no report shows")


def _of_a_size(_instance: Any, _attribute: Any, period: TimePeriod) -> None:
    check_size(period)


def _sorted(words: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Return words in the order in which they are read again."""
    return dict(sorted(words.items()))


@frozen(kw_only=True)
class Carried:
    """What it takes to derive a report again, and to compare.

    log: the identity of the log.
    position: of the log, as of which it answers.
    now: the time that it was for it: which period was open.
    period: in the zone that it is shown in.
    words: of the question, as an address has them.
    pages: which it is made of, in order.
    script: whether it holds what draws charts that can be zoomed.
    names: whether it shows the names behind pseudonyms; answers never do.
    prices: which they were.
    version: of analytics_es.
    drawing: of the libraries that drew it.
    timezone: whose days the store keeps.
    definitions: of each projection, what tells its definition from others.
    sealed: how often events had been sealed.
    answers: of each page, as canonical JSON.
    """

    log: str
    position: int
    now: datetime
    period: TimePeriod = field(validator=_of_a_size)
    words: Mapping[str, Sequence[str]] = field(converter=_sorted)
    pages: Sequence[str]
    script: bool
    names: bool
    prices: Edition
    version: str
    drawing: Mapping[str, str]
    timezone: str
    definitions: Mapping[str, str]
    sealed: int
    answers: bytes

    def write(self) -> str:
        """Return it as text, with a checksum of all of it."""
        said = self._said()
        packed = base64.b64encode(zlib.compress(self.answers, 9)).decode()
        return canonical({**said, "answers": packed, "bytes": len(self.answers), "sha256": self.sum}).decode()

    @property
    def sum(self) -> str:
        """The SHA-256 of question, position, what it stands on, and answers."""
        said = {**self._said(), "answers": hashlib.sha256(self.answers).hexdigest()}
        return hashlib.sha256(canonical(said)).hexdigest()

    def _said(self) -> dict[str, Any]:
        start, end = (time.astimezone(UTC).isoformat() for time in (self.period.start, self.period.end))
        period = {"start": start, "end": end, "granularity": self.period.granularity, "zone": zone_of(self.period)}
        rest = {
            name: part
            for name, part in asdict(self, recurse=False).items()
            if name not in ("answers", "now", "period", "prices")
        }
        now = self.now.astimezone(UTC).isoformat()
        return {**rest, "format": FORMAT, "now": now, "period": period, "prices": asdict(self.prices)}


def zone_of(period: TimePeriod) -> str:
    """Return the name of the zone that a report's period is shown in."""
    return str(period.start.tzinfo)


def canonical(plain: Any) -> bytes:
    """Return plain data as the one JSON that says it: sorted, without spaces, in ASCII."""
    return json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()


def read_carried(text: str) -> Carried:
    """Read what a report carries, which may be anything; raises Unreadable."""
    try:
        said = json.loads(text)
        if said["format"] != FORMAT:
            raise Unreadable(f"it is of format {str(said['format'])[:20]!r}, which this version does not know")
        carried = _read(said)
    except Unreadable:
        raise
    except (AnalyticsError, ValueError, KeyError, TypeError, RecursionError, OverflowError, zlib.error):
        raise Unreadable("what it carries cannot be read") from None
    if carried.sum != said["sha256"]:
        raise Unreadable("what it carries was changed: its checksum does not fit")
    return carried


def _read(said: dict[str, Any]) -> Carried:
    texts = {name: _kind(said[name], str) for name in ("log", "timezone")}
    return Carried(
        **texts,
        version=_version(said["version"]),
        position=_kind(said["position"], int),
        now=datetime.fromisoformat(_kind(said["now"], str)).astimezone(UTC),
        period=_period(said["period"]),
        words={_kind(name, str): _texts(word) for name, word in _kind(said["words"], dict).items()},
        pages=_texts(said["pages"]),
        script=_kind(said["script"], bool),
        names=_kind(said["names"], bool),
        prices=_edition(said["prices"]),
        drawing=_by_name(said["drawing"]),
        definitions=_by_name(said["definitions"]),
        sealed=_kind(said["sealed"], int),
        answers=_unpacked(_kind(said["answers"], str), _kind(said["bytes"], int)),
    )


def _edition(said: dict[str, Any]) -> Edition:
    version, digest = said["version"], said["digest"]
    return Edition(
        version=None if version is None else _version(version),
        digest=None if digest is None else _kind(digest, str),
        published=None if said["published"] is None else _kind(said["published"], int),
    )


def _unpacked(packed: str, size: int) -> bytes:
    """Unpack answers, no further than to the size that they say they have, and within what a report can hold."""
    if not 0 <= size <= MOST:
        raise Unreadable(f"it says that its answers are larger than {MOST // 2**20} MiB")
    unpacking = zlib.decompressobj()
    answers = unpacking.decompress(base64.b64decode(packed, validate=True), size + 1)
    if len(answers) != size or not unpacking.eof:
        raise Unreadable("its answers are not of the size that it says")
    if canonical(json.loads(answers)) != answers:  # else two files could say the same, and not be the same
        raise ValueError
    return answers


def _period(said: dict[str, str]) -> TimePeriod:
    zone = _zone(_kind(said["zone"], str))
    start, end = (datetime.fromisoformat(said[name]).astimezone(zone) for name in ("start", "end"))
    return TimePeriod(start, end, said["granularity"])  # type: ignore[arg-type]  # checked by the class


def _zone(name: str) -> ZoneInfo:
    return Calendar(name).zone


def _kind(part: Any, kind: type) -> Any:
    if type(part) is not kind:
        raise TypeError
    return part


def _version(said: Any) -> str:
    text: str = _kind(said, str)
    if not VERSION.fullmatch(text):
        raise ValueError
    return text


def _texts(parts: Any) -> list[str]:
    return [_kind(text, str) for text in _kind(parts, list)]


def _by_name(parts: Any) -> dict[str, str]:
    return {_kind(name, str): _kind(text, str) for name, text in _kind(parts, dict).items()}
