"""A report of another version, forged in every way that one can see or not see: the log does not know it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_es import AnalyticsService
from analytics_es.presentation.report import asking, check, drawing
from analytics_es.presentation.report.finding import carried
from tests.presentation.report.forging import (
    carrying_other,
    checked,
    summed,
)

Forge = Callable[[bytes], bytes]

ROW = re.compile(rb"<tr><th scope=\"row\">.*?</tr>\n?")
PATH_OF_BARS = re.compile(rb'(class="stack c1" d="M[\d.]+ )')
TITLE = re.compile(rb"<rect class=\"bucket\"[^>]*><title>[^<]*")


def put(before: bytes, new: bytes) -> Forge:
    return lambda file: file.replace(before, new + before, 1)


def swapped_rows(file: bytes) -> bytes:
    one, other = list(ROW.finditer(file))[:2]
    return file[: one.start()] + other[0] + file[one.end() : other.start()] + one[0] + file[other.end() :]


FORGED: dict[str, Forge] = {
    "a figure": lambda file: file.replace(b"1,234.57", b"1,034.57"),
    "style hides rows": put(b"</style>", b"tbody tr:last-child{display:none}"),
    "style writes a figure": put(b"</style>", b'.figure::after{content:" 0"}'),
    "style moves": put(b"</style>", b".tile{transform:translateX(-100vw)}"),
    "a script": put(b"</body>", b"<script>document.body.hidden=1</script>"),
    "a policy that lets scripts run": lambda file: file.replace(b"default-src &#39;none&#39;", b"default-src *"),
    "an attribute hides": lambda file: file.replace(b"<tr><th", b"<tr hidden><th", 1),
    "a class hides": lambda file: ROW.sub(lambda row: row[0].replace(b"<tr>", b'<tr class="vh">'), file, count=1),
    "a style of its own": lambda file: file.replace(b"<main>", b'<main style="opacity:0">'),
    "a comment hides": lambda file: ROW.sub(lambda row: b"<!--" + row[0] + b"-->", file, count=1),
    "an exact figure": lambda file: file.replace(b'<data value="', b'<data value="9', 1),
    "entities": lambda file: file.replace(b"1,234.57", b"1,234.5&#x0667;", 1),
    "a table beside": put(b"</main>", b"<table><tbody><tr><td>0 errors</td></tr></tbody></table>"),
    "rows moved": swapped_rows,
    "something laid over": put(b"</main>", b'<p class="skip">0.00 USD</p>'),
    "bars as high as one likes": lambda file: PATH_OF_BARS.sub(rb"\g<1>1", file),
    "a text of a picture": lambda file: TITLE.sub(lambda rect: rect[0] + b"9", file, count=1),
    "an image": put(b"</main>", b'<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">'),
    "who made it": lambda file: file.replace(b"analytics_es 0.0.9", b"analytics_es 0.1.0"),
    "a space": put(b"</main>", b" "),
}


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.parametrize("claim", ["", "9.9"])
def test_whatever_is_forged_in_it_and_whichever_version_it_claims_it_never_holds(
    then: tuple[AnalyticsService, Path], tmp_path: Path, name: str, claim: str
) -> None:
    service, path = then
    file = path.read_bytes()
    changed = FORGED[name](file)
    assert changed != file
    forged = tmp_path / "forged.html"
    forged.write_bytes(carrying_other(changed, lambda said: evolve(said, version=claim or said.version)))
    answer = checked(service, forged)

    assert (answer.holds, answer.announced) == (False, None)
    assert answer.verdict == ("undrawn" if claim else "edited")
    if not claim:
        assert answer.causes[-1].text.startswith("the log tells of this report with another checksum, ")


REMARK = b"<p%s>Computed with genai-prices 1; in use then was 1: install that to see the figures of then.</p>\n"
REMARKS: dict[str, Forge] = {
    "that breaks the policy": put(b"default-src", REMARK % b""),
    "that is laid over all": put(b"</main>", REMARK % b' style="position:fixed;inset:0"'),
    "that breaks the style": put(b"tbody", REMARK % b""),
    "with a script": put(b"</main>", REMARK % b" autofocus tabindex='0' onfocus='document.body.hidden=1'"),
}


@pytest.mark.parametrize("name", REMARKS)
@pytest.mark.parametrize("prices", [{"digest": "0" * 64}, {"version": "9.9"}])
def test_who_says_that_other_prices_were_installed_may_add_nothing(
    written: tuple[AnalyticsService, Path], tmp_path: Path, name: str, prices: dict[str, str]
) -> None:
    service, path = written
    said = carried(path.read_bytes())
    other = evolve(said, prices=evolve(said.prices, **prices))
    with service.as_of(said.position, now=said.now) as then:
        pages = asking.answered(service, then, said.period, said.words, said.pages).pages
    forged = tmp_path / "forged.html"
    forged.write_bytes(summed(REMARKS[name](drawing.drawn(pages, other, service))))
    answer = checked(service, forged)

    assert answer.verdict == ("undrawn" if "version" in prices else "edited")
    assert (answer.holds, answer.announced) == (False, None)


@settings(max_examples=25)
@given(place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
def test_no_other_byte_holds_though_the_checksum_fits(
    then: tuple[AnalyticsService, Path], place: float, byte: int
) -> None:
    service, path = then
    file = path.read_bytes()
    at = int(place * len(file))
    changed = file[:at] + bytes([byte]) + file[at + 1 :]
    other = path.with_name("other.html")
    try:
        other.write_bytes(summed(changed))
    except check.Unreadable:  # its checksum is gone
        return
    answer = check.check_report(service, other)

    assert answer.failure or answer.unwrap().holds == (summed(changed) == file)


def test_what_another_hand_says_in_the_name_of_the_service_is_refused(
    then: tuple[AnalyticsService, Path],
) -> None:
    said = {"sha256": "0" * 64, "answers": "0" * 64, "last_position": 14}
    refused = then[0].record_event("analytics.report.completed", said)

    assert refused.failure and refused.failure.code == "reserved_type"
