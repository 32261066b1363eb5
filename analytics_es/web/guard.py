"""Who may send and look: with the token, for a host that is this server's, and no page of another site."""

from __future__ import annotations

import base64
import hmac
import ipaddress
from collections.abc import Iterable
from urllib.parse import unquote

from attrs import frozen
from starlette.requests import Request

from analytics_es.errors import BadHosts, BadToken
from analytics_es.web.headers import is_of_browser, is_read
from analytics_es.web.refusals import ForeignHost, ForeignOrigin, NoPassword, WrongToken

LONGEST = 4096  # characters of a token: headers have a limit
# A page of the web can make a name of its own lead here, and none of these; the last is how clients of tests call it.
LOCAL = ("localhost", "127.0.0.1", "::1", "testserver")


@frozen
class Guard:
    """Says whether a request may be looked at.

    token: what who sends has to know; None where the app asks for none.
    hosts: the names it may be asked for under; None where any may be.
    """

    token: str | None
    hosts: frozenset[str] | None

    @classmethod
    def of(cls, token: str | None, hosts: Iterable[str] | None) -> Guard:
        """Return the guard of an app; raises BadToken, BadHosts.

        Without hosts: any where a token is asked for, which a page that leads here under a name of its own does not
        know; else those of this machine.
        """
        if token is not None:
            _check_token(token)
        if hosts is None:
            return cls(token, None if token else frozenset(LOCAL))
        names = [hosts] if isinstance(hosts, str) else list(hosts)
        for name in names:
            if not isinstance(name, str) or not name or _host(name) != name.lower().strip("[]"):
                raise BadHosts(value=name)
        return cls(token, frozenset((*map(_host, names), *LOCAL)))

    def check(self, request: Request) -> None:
        """Raise ForeignHost, ForeignOrigin or WrongToken."""
        host = request.headers.get("host", "")
        if self.hosts is not None and _host(host) not in self.hosts:
            raise ForeignHost
        self._check_origin(request, host)
        if self.token is not None and not self._knows_it(request, self.token):
            raise NoPassword if is_of_browser(request) else WrongToken

    def _knows_it(self, request: Request, token: str) -> bool:
        """Compare in a time that says nothing of the token; what only reads may say it as a browser can."""
        scheme, sent = _credentials(request.headers.get("authorization", ""))
        password = _password(sent) if scheme == "basic" and is_read(request) else None
        said = password if password is not None else sent
        is_it = hmac.compare_digest(said.encode("utf-8", "surrogateescape"), token.encode())
        return is_it and (scheme == "bearer" or password is not None)

    def _check_origin(self, request: Request, host: str) -> None:
        """A browser says which page sends, unless it is one of this very server that reads.

        Of another site, it may only be left for a page here: what is read there, or shown within, is not.
        """
        origin = request.headers.get("origin")
        if origin is not None and origin.lower() not in (f"http://{host}".lower(), f"https://{host}".lower()):
            raise ForeignOrigin
        is_left = request.headers.get("sec-fetch-dest", "document") == "document"
        is_top = request.headers.get("sec-fetch-mode") == "navigate" and request.method == "GET" and is_left
        if request.headers.get("sec-fetch-site") in ("cross-site", "same-site") and not is_top:
            raise ForeignOrigin


def _check_token(token: object) -> None:
    if not isinstance(token, str) or not token:
        raise BadToken(problem="is empty")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise BadToken(problem="holds what cannot be sent")
    if len(token) > LONGEST:
        raise BadToken(problem=f"has more than {LONGEST} characters")


def _credentials(header: str) -> tuple[str, str]:
    """Return the scheme and what follows it; some exporters send what is in a variable as it is there."""
    scheme, _, sent = (unquote(header) if "%20" in header else header).partition(" ")
    return scheme.lower(), sent.strip()


def _password(sent: str) -> str | None:
    """Return the password of what a browser sends, whatever the name before it; None where there is none."""
    try:
        said = base64.b64decode(sent, validate=True).decode("utf-8", "surrogateescape")
    except ValueError:
        return None
    _, colon, password = said.partition(":")
    return password if colon else None


def _host(header: str) -> str:
    """Return the name in a Host header, without a port."""
    name = header.strip().lower()
    if name.startswith("["):
        address, _, port = name[1:].partition("]")
        return address if not port or port.startswith(":") else name
    return name if name.count(":") > 1 else name.partition(":")[0]


def is_local(address: str) -> bool:
    """Say whether an address is of this machine alone."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
