"""A sender of requests that were written before, in a process of its own: `python -m tests.otlp_sending URL FILE`.

It says `ready` when it is, sends when it is told a line, over some connections at a time, and says `sent` when all were
answered with 200; anything else ends it with 1. The file is a pickled list of bodies.
"""

from __future__ import annotations

import http.client
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

CONNECTIONS = 4
HEADERS = {"content-type": "application/x-protobuf"}
TIMEOUT = 120.0


def main(url: str, path: str) -> int:
    """Send all bodies of a file."""
    bodies = iter(pickle.loads(Path(path).read_bytes()))  # noqa: S301  # our own
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    lock, refused = threading.Lock(), list[int]()

    def send() -> None:
        connection = http.client.HTTPConnection(str(urlsplit(url).netloc), timeout=TIMEOUT)
        while True:
            with lock:
                body = next(bodies, None)
            if body is None:
                break
            connection.request("POST", urlsplit(url).path, body, HEADERS)
            answer = connection.getresponse()
            if answer.read() or answer.status != 200:
                refused.append(answer.status)
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.stdout.write(f"refused: {refused}\n" if refused else "sent\n")
    return len(refused[:1])


class Sender:
    """A sender that is ready."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def send(self) -> None:
        """Let it send, and wait until all was answered; raises RuntimeError where something was refused."""
        answer, _ = self._process.communicate("\n", timeout=TIMEOUT)
        if self._process.returncode:
            raise RuntimeError(f"the sender said: {answer}")


@contextmanager
def sender(url: str, bodies: Sequence[bytes], folder: Path) -> Iterator[Sender]:
    """Start one, and wait until it is ready."""
    path = folder / "bodies.pickle"
    path.write_bytes(pickle.dumps(list(bodies)))
    command = [sys.executable, "-m", "tests.otlp_sending", url, str(path)]
    try:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                if not process.stdout or process.stdout.readline() != "ready\n":
                    raise RuntimeError("the sender has not started")
                yield Sender(process)
            finally:
                process.kill()
    finally:
        path.unlink()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
