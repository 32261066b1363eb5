"""How a report is written: whole, to a place that is free, by what is installed."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from analytics_es import AnalyticsService
from analytics_es.errors import BadArgument, MissingExtra
from analytics_es.presentation.report import (
    drawing,
    report_bytes,
    write_report,
)
from tests.presentation.report.forging import (
    WEEK,
    checked,
)


def test_it_replaces_a_file_only_where_that_is_said(service: AnalyticsService, path: Path) -> None:
    path.write_text("mine")
    refused = write_report(service, path, WEEK)

    assert (refused.failure and refused.failure.code, path.read_text()) == ("file_exists", "mine")
    assert write_report(service, path, WEEK, replace=True).unwrap().path == path
    assert (checked(service, path).drawn, [file.name for file in path.parent.iterdir()]) == (True, [path.name])


@pytest.mark.parametrize("replace", [False, True])
def test_where_it_cannot_be_written_it_is_said(service: AnalyticsService, tmp_path: Path, replace: bool) -> None:
    for place in (tmp_path, tmp_path / "nosuch" / "week.html"):
        failure = write_report(service, place, WEEK, replace=replace).failure
        assert failure and failure.code == "cannot_write"


def test_a_pipe_or_a_device_is_not_replaced_by_a_file(service: AnalyticsService, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    failure = write_report(service, pipe, WEEK, replace=True).failure

    assert (failure and failure.code, pipe.is_fifo()) == ("cannot_write", True)


def test_without_the_extra_it_is_said_what_to_install(
    service: AnalyticsService, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise drawing.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(drawing.metadata, "version", missing)
    with pytest.raises(MissingExtra, match=re.escape("pip install 'analytics-es[page]'")):
        write_report(service, path, WEEK).unwrap()


@pytest.mark.parametrize(
    "options",
    [{"pages": ["nosuch"]}, {"words": [1]}, {"script": "yes"}, {"service": None}, {"path": None}, {"pages": 5}],
)
def test_a_wrong_argument_is_named(service: AnalyticsService, path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(BadArgument, match=next(iter(options))):
        write_report(**{"service": service, "path": path, "period": WEEK, **options}).unwrap()


def test_progress_is_told_page_by_page(service: AnalyticsService) -> None:
    told: list[tuple[str, int, int]] = []
    report_bytes(service, WEEK, progress=lambda *said: told.append(said)).unwrap()

    assert told[:2] == [("asking for overview", 0, 5), ("asking for cost", 1, 5)]
