"""The settings by which coding agents send their telemetry to the HTTP door, as data: in which file, and what."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from attrs import frozen

Settings = Mapping[str, Mapping[str, Any]]  # by table, or object, what stands in it by name


@frozen(kw_only=True)
class Door:
    """Where telemetry goes: the address of `analytics-es serve`, and its token, None where it asks for none."""

    endpoint: str
    token: str | None = None


@frozen(kw_only=True)
class Telemetry:
    """The telemetry of one agent.

    title: as people call it.
    variable: the environment variable that names its folder; `folder`: where that is otherwise.
    below: what comes after it, where the variable names the folder above.
    file: the name of the settings in it; `form`: json or toml.
    settings: what has to stand there; what would send prompts or content is off.
    takes_token: whether the settings can hold a token at all; `otherwise`: what to do where they cannot.
    same_ids: whether its telemetry knows calls by the ids that its session logs have.
    """

    title: str
    variable: str
    folder: str
    below: str = ""
    file: str
    form: str
    settings: Callable[[Door], Settings]
    takes_token: bool = True
    otherwise: str = ""
    same_ids: bool = False

    def path(self, environment: Mapping[str, str] = os.environ) -> Path:
        """Return where its settings are; of several folders that the variable names, in the first."""
        named = environment.get(self.variable, "").partition(",")[0].strip()
        folder = Path(named).expanduser() / self.below if named else Path(self.folder).expanduser()
        return folder / self.file


def header(token: str) -> str:
    """Return the header of a token as OpenTelemetry's variable has it."""
    return f"Authorization=Bearer%20{quote(token, safe='')}"


def _claude_code(door: Door) -> Settings:
    variables = {
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_ENDPOINT": door.endpoint,
        "OTEL_LOG_USER_PROMPTS": "0",
    }
    return {"env": variables | ({"OTEL_EXPORTER_OTLP_HEADERS": header(door.token)} if door.token else {})}


def _codex(door: Door) -> Settings:
    headers = {"headers": {"Authorization": f"Bearer {door.token}"}} if door.token else {}
    http = {"endpoint": f"{door.endpoint}/v1/logs", "protocol": "json", **headers}
    return {"otel": {"exporter": {"otlp-http": http}, "log_user_prompt": False}}


def _gemini(door: Door) -> Settings:
    return {
        "telemetry": {
            "enabled": True,
            "target": "local",
            "useCollector": True,
            "otlpProtocol": "http",
            "otlpEndpoint": door.endpoint,
            "logPrompts": False,
        }
    }


CLAUDE_CODE = Telemetry(
    title="Claude Code",
    variable="CLAUDE_CONFIG_DIR",
    folder="~/.claude",
    file="settings.json",
    form="json",
    settings=_claude_code,
    same_ids=True,
)
CODEX = Telemetry(
    title="Codex", variable="CODEX_HOME", folder="~/.codex", file="config.toml", form="toml", settings=_codex
)
GEMINI = Telemetry(
    title="Gemini CLI",
    variable="GEMINI_CLI_HOME",
    folder="~/.gemini",
    below=".gemini",
    file="settings.json",
    form="json",
    settings=_gemini,
    takes_token=False,
    otherwise='its settings hold no token: say OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20…" in ~/.gemini/.env',
)
TELEMETRY = {"claude-code": CLAUDE_CODE, "codex": CODEX, "gemini": GEMINI, "gemini-cli": GEMINI}
