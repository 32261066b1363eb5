"""What emitters of spans call things: the emitters' tables, the common ones behind them, and values for all.

One file declares one emitter (`declaration`); `ingest.otel.reading` reads them all.
"""

from __future__ import annotations

from analytics_es.ingest.otel.conventions.anthropic_sdk import ANTHROPIC_SDK
from analytics_es.ingest.otel.conventions.botocore import BOTOCORE
from analytics_es.ingest.otel.conventions.claude_code import CLAUDE_CODE
from analytics_es.ingest.otel.conventions.codex import CODEX
from analytics_es.ingest.otel.conventions.crewai import CREWAI
from analytics_es.ingest.otel.conventions.declaration import Emitter
from analytics_es.ingest.otel.conventions.gemini_cli import GEMINI_CLI
from analytics_es.ingest.otel.conventions.google_adk import GOOGLE_ADK, GOOGLE_ADK_BEFORE_2_5
from analytics_es.ingest.otel.conventions.haystack import HAYSTACK
from analytics_es.ingest.otel.conventions.laminar import LAMINAR
from analytics_es.ingest.otel.conventions.langfuse import LANGFUSE, LANGFUSE_USAGE
from analytics_es.ingest.otel.conventions.langsmith import LANGSMITH
from analytics_es.ingest.otel.conventions.litellm import LITELLM
from analytics_es.ingest.otel.conventions.logfire import LOGFIRE, LOGFIRE_CLIENTS, LOGFIRE_STREAMED
from analytics_es.ingest.otel.conventions.microsoft import AGENT_FRAMEWORK, AUTOGEN, SEMANTIC_KERNEL
from analytics_es.ingest.otel.conventions.mlflow import MLFLOW
from analytics_es.ingest.otel.conventions.openinference import OPENINFERENCE, OPENINFERENCE_AGNO
from analytics_es.ingest.otel.conventions.openlit import OPENLIT
from analytics_es.ingest.otel.conventions.openllmetry import OPENLLMETRY, OPENLLMETRY_BEDROCK
from analytics_es.ingest.otel.conventions.opentelemetry import OPENTELEMETRY
from analytics_es.ingest.otel.conventions.pydantic_ai import PYDANTIC_AI
from analytics_es.ingest.otel.conventions.sentry import SENTRY
from analytics_es.ingest.otel.conventions.strands import STRANDS, STRANDS_BEFORE_1_55
from analytics_es.ingest.otel.conventions.vercel import VERCEL, VERCEL_BEFORE_6
from analytics_es.ingest.otel.conventions.widespread import WIDESPREAD

# Of one emitter its newest version first.
EMITTERS: tuple[Emitter, ...] = (
    *(GOOGLE_ADK, GOOGLE_ADK_BEFORE_2_5),
    *(OPENLLMETRY_BEDROCK, OPENINFERENCE_AGNO),
    PYDANTIC_AI,
    *(STRANDS, STRANDS_BEFORE_1_55),
    *(VERCEL, VERCEL_BEFORE_6),
    *(CLAUDE_CODE, CODEX, GEMINI_CLI),
    *(AGENT_FRAMEWORK, SEMANTIC_KERNEL, AUTOGEN, CREWAI, HAYSTACK),
    *(LITELLM, ANTHROPIC_SDK),
    # What hands on spans of others, and marks them, comes last.
    *(
        LANGSMITH,
        LANGFUSE_USAGE,
        LANGFUSE,
        MLFLOW,
        LOGFIRE_CLIENTS,
        LOGFIRE_STREAMED,
        LOGFIRE,
        OPENLIT,
        LAMINAR,
        SENTRY,
        BOTOCORE,
    ),
)
# Behind each of them, in this order: what anybody may write.
COMMON: tuple[Emitter, ...] = (OPENTELEMETRY, OPENINFERENCE, OPENLLMETRY, WIDESPREAD)
