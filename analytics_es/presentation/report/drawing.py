"""A report as bytes: the same ones for the same question, answers and version."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

from analytics_es.errors import MissingExtra
from analytics_es.presentation import words
from analytics_es.presentation.names import Vault, on_page
from analytics_es.presentation.pages.heads import about
from analytics_es.presentation.parts import Page
from analytics_es.presentation.report.carried import Carried
from analytics_es.types import TimePeriod

if TYPE_CHECKING:
    from analytics_es.service import AnalyticsService

NOTHING_YET = "0" * 64  # in the place of the checksum while it is not known
# Where a line of the file ends, so that two of them can be compared line by line; a script stays as it is.
_ENDS = re.compile(
    r"<script\b.*?</script>|</(?:tr|p|section|div|li|h1|h2|h3|svg|style|main|thead|tbody|caption|dd|text)>", re.DOTALL
)


def libraries(*, script: bool) -> dict[str, str]:
    """Return the versions of the libraries that draw a report; raises MissingExtra."""
    try:
        return {name: metadata.version(name) for name in ("htpy", *(["plotly"] if script else []))}
    except metadata.PackageNotFoundError as error:
        raise MissingExtra(package=error.name, extra="page") from None


def drawn(pages: Sequence[Page], carried: Carried, service: AnalyticsService) -> bytes:
    """Return the file; raises MissingExtra."""
    html, shown = _html(), [on_page(page, _vault(service)) for page in pages] if carried.names else pages
    document = html.document(
        shown,
        title=title(carried.period),
        carried=carried.write(),
        facts=facts(carried),
        checksum=NOTHING_YET,
        scripts=html.scripts(shown) if carried.script else [],
    )
    file = _ENDS.sub(lambda end: f"{end[0]}\n", document).encode() + b"\n"
    place = file.rindex(NOTHING_YET.encode())
    return file[:place] + checksum(file, place).encode() + file[place + len(NOTHING_YET) :]


def _vault(service: AnalyticsService) -> Vault:
    return lambda pseudonyms: service.names_of(pseudonyms).unwrap()


def checksum(file: bytes, place: int) -> str:
    """Return the SHA-256 of all bytes of a file but those of the checksum, which stands at a place."""
    return hashlib.sha256(file[:place] + file[place + len(NOTHING_YET) :]).hexdigest()


def title(period: TimePeriod) -> str:
    """Return what a report is called."""
    return f"Report, {about(period)}"


def facts(carried: Carried) -> list[tuple[str, str]]:
    """Return what a report says of itself: what was asked, what it stands on, who made it."""
    prices = carried.prices
    published = "no price was published" if prices.published is None else f"published up to {prices.published:,}"
    edition = f"genai-prices {prices.version}" if prices.version else "no default prices"
    question = [about(carried.period), *_asked(carried)]
    return [
        ("Question", words.safe(" · ".join(question))),
        ("Position", f"{carried.position:,}, as of {carried.now:%Y-%m-%d %H:%M:%S} UTC"),
        ("Log", carried.log),
        ("Prices", f"{edition}, {published}"),
        ("Made by", f"analytics_es {carried.version}"),
        ("Answers", f"SHA-256 {carried.sum}"),
    ]


def _asked(carried: Carried) -> list[str]:
    said = (f"{name}={text}" if text else name for name, texts in carried.words.items() for text in texts)
    return [*said, *(["with names"] if carried.names else [])]


def _html() -> Any:
    try:
        from analytics_es.presentation import html
    except ModuleNotFoundError as error:
        if str(error.name).startswith("analytics_es"):
            raise
        raise MissingExtra(package=str(error.name).partition(".")[0], extra="page") from None
    return html
