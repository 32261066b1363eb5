"""Addresses of stores, and how much of them may be shown."""

from __future__ import annotations

import re


def redacted(address: object) -> str:
    """Return a path or URL without its passwords."""
    text = re.sub(r"([?&](?:password|sslpassword)=)[^&]*", r"\1***", str(address))
    return re.sub(r"(://[^/@:]*):.*@", r"\1:***@", text)
