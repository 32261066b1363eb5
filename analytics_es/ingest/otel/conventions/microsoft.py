"""Microsoft's Agent Framework, Semantic Kernel and AutoGen: OpenTelemetry's names, counted as each client counts."""

from analytics_es.ingest.otel.conventions.declaration import CACHED, Emitter, Name

_TEXTS = (
    *("gen_ai.agent.description", "workflow.definition", "workflow.description", "workflow_builder.description"),
    *("build.error.message", "gen_ai.tool.definitions", "sk.available_functions"),
)

AGENT_FRAMEWORK = Emitter(
    name="agent_framework",
    title="Microsoft Agent Framework",
    source="microsoft/agent-framework: agent-framework-core 1.23.0 agent_framework/observability.py, "
    "agent-framework-anthropic 1.0.0b agent_framework_anthropic/_chat_client.py",
    scopes=("agent_framework", "agent_framework*"),
    spans=("workflow.run", "workflow.build", "executor.process*", "edge_group.process*"),
    systems=("microsoft.agent_framework",),
    names=(
        Name("cache_read_tokens", "gen_ai.usage.cache_read.input_tokens"),
        Name("cache_creation_tokens", "gen_ai.usage.cache_creation.input_tokens"),
        Name("reasoning_tokens", "gen_ai.usage.reasoning.output_tokens"),
        Name("job_type", "workflow.name"),
    ),
    beside_of={"anthropic": CACHED, "aws.bedrock": CACHED},  # as these count themselves; OpenAI and Google hold them
    certain=False,
    operations={
        "workflow.run": "invoke_workflow",
        "workflow.build": "",
        "executor.process*": "",
        "edge_group.process*": "",
        "message.send": "",
    },
    free_text=_TEXTS,
    tells_not="what was cached and thought, unless the experimental conventions are switched on; cost",
)
SEMANTIC_KERNEL = Emitter(
    name="semantic_kernel",
    title="Semantic Kernel",
    source="microsoft/semantic-kernel 1.45.0: semantic_kernel/utils/telemetry/model_diagnostics/decorators.py",
    scopes=("semantic_kernel.*", "Microsoft.SemanticKernel*"),
    spans=("AutoFunctionInvocationLoop",),
    telltales=("sk.available_functions",),
    systems=("semantic_kernel",),
    names=(),
    certain=False,
    operations={
        "chat.completions": "chat",
        "chat.streaming_completions": "chat",
        "text.completions": "text_completion",
        "text.streaming_completions": "text_completion",
        "AutoFunctionInvocationLoop": "",
    },
    free_text=_TEXTS,
    tells_not="what was cached and thought; the model that answered; cost",
)
AUTOGEN = Emitter(
    name="autogen",
    title="AutoGen",
    source="microsoft/autogen: autogen-core 0.7.5 autogen_core/_telemetry/_genai.py, _tracing.py",
    scopes=("autogen-core", "autogen *"),
    spans=("autogen *",),
    systems=("autogen",),
    names=(Name("agent_id", "gen_ai.agent.id"),),
    operations={"autogen *": ""},
    free_text=_TEXTS,
    tells_not="calls of models, which an instrumentation of the client tells",
)
