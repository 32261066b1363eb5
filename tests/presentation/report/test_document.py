"""What a browser may do with a report."""

from __future__ import annotations

import base64
import hashlib
import re
from html import unescape

from analytics_es import AnalyticsService
from analytics_es.presentation.report import (
    report_bytes,
)
from tests.presentation.report.forging import (
    WEEK,
)


def policy(text: str) -> str:
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert found
    return unescape(found[1])


def hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_a_file_for_a_mail_has_no_script_and_nothing_from_elsewhere(file: bytes) -> None:
    text = file.decode()
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)

    assert (b"<script" in file, len(file) < 200_000, b"<svg" in file) == (False, True, True)
    assert [
        address for address in re.findall(r'(?:href|src|action)="([^"]*)"', text) if not address.startswith("#")
    ] == []
    assert re.findall(r"url\(|@import|<link|<iframe|<object| style=", text) == []
    assert policy(text) == (
        f"default-src 'none'; style-src {hashed(style)}; img-src data:; base-uri 'none'; form-action 'none'"
    )


def test_a_file_with_a_script_names_what_may_run(service: AnalyticsService) -> None:
    text = report_bytes(service, WEEK, script=True).unwrap().decode()
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)

    assert (len(scripts), len(text) < 6_000_000) == (2, True)
    assert f"script-src {' '.join(map(hashed, scripts))};" in policy(text)
