"""Who may send: with the token, for a host that is this server's, and no page of another site."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable
from urllib.parse import unquote

from attrs import frozen
from starlette.requests import Request

from analytics_es.errors import BadHosts, BadToken
from analytics_es.web.refusals import ForeignHost, ForeignOrigin, WrongToken

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
        if self.token is not None and not _is_token(self.token, request.headers.get("authorization", "")):
            raise WrongToken

    def _check_origin(self, request: Request, host: str) -> None:
        """A browser says which page sends, unless it is one of this very server that reads."""
        origin = request.headers.get("origin")
        if origin is not None and origin.lower() not in (f"http://{host}".lower(), f"https://{host}".lower()):
            raise ForeignOrigin
        is_top = request.headers.get("sec-fetch-mode") == "navigate" and request.method == "GET"
        if request.headers.get("sec-fetch-site") in ("cross-site", "same-site") and not is_top:
            raise ForeignOrigin


def _check_token(token: object) -> None:
    if not isinstance(token, str) or not token:
        raise BadToken(problem="is empty")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise BadToken(problem="holds what cannot be sent")
    if len(token) > LONGEST:
        raise BadToken(problem=f"has more than {LONGEST} characters")


def _is_token(token: str, header: str) -> bool:
    """Compare in a time that says nothing of the token; some exporters send what is in a variable as it is there."""
    scheme, _, sent = (unquote(header) if "%20" in header else header).partition(" ")
    return hmac.compare_digest(sent.strip().encode(), token.encode()) and scheme.lower() == "bearer"


def _host(header: str) -> str:
    """Return the name in a Host header, without a port."""
    name = header.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name if name.count(":") > 1 else name.partition(":")[0]


def is_local(address: str) -> bool:
    """Say whether an address is of this machine alone."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
