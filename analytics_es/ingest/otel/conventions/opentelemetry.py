"""OpenTelemetry's GenAI conventions, of today and before: what all may write, and what the words for work mean."""

from analytics_es.ingest.otel.conventions.declaration import Emitter, Name

# By operation; "" is none. Any other operation is a call of a provider, as far as it tells a model, tokens or a cost.
ACTIVITIES = {
    **dict.fromkeys(("chat", "generate_content", "text_completion", "embeddings", "rerank"), "provider.call"),
    **dict.fromkeys(("execute_tool", "retrieval"), "tool.call"),
    **dict.fromkeys(("search_memory", "create_memory", "update_memory", "upsert_memory", "delete_memory"), "tool.call"),
    **dict.fromkeys(("create_memory_store", "delete_memory_store"), "tool.call"),
    "invoke_agent": "task",
    "invoke_workflow": "job",
    # What encloses calls, prepares them or judges them, and takes no tokens of its own.
    **dict.fromkeys(("plan", "create_agent", "create_thread", "fetch_response", "guardrail", "evaluation"), ""),
    **dict.fromkeys(("create_vector_store", "delete_vector_store", "delete_agent", "delete_thread"), ""),
    **dict.fromkeys(("create_message", "list_messages", "list_run_steps", "get_thread_run", "start_thread_run"), ""),
    **dict.fromkeys(("submit_tool_outputs", "evaluate"), ""),
}

OPENTELEMETRY = Emitter(
    name="opentelemetry",
    title="OpenTelemetry's GenAI conventions",
    source="open-telemetry/semantic-conventions v1.27 to v1.41: model/gen-ai; "
    "open-telemetry/semantic-conventions-genai, model/gen-ai",
    names=(
        Name("operation", "gen_ai.operation.name"),
        Name("provider", "gen_ai.provider.name"),
        Name("provider", "gen_ai.system"),
        Name("request_model", "gen_ai.request.model"),
        Name("response_model", "gen_ai.response.model"),
        Name("input_tokens", "gen_ai.usage.input_tokens"),
        Name("input_tokens", "gen_ai.usage.prompt_tokens"),
        Name("output_tokens", "gen_ai.usage.output_tokens"),
        Name("output_tokens", "gen_ai.usage.completion_tokens"),
        Name("total_tokens", "gen_ai.usage.total_tokens"),
        Name("cache_read_tokens", "gen_ai.usage.cache_read.input_tokens"),
        Name("cache_creation_tokens", "gen_ai.usage.cache_write.input_tokens"),
        Name("cache_creation_tokens", "gen_ai.usage.cache_creation.input_tokens"),
        Name("reasoning_tokens", "gen_ai.usage.reasoning.output_tokens"),
        Name("input_audio_tokens", "gen_ai.usage.audio.input_tokens"),
        Name("output_audio_tokens", "gen_ai.usage.audio.output_tokens"),
        Name("cache_read_audio_tokens", "gen_ai.usage.audio.cache_read.input_tokens"),
        Name("input_image_tokens", "gen_ai.usage.image.input_tokens"),
        Name("output_image_tokens", "gen_ai.usage.image.output_tokens"),
        Name("cache_read_image_tokens", "gen_ai.usage.image.cache_read.input_tokens"),
        Name("time_to_first_chunk", "gen_ai.response.time_to_first_chunk", unit="s"),
        Name("time_to_first_chunk", "gen_ai.server.time_to_first_token", unit="s"),
        # What served the call goes before what was asked for; the generic name is what some emitters use.
        Name("service_tier", "openai.response.service_tier"),
        Name("service_tier", "gen_ai.openai.response.service_tier"),
        Name("service_tier", "gen_ai.response.service_tier"),
        Name("service_tier", "openai.request.service_tier"),
        Name("service_tier", "gen_ai.openai.request.service_tier"),
        Name("service_tier", "gen_ai.request.service_tier"),
        # How many times the request was sent before; HTTP's convention, as GenAI's have none.
        Name("resends", "http.request.resend_count"),
        Name("resends", "http.resend_count"),
        Name("resends", "http.retry_count"),
        Name("user_id", "user.id"),
        Name("user_id", "enduser.id"),
        Name("conversation_id", "gen_ai.conversation.id"),
        Name("conversation_id", "session.id"),
        Name("agent_id", "gen_ai.agent.id"),
        Name("agent_id", "gen_ai.agent.name"),
        Name("tool", "gen_ai.tool.name"),
        Name("data_source", "gen_ai.data_source.id"),
        Name("task_type", "gen_ai.agent.name"),
        Name("job_type", "gen_ai.workflow.name"),
        Name("error_type", "error.type"),
        Name("request_id", "gen_ai.response.id"),
    ),
    certain=False,  # so it is written, and many do otherwise under these names
    free_text=(
        *("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.prompt", "gen_ai.completion"),
        *("gen_ai.system_instructions", "gen_ai.tool.definitions", "gen_ai.tool.call.arguments"),
        *("gen_ai.tool.call.result", "gen_ai.content", "gen_ai.headers", "gen_ai.retrieval.documents"),
        *("gen_ai.retrieval.query", "gen_ai.memory.query", "gen_ai.memory.records", "gen_ai.evaluation.explanation"),
        *("gen_ai.user.message", "gen_ai.system.message", "gen_ai.assistant.message", "gen_ai.tool.message"),
        *("gen_ai.choice", "exception.message", "exception.stacktrace", "message"),
    ),
)
