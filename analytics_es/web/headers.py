"""Headers: what a browser may do with an answer, and what a request says it takes."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.requests import Request

HTML = "text/html"
# Nothing from elsewhere, no script and no style but files of ours; the hash is that of an empty style element, which is
# all that the library of charts needs. Nobody may show a page within one of theirs.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
OF_DATA = "default-src 'none'; frame-ancestors 'none'"
READING = ("GET", "HEAD")
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def secure(headers: MutableHeaders) -> None:
    """Add what every answer that a browser may get says: it is private, and of this site alone."""
    for name, text in _ALWAYS.items():
        headers[name] = text
    headers["Content-Security-Policy"] = POLICY if headers.get("content-type", "").startswith(HTML) else OF_DATA
    headers.setdefault("Cache-Control", "no-store")


def is_read(request: Request) -> bool:
    """Say whether a request changes nothing."""
    return request.method in READING


def is_of_browser(request: Request) -> bool:
    """Say whether who asks reads pages: a browser says so, and what sends events does not."""
    return is_read(request) and HTML in request.headers.get("accept", "").lower()


def takes_gzip(request: Request) -> bool:
    """Say whether an answer may be packed."""
    named = ",".join(request.headers.getlist("accept-encoding")).lower()
    for part in named.split(","):
        name, _, weight = part.replace(" ", "").partition(";q=")
        if name == "gzip":
            return weight.strip("0.") != "" or not weight
    return False
