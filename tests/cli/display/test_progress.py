import re
import time

import pytest

from analytics_es.cli.display import Bar, progress
from tests.cli.display.test_render import ANSI
from tests.stores import PATIENCE


def test_a_bar_appears_late_on_a_terminal_with_rate_and_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(progress, "DELAY_SECONDS", 0.05)
    with Bar("importing") as running:
        for done in (1, 25, 50):
            running.at(done, 100, counted=20 * done)
            time.sleep(0.2)

    captured = capsys.readouterr()
    seen = ANSI.sub("", captured.err)
    assert captured.out == ""
    assert "importing" in seen
    assert re.search(r"50% 1,000 events · [\d,]+/s \d:\d\d:\d\d", seen)


def test_a_bar_that_is_done_soon_never_appears(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(progress, "DELAY_SECONDS", PATIENCE)
    with Bar("importing") as running:
        running.at(1, 2)

    assert capsys.readouterr().err == ""


def test_a_pipe_gets_no_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "DELAY_SECONDS", 0.01)
    with Bar("importing") as running:
        time.sleep(0.1)
        running.at(1, 2)

    assert capsys.readouterr().err == ""
