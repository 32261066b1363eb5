"""MLflow's tracing: spans of a type; every value is JSON, texts included; usage holds its parts."""

from analytics_es.ingest.otel.conventions.declaration import Emitter, Name

_USAGE, _COST = "mlflow.chat.tokenUsage", "mlflow.llm.cost"
_TYPES = {
    "llm": "chat",
    "chat_model": "chat",
    "embedding": "embeddings",
    "reranker": "rerank",
    "tool": "execute_tool",
    "agent": "invoke_agent",
    "workflow": "invoke_workflow",
    "retriever": "retrieval",
    "guardrail": "guardrail",
    "evaluator": "evaluation",
    **dict.fromkeys(("chain", "parser", "memory", "task", "unknown"), ""),
}

MLFLOW = Emitter(
    name="mlflow",
    title="MLflow",
    since="3",
    source="mlflow/mlflow 3.18.0: mlflow/tracing/constant.py, tracing/export/genai_semconv/translator.py",
    scopes=("mlflow", "mlflow.*"),
    telltales=("mlflow.*",),
    names=(
        Name("kind", "mlflow.spanType", inside="$"),
        Name("provider", "mlflow.llm.provider", inside="$"),
        Name("request_model", "mlflow.llm.model", inside="$"),
        Name("input_tokens", _USAGE, inside="input_tokens"),
        Name("output_tokens", _USAGE, inside="output_tokens"),
        Name("total_tokens", _USAGE, inside="total_tokens"),
        Name("cache_read_tokens", _USAGE, inside="cache_read_input_tokens"),
        Name("cache_creation_tokens", _USAGE, inside="cache_creation_input_tokens"),
        Name("cache_creation_1h_tokens", _USAGE, inside="cache_creation_input_tokens_above_1hr"),
        Name("cost", _COST, inside="total_cost"),
        Name("input_cost", _COST, inside="input_cost"),
        Name("output_cost", _COST, inside="output_cost"),
        Name("user_id", "mlflow.trace.user", inside="$"),
        Name("conversation_id", "mlflow.trace.session", inside="$"),
    ),
    certain=False,  # what LangChain's integrations told is handed on
    # In its GenAI mode the type is the operation, in capitals where OpenTelemetry has no word for it.
    operations=_TYPES | {name.upper(): operation for name, operation in _TYPES.items()},
    free_text=(
        *("mlflow.spanInputs", "mlflow.spanOutputs", "mlflow.chat.tools", "mlflow.trace.intermediate_outputs"),
        *(
            "mlflow.traceInputs",
            "mlflow.traceOutputs",
            "mlflow.spanDescription",
            "mlflow.spanFunctionName",
            "mlflow.assessment",
        ),
    ),
    persons=("mlflow.trace.user", "mlflow.user", "mlflow.auth.userId", "mlflow.auth.username"),
    tells_not="thoughts, audio, the tier, the first chunk; in its GenAI mode what was cached, and costs",
)
