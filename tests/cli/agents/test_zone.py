"""The zone that this machine is in."""

from pathlib import Path

import pytest

from analytics_es.cli.agents.zone import machine_zone

NOWHERE = Path("/nowhere")


@pytest.mark.parametrize(
    ("variable", "zone"),
    [
        ("Asia/Tokyo", "Asia/Tokyo"),
        (":Asia/Tokyo", "Asia/Tokyo"),
        ("/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo"),
        ("", "UTC"),
        ("Etc/UTC", "UTC"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "UTC"),
    ],
)
def test_the_variable_goes_before_the_system(variable: str, zone: str, tmp_path: Path) -> None:
    link = tmp_path / "localtime"
    link.symlink_to("/usr/share/zoneinfo/Europe/Berlin")

    assert machine_zone({"TZ": variable}, link=link) == zone


def test_the_system_says_it_by_a_link(tmp_path: Path) -> None:
    link = tmp_path / "localtime"
    link.symlink_to("/usr/share/zoneinfo/America/Argentina/Buenos_Aires")

    assert machine_zone({}, link=link, file=NOWHERE) == "America/Argentina/Buenos_Aires"


def test_the_system_says_it_by_a_name(tmp_path: Path) -> None:
    file = tmp_path / "timezone"
    file.write_text("Europe/Berlin\n")

    assert machine_zone({}, link=NOWHERE, file=file) == "Europe/Berlin"


def test_where_nothing_says_it_there_is_utc(tmp_path: Path) -> None:
    file = tmp_path / "timezone"
    file.write_bytes(b"\xff\n")

    assert machine_zone({}, link=NOWHERE, file=file) == "UTC"
