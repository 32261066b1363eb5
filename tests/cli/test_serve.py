"""serve: one door over HTTP, until it is stopped; what is wrong is one line before anything is made."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from analytics_es.web.server import listening
from tests.children import patient
from tests.cli.conftest import Cli
from tests.stores import PATIENCE, eventually, opened
from tests.web.requests import JSON, PROTOBUF, event, in_json, in_protobuf, jobs, span, trace

PROGRAM = [sys.executable, "-W", "error", "-m", "analytics_es.cli", "serve", "--port", "0"]
TOKEN = "s3cret-token"  # made up


@contextmanager
def serving(*options: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run it, and give the process and the address that its first line names."""
    environment = {**os.environ, **variables}
    process = subprocess.Popen([*PROGRAM, *options], stderr=subprocess.PIPE, text=True, env=environment)
    with process, patient(process):
        try:
            assert process.stderr
            first = process.stderr.readline()
            assert "listening on http://" in first
            yield process, re.findall(r"http://[\d.:]+", first)[0]
        finally:
            process.terminate()


def ended(process: subprocess.Popen[str]) -> list[str]:
    """Return the lines after the first; `communicate` would pass over what came with that."""
    assert process.stderr
    lines = process.stderr.read().splitlines()
    process.wait(PATIENCE)
    return lines


def post(url: str, number: int, **headers: str) -> int:
    answer = httpx.post(f"{url}/v1/events", content=in_json(event(number)), headers={**JSON, **headers})
    return answer.status_code


def test_it_records_until_it_is_stopped(tmp_path: Path) -> None:
    with serving() as (process, url):
        statuses = [post(url, 0), post(url, 0), httpx.get(url).status_code]
        process.send_signal(signal.SIGTERM)
        lines = ended(process)

    assert (process.returncode, statuses) == (0, [200, 200, 200])
    assert lines[0].split(" INFO ")[1].startswith("following analytics.db · ")
    assert [line.split(" INFO ")[1].split(" · ")[0] for line in lines[1:]] == [
        "POST /v1/events 200",
        "POST /v1/events 200",
        "GET / 200",
        "3 requests",
        lines[-1].split(" INFO ")[1],
    ]
    assert lines[-1].split(" INFO ")[1].startswith("stopped at position ")
    with opened(tmp_path / "analytics.db") as analytics:
        assert jobs(analytics) == ["j-0"]


def test_answers_are_fresh_while_it_runs(cli: Cli) -> None:
    with serving() as (_, url):
        body = in_protobuf(trace(*map(span, range(20))))
        assert httpx.post(f"{url}/v1/traces", content=body, headers=PROTOBUF).status_code == 200

        def events() -> Any:
            asked = cli("projections", "list", "--json")
            return asked.exit_code == 0 and all(one["lag_events"] == 0 for one in json.loads(asked.stdout))

        assert eventually(events)


def test_an_address_of_this_machine_where_it_listens_is_one_it_may_be_asked_for_under() -> None:
    with serving("--host", "127.0.0.2") as (_, url):
        assert (post(url, 0), post(url, 1, host="analytics.example")) == (200, 421)


def test_it_is_ready_within_a_bound_that_is_told() -> None:
    with serving("--max-lag", "5m") as (_, url):
        ready = httpx.get(f"{url}/health/ready")
        metrics = httpx.get(f"{url}/metrics")

    assert (ready.status_code, ready.json()["max_lag"], ready.json()["max_lag_events"]) == (200, 300, None)
    assert "analytics_es_ready 1.0" in metrics.text


def test_an_answer_waits_for_nothing() -> None:
    with listening("127.0.0.1", 0) as server:
        assert server.proto == socket.IPPROTO_TCP  # without it, each answer with a body came 40 ms late


def test_its_lines_are_json_where_that_is_asked_for() -> None:
    with serving("--log-format", "json") as (process, url):
        post(url, 0)
        process.send_signal(signal.SIGINT)
        lines = [json.loads(line) for line in ended(process)]

    assert process.returncode == 0
    (request,) = [line for line in lines if line["logger"] == "analytics_es.web"]
    assert (request["method"], request["path"], request["status"], request["recorded"]) == (
        "POST",
        "/v1/events",
        200,
        1,
    )
    assert [line["message"] for line in lines][-2] == "1 request"


def test_a_request_under_way_is_answered_when_it_is_stopped(tmp_path: Path) -> None:
    body = in_json(event(0))
    with serving() as (process, url):
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
            head = f"POST /v1/events HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:20])
            httpx.get(url)  # by then the first part has been taken in
            process.send_signal(signal.SIGTERM)
            eventually(lambda: not _is_listening(host, int(port)))
            connection.sendall(body[20:])
            answer = connection.recv(1000)
        ended(process)

    assert (answer.partition(b"\r\n")[0], process.returncode) == (b"HTTP/1.1 200 OK", 0)
    with opened(tmp_path / "analytics.db") as analytics:
        assert jobs(analytics) == ["j-0"]


def _is_listening(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=PATIENCE).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("way", ["variable", "file"])
def test_a_token_comes_from_a_variable_or_a_file(tmp_path: Path, way: str) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    options = ["--token-file", str(file)] if way == "file" else []
    variables = {"ANALYTICS_ES_TOKEN": "another" if way == "file" else TOKEN}

    with serving("--host", "0.0.0.0", *options, **variables) as (process, url):  # noqa: S104  # with a token
        url = url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104
        statuses = [post(url, 0), post(url, 0, authorization=f"Bearer {TOKEN}")]
        process.terminate()
        lines = ended(process)

    assert statuses == [401, 200]
    assert TOKEN not in "".join(lines)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104  # which are refused
def test_without_a_token_it_is_open_to_this_machine_alone(cli: Cli, tmp_path: Path, host: str) -> None:
    result = cli("serve", "--host", host, "--port", 0)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"error: What has no token takes requests of this machine alone, and {host} can be "
        "reached from others: put a token into ANALYTICS_ES_TOKEN or --token-file, or leave --host out.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_port_in_use_is_one_line(cli: Cli, tmp_path: Path) -> None:
    with listening("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        result = cli("serve", "--port", port)

    assert (result.exit_code, result.stderr) == (
        1,
        f"error: 127.0.0.1:{port} cannot be listened on (Address already in use): choose another --host or --port; 0 "
        "is any port that is free.\n",
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("host", ["nowhere.invalid", "256.1.1.1", "a b", "192.0.2.7"])
def test_an_address_that_is_none_of_this_machine_is_one_line(cli: Cli, host: str) -> None:
    result = cli("serve", "--host", host, "--port", 0)

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith(f"error: {host}:0 cannot be listened on (")


@pytest.mark.parametrize("content", ["", "  \n", "a b", None, b"\xff"])
def test_a_token_that_is_none_is_one_line(cli: Cli, tmp_path: Path, content: str | bytes | None) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    result = cli("serve", "--port", 0, "--token-file", file)

    assert (result.exit_code, result.stderr.count("\n"), "Traceback" in result.stderr) == (1, 1, False)


def test_an_empty_variable_does_not_open_it(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANALYTICS_ES_TOKEN", "")

    assert cli("serve", "--port", 0).stderr.startswith("error: The token is empty: ")


@pytest.mark.parametrize("option", [("--token-file", "two words"), ("--host-name", "http://a")])
def test_what_cannot_guard_it_is_said_before_a_store_is_made(cli: Cli, tmp_path: Path, option: tuple[str, str]) -> None:
    name, text = option
    (tmp_path / "token").write_text(text)
    place = tmp_path / "new.db"

    answer = cli("serve", "--port", 0, "--db", place, name, tmp_path / "token" if name == "--token-file" else text)

    assert (answer.exit_code, answer.stderr.count("\n"), place.exists()) == (1, 1, False)


def test_a_token_cannot_be_given_as_an_argument(cli: Cli) -> None:
    assert cli("serve", "--token", TOKEN).exit_code == 2  # anybody on the machine could read it


@pytest.mark.parametrize("package", ["starlette", "uvicorn", "opentelemetry"])
def test_without_its_extra_it_says_what_to_install(tmp_path: Path, package: str) -> None:
    lines = f"import sys; sys.modules[{package!r}] = None; from analytics_es.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", lines, "serve", "--port", "0"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=tmp_path,
    )

    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1
    assert last.startswith(f"error: This needs a package that is not installed ({package}")
    assert last.endswith("): pip install 'analytics-es[web]'.")
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
