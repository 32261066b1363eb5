"""Bodies of requests: taken in within a time and a size, and unpacked no further than a size."""

from __future__ import annotations

import asyncio
import zlib
from contextlib import suppress

from starlette.requests import Request

from analytics_es.web.limits import Limits, Share
from analytics_es.web.refusals import BodyTooLarge, MalformedBody, OtherEncoding, SlowBody

GZIP = 16 + zlib.MAX_WBITS
MOST_MEMBERS = 500  # of a packed body: what is behind each is copied, so that very many tiny ones would take minutes
PACKED = {"gzip", "x-gzip"}


def is_packed(request: Request) -> bool:
    """Say whether a body comes packed; raises OtherEncoding where that is in another way than gzip."""
    named = ",".join(request.headers.getlist("content-encoding"))
    encodings = [name for part in named.split(",") if (name := part.strip().lower()) not in ("", "identity")]
    if len(encodings) > 1 or not PACKED.issuperset(encodings):
        raise OtherEncoding
    return bool(encodings)


async def taken_in(request: Request, limits: Limits, share: Share) -> bytes:
    """Return a body as it comes; raises BodyTooLarge, SlowBody, ServerBusy, and ClientDisconnect of who went away.

    The rest of one that is too large is passed over, as far as that goes: who still sends would not see the answer.
    """
    parts, size = list[bytes](), 0
    try:
        async with asyncio.timeout(limits.seconds):
            async for part in request.stream():
                size += len(part)
                if size > 4 * limits.body:
                    break
                if size <= limits.body:
                    share.hold(len(part))
                    parts.append(part)
                else:
                    parts.clear()
    except TimeoutError:
        raise SlowBody(seconds=limits.seconds) from None
    if size > limits.body:
        raise BodyTooLarge(limit=limits.body, unit="bytes")
    return b"".join(parts)


def unpacked(body: bytes, limit: int) -> bytes:
    """Return what a body of gzip holds; raises MalformedBody, and BodyTooLarge as soon as that is known."""
    parts, size = list[bytes](), 0
    with suppress(zlib.error):
        for _ in range(MOST_MEMBERS):
            if not body:
                return b"".join(parts)
            member = zlib.decompressobj(GZIP)
            parts.append(member.decompress(body, limit + 1 - size))
            size += len(parts[-1])
            if size > limit:
                raise BodyTooLarge(limit=limit, unit="bytes")
            if not member.eof:
                break
            body = member.unused_data
    raise MalformedBody(problem=f"it is not gzip, its end is missing, or it is of {MOST_MEMBERS} parts or more")
