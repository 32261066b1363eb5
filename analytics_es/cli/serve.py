"""serve: pages to look at, and what others send over HTTP, recorded; kept up to date, as `run` does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analytics_es.cli.lag import LagLimit, max_lag_option
from analytics_es.cli.run import retaining, say_end, watch
from analytics_es.cli.run_log import TEXT, Pulse, logged, running_options, say, say_start
from analytics_es.cli.stopping import stopped
from analytics_es.cli.store import OpenStore, Place, opened
from analytics_es.cli.token import TOKEN, token_of
from analytics_es.errors import CannotServe
from analytics_es.presentation import words

if TYPE_CHECKING:
    from socket import socket

    from starlette.applications import Starlette


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Where to listen.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=4318, show_default=True, help="The port; 0 is any that is free."
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=f"A file with the token that who sends has to send; without it, the variable {TOKEN} has it.",
)
@click.option(
    "--host-name",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="A name that requests may be for, beside this machine's own; may be repeated.",
)
@click.option("--content", is_flag=True, help="Take prompts, answers, arguments and results over from spans, too.")
@max_lag_option("How far the read models may be behind before /health/ready says 503", default="60s", show_default=True)
@running_options
def serve(
    host: str,
    port: int,
    token_file: Path | None,
    hosts: tuple[str, ...],
    content: bool,
    max_lag: LagLimit,
    log_format: str,
    log_level: str,
    quiet: bool,
    strict_ids: list[str] | None,
    strict_fields: bool | None,
    durability: str,
    db: Place,
) -> None:
    """Record what is sent over HTTP, and show pages, until stopped.

    Open the address that it names in a browser: what it costs, how fast it is, who uses it, and what is unknown. Each
    page is also there as .json, .csv and .arrow: /cost.json?last=30d. Pages are read only.

    OpenTelemetry goes to /v1/traces and /v1/logs, CloudEvents to /api/v1/events, plain JSON to /v1/events; each is
    answered when it is durable. The store is created if it is not there, and kept up to date as `run` does it. Ctrl-C
    or SIGTERM stop it, with exit code 0, after the requests under way.

    Without a token it listens on this machine alone. The token is in the variable ANALYTICS_ES_TOKEN or in a file. Who
    sends says `Authorization: Bearer …`; a browser asks for it as a password, with any name.

    \b
    Examples:
      analytics-es serve
      analytics-es serve --db analytics.db --port 8080 --log-format json
      analytics-es serve --host 0.0.0.0 --token-file /run/secrets/analytics
    """
    token = token_of(token_file)
    options: dict[str, Any] = {"strict_ids": strict_ids, "strict": strict_fields, "durability": durability}
    server = _listening(host, port, token, hosts)
    own = () if token else (str(server.getsockname()[0]),)  # such as 127.0.0.2, which is of this machine, too
    web: dict[str, Any] = {"token": token, "hosts": (*hosts, *own) or None, "content": content}
    web |= {"max_lag": max_lag.seconds, "max_lag_events": max_lag.events}
    with server, logged(log_format, "warning" if quiet else log_level), opened(db, **options) as store:
        from analytics_es.web import analytics_app

        _serve(store, db, analytics_app(store.service, **web), server, log_format)


def _serve(store: OpenStore, db: Place, app: Starlette, server: socket, log_format: str) -> None:
    """Serve, follow, and retain, until stopped."""
    from analytics_es.web.server import serving, url_of

    counts, url = app.state.counts, url_of(server)
    with stopped() as stopping:  # before anybody is told that it is there
        say(
            f"listening on {url} · open it in a browser",
            url=url,
            host=server.getsockname()[0],
            port=server.getsockname()[1],
        )
        say_start(store, db, None)
        with retaining(store, stopping), serving(app, server, stopping.set):
            store.service._parts.follow()  # now that it can be stopped
            watch(stopping, Pulse(store, counts.requested), drawn=log_format == TEXT)
    came = counts.requested()
    say(words.plural(came["requests"], "request"), **came)
    say_end(store)


def _listening(host: str, port: int, token: str | None, hosts: tuple[str, ...]) -> socket:
    """Return the socket, before a store is made; raises BadToken, BadHosts, CannotListen, CannotServe, MissingExtra."""
    from analytics_es.web import analytics_app  # noqa: F401  # what is missing is said now
    from analytics_es.web.guard import Guard
    from analytics_es.web.server import is_open_to_others, listening

    Guard.of(token, hosts or None)
    server = listening(host, port)
    if token is None and is_open_to_others(server):
        server.close()
        raise CannotServe(host=host)
    return server
