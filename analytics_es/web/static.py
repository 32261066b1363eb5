"""Static files over HTTP: packed once, kept by browsers for good, each under a name of what is in it."""

from __future__ import annotations

import asyncio
import gzip
from functools import cache

from attrs import define, field, frozen
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from analytics_es.presentation.html import static
from analytics_es.web.headers import takes_gzip
from analytics_es.web.threads import Threads

FOR_GOOD = "private, max-age=31536000, immutable"  # what has another content has another name
_KINDS = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}


@frozen
class Packed:
    """A file as it is sent: what is in it, and the same as gzip."""

    plain: bytes
    packed: bytes
    media_type: str


@cache
def packed(name: str) -> Packed:
    """Read a file, and pack it; of the library of charts this takes a moment, once."""
    plain = static.content(name)
    return Packed(plain, gzip.compress(plain, 6, mtime=0), _KINDS[name.rpartition(".")[2]])


@define
class StaticFiles:
    """Answers what style and scripts of pages are."""

    _threads: Threads = field(factory=lambda: Threads(1, "analytics-es-static"), init=False)

    async def answer(self, request: Request) -> Response:
        """Send a file, unless who asks has it."""
        name = request.path_params["name"]
        file = await asyncio.get_running_loop().run_in_executor(self._threads.pool(), served, name)
        if file is None:
            raise HTTPException(404)
        has_it = f'"{name}"' in request.headers.get("if-none-match", "")
        headers = {"ETag": f'"{name}"', "Cache-Control": FOR_GOOD, "Vary": "Accept-Encoding"}
        if has_it:
            return Response(status_code=304, headers=headers)
        if not takes_gzip(request):
            return Response(file.plain, media_type=file.media_type, headers=headers)
        return Response(file.packed, media_type=file.media_type, headers={**headers, "Content-Encoding": "gzip"})


def served(hashed: str) -> Packed | None:
    """Return the file that is served under a name; None where there is none."""
    name = _names().get(hashed)
    return None if name is None else packed(name)


@cache
def _names() -> dict[str, str]:
    return {static.address(name).rpartition("/")[2]: name for name in static.names()}
