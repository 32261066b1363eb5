"""A server that is killed after a commit, before who sent is answered: `python -m tests.web.dying PORT PATH WHEN`."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

from analytics_es import AnalyticsService
from analytics_es.ingest.recorder import Recorder
from analytics_es.web import analytics_app
from analytics_es.web.server import listening, serving


def die_after(commits: int) -> None:
    """Kill this process as soon as so many commits are durable; 0 is never."""
    done, append = [0], Recorder.append

    def dying(recorder: Recorder, entries: Any, *more: Any) -> Any:
        places = append(recorder, entries, *more)
        done[0] += 1
        if done[0] == commits:
            os.kill(os.getpid(), signal.SIGKILL)
        return places

    Recorder.append = dying  # type: ignore[method-assign]  # in a process of its own


def main(port: str, path: str, when: str) -> None:
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    server = listening("127.0.0.1", int(port))
    with (
        AnalyticsService.open(path, follow=False) as analytics,
        serving(analytics_app(analytics), server, stopping.set),
    ):
        die_after(int(when))
        print("listening", flush=True)
        stopping.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
