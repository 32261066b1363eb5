"""OpenLIT: OpenTelemetry's names, counted as each provider counts, and costs of its own reckoning."""

from analytics_es.ingest.otel.conventions.declaration import CACHED, Emitter, Name

_DETAILS = "gen_ai.usage.prompt_tokens_details."

OPENLIT = Emitter(
    name="openlit",
    title="OpenLIT",
    source="openlit/openlit 1.45.0: openlit/semcov/__init__.py, instrumentation/{anthropic,openai}/utils.py",
    scopes=("openlit.*",),
    telltales=("gen_ai.sdk.version", "gen_ai.application_name", "gen_ai.token.usage.*", "gen_ai.token.cost.*"),
    names=(
        Name("cache_read_tokens", "gen_ai.usage.cache_read.input_tokens"),
        Name("cache_read_tokens", f"{_DETAILS}cached_tokens"),
        Name("cache_creation_tokens", "gen_ai.usage.cache_creation.input_tokens"),
        Name("cache_creation_tokens", f"{_DETAILS}cache_creation_tokens"),
        Name("reasoning_tokens", "gen_ai.usage.reasoning_tokens"),
        Name("reasoning_tokens", "gen_ai.usage.completion_tokens_details.reasoning_tokens"),
        Name("output_audio_tokens", "gen_ai.usage.completion_tokens_details.audio_tokens"),
        Name("cost", "gen_ai.usage.cost", zero=False),  # of a model that its list of prices lacks
        Name("user_id", "gen_ai.user.id"),
    ),
    beside_of={"anthropic": CACHED, "aws.bedrock": CACHED},
    total_without_of={"anthropic": CACHED, "aws.bedrock": CACHED},
    certain=False,
    operations={"vectordb": "retrieval", "framework": "", "graph": "", "image": "image_generation", "audio": "speech"},
    free_text=(
        *(
            "gen_ai.content.prompt",
            "gen_ai.content.completion",
            "gen_ai.content.reasoning",
            "gen_ai.content.revised_prompt",
        ),
        *(
            "gen_ai.tool.args",
            "gen_ai.tool.input",
            "gen_ai.tool.output",
            "gen_ai.tool.result",
            "gen_ai.tool.parameters",
        ),
        *("gen_ai.agent.goal", "gen_ai.agent.instructions", "gen_ai.agent.context", "gen_ai.agent.final_result"),
        *("gen_ai.agent.task", "gen_ai.agent.thinking", "gen_ai.agent.introduction", "gen_ai.task.input"),
        *("gen_ai.task.output", "gen_ai.task.description", "gen_ai.task.expected_output", "gen_ai.workflow.input"),
        *("gen_ai.workflow.output", "gen_ai.execution.input", "gen_ai.execution.output", "gen_ai.memory.input"),
        *(
            "gen_ai.memory.search.query",
            "gen_ai.memory.metadata",
            "gen_ai.vectordb.search.query",
            "gen_ai.message.content",
        ),
        *(
            "gen_ai.framework.query.text",
            "gen_ai.framework.pipeline.input_data",
            "gen_ai.framework.pipeline.output_data",
        ),
        *("gen_ai.knowledge.search.query", "gen_ai.extraction.instruction", "gen_ai.browser.page.title"),
        *(
            "gen_ai.browser.page.url",
            "gen_ai.browser.action.value",
            "gen_ai.framework.error.message",
            "gen_ai.custom.data",
        ),
    ),
    persons=("gen_ai.user.id", "gen_ai.memory.user_id", "gen_ai.request.user", "gen_ai.index.unique_authors"),
    tells_not="how much of what was written to the cache lives for an hour",
)
