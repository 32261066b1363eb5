"""Names that no convention has, and several emitters write: each means one thing, whoever writes it."""

from analytics_es.ingest.otel.conventions.declaration import Emitter, Name

_USAGE = "gen_ai.usage."


def _rows(field: str, *attributes: str, unit: str | None = None) -> tuple[Name, ...]:
    return tuple(Name(field, attribute, unit=unit) for attribute in attributes)


WIDESPREAD = Emitter(
    name="widespread",
    title="Names that several emitters write",
    source="getsentry/sentry-python 2.75.0: sentry_sdk/consts.py; OpenAI's and Anthropic's usage objects, laid flat; "
    "maximhq/bifrost: plugins/otel; latitude-dev/latitude-llm: packages/telemetry; "
    "microsoft/semantic-kernel before 1.30: ModelDiagnostics.cs; dotnet/extensions 9.0: OpenTelemetryConsts.cs",
    names=(
        *_rows("input_tokens", "gen_ai.response.prompt_tokens", "gen_ai.response.input_tokens"),
        *_rows("output_tokens", "gen_ai.response.completion_tokens", "gen_ai.response.output_tokens"),
        *_rows("cache_read_tokens", f"{_USAGE}input_tokens.cached", f"{_USAGE}input_tokens_details.cached_tokens"),
        *_rows("cache_read_tokens", f"{_USAGE}prompt_tokens_details.cached_tokens", f"{_USAGE}cached_tokens"),
        *_rows("cache_read_tokens", f"{_USAGE}cached_input_tokens", f"{_USAGE}cache_read_tokens"),
        *_rows("cache_read_tokens", f"{_USAGE}input_tokens_details.cached", "llm.usage.cache_read_input_tokens"),
        *_rows("cache_creation_tokens", f"{_USAGE}input_tokens.cache_write", f"{_USAGE}cache_write_tokens"),
        *_rows("cache_creation_tokens", f"{_USAGE}cache_creation_tokens", f"{_USAGE}cache_write_input_tokens"),
        *_rows("cache_creation_tokens", "llm.usage.cache_creation_input_tokens"),
        *_rows("cache_creation_1h_tokens", f"{_USAGE}cache_creation.ephemeral_1h_input_tokens"),
        *_rows("cache_creation_1h_tokens", f"{_USAGE}cache_write_1h_input_tokens"),
        *_rows("cache_creation_5m_tokens", f"{_USAGE}cache_creation.ephemeral_5m_input_tokens"),
        *_rows("cache_creation_5m_tokens", f"{_USAGE}cache_write_5m_input_tokens"),
        *_rows(
            "reasoning_tokens", f"{_USAGE}output_tokens.reasoning", f"{_USAGE}output_tokens_details.reasoning_tokens"
        ),
        *_rows("reasoning_tokens", f"{_USAGE}completion_tokens_details.reasoning_tokens"),
        *_rows("reasoning_tokens", f"{_USAGE}output_tokens_details.reasoning", f"{_USAGE}reasoning_output_tokens"),
        *_rows("reasoning_tokens", f"{_USAGE}output_reasoning_tokens", f"{_USAGE}thoughts_tokens"),
        *_rows("reasoning_tokens", f"{_USAGE}thinking_tokens"),
        *_rows("input_audio_tokens", f"{_USAGE}input_audio_tokens", f"{_USAGE}input_tokens_details.audio_tokens"),
        *_rows("input_audio_tokens", f"{_USAGE}prompt_tokens_details.audio_tokens"),
        *_rows("output_audio_tokens", f"{_USAGE}output_audio_tokens", f"{_USAGE}output_tokens_details.audio_tokens"),
        *_rows("output_audio_tokens", f"{_USAGE}completion_tokens_details.audio_tokens"),
        *_rows("input_image_tokens", f"{_USAGE}input_image_tokens", f"{_USAGE}input_tokens_details.image_tokens"),
        *_rows("output_image_tokens", f"{_USAGE}output_image_tokens", f"{_USAGE}output_tokens_details.image_tokens"),
        *_rows("searches", f"{_USAGE}server_tool_use.web_search_requests", f"{_USAGE}web_search_requests"),
        *_rows("cost", f"{_USAGE}total_cost", f"{_USAGE}cost_usd", "gen_ai.response.cost", "llm.usage.total_cost"),
        *_rows("cost", "gen_ai.cost.total_cost", "operation.cost"),
        *_rows("input_cost", f"{_USAGE}input_cost", "gen_ai.cost.input_cost"),
        *_rows("output_cost", f"{_USAGE}output_cost", "gen_ai.cost.output_cost"),
        *_rows("currency", f"{_USAGE}cost_currency", f"{_USAGE}cost.currency", "gen_ai.cost.currency"),
        *_rows("currency", "llm.cost.currency"),
        *_rows("service_tier", f"{_USAGE}service_tier", "gen_ai.service_tier", "anthropic.response.service_tier"),
        *_rows("time_to_first_chunk", "gen_ai.client.operation.time_to_first_chunk", unit="s"),
        *_rows("time_to_first_chunk", "gen_ai.response.time_to_first_token", unit="s"),
        *_rows("time_to_first_chunk", "gen_ai.response.time_to_first_token_ms", unit="ms"),
        *_rows("time_to_first_chunk", "gen_ai.time_to_first_token_ms", "llm.time_to_first_token_ms", unit="ms"),
    ),
    certain=False,
)
