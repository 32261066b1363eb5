"""What was said: where prompts, answers, arguments and results are told, which are taken over only where asked for."""

SAID = {
    "prompt": (
        *("gen_ai.input.messages", "gen_ai.prompt", "llm.input_messages", "llm.prompts", "ai.prompt.messages"),
        *("ai.prompt", "gcp.vertex.agent.llm_request", "all_messages_events", "pydantic_ai.all_messages"),
        "input.value",
    ),
    "completion": (
        *("gen_ai.output.messages", "gen_ai.completion", "llm.output_messages", "llm.choices", "ai.response.text"),
        *("ai.response.object", "gcp.vertex.agent.llm_response", "final_result", "output.value"),
    ),
}
DONE = {
    "arguments": (
        *("gen_ai.tool.call.arguments", "tool.parameters", "traceloop.entity.input", "ai.toolCall.args"),
        *("gcp.vertex.agent.tool_call_args", "tool_arguments", "input.value"),
    ),
    "result": (
        *("gen_ai.tool.call.result", "traceloop.entity.output", "ai.toolCall.result"),
        *("gcp.vertex.agent.tool_response", "tool_response", "output.value"),
    ),
}
NOT_FREE = frozenset({"gen_ai.prompt.name", "gen_ai.prompt.version"})
# Events of a span at its first chunk.
FIRST_CHUNK_EVENTS = frozenset(
    {
        "First Token Stream Event",
        "gen_ai.content.completion.chunk",
        "llm.content.completion.chunk",
        "ai.stream.firstChunk",
    }
)
