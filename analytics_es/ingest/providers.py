"""Who serves models: the names that emitters, gateways and SDKs have for providers, and what OpenTelemetry calls them.

Sources: OpenTelemetry's registry of `gen_ai.provider.name`; LiteLLM's `LlmProviders` (litellm/types/utils.py);
LangChain's `ls_provider`; providers of the Vercel AI SDK (`<name>.<kind of call>`); prefixes of pydantic-ai's
`infer_model`.
"""

from __future__ import annotations


def words(*lines: str) -> frozenset[str]:
    """Return the words of some lines."""
    return frozenset(" ".join(lines).split())


# OpenTelemetry's name of a provider, and what others call it, in lower case.
_RENAMED = {
    "anthropic": "anthropic_text",
    "aws.bedrock": (
        "bedrock awsbedrock"
        " aws_bedrock aws-bedrock amazon_bedrock amazon-bedrock amazon.bedrock bedrock_converse bedrock-converse"
    ),
    "azure.ai.inference": (
        "az.ai.inference azure_ai azure-ai azure_ai_inference azure_inference"
        " az.ai.agents azure.ai.agents microsoft.agents microsoft.foundry"
    ),
    "azure.ai.openai": "az.ai.openai azure_openai azure-openai azureopenai azure.openai azure_text azure_ai_openai",
    "cohere": "cohere_chat",
    "deepseek": "",
    "gcp.gemini": (
        "gemini google_genai google-genai google-gla google.generative-ai google-generative-ai google_generative_ai"
        " google_ai_studio google-ai-studio google_ai google-ai googleai"
    ),
    "gcp.gen_ai": "",
    "gcp.vertex_ai": (
        "vertex_ai vertexai vertex-ai vertex vertex_ai_beta google_vertexai google-vertexai google-vertex google_vertex"
        " google.vertex google_anthropic_vertex google-vertex-anthropic anthropic_vertex anthropic-vertex"
        " vertex.anthropic gcp_vertex_ai"
    ),
    "groq": "",
    "ibm.watsonx.ai": "watsonx ibm_watsonx watsonx_text",
    "mistral_ai": "mistral mistralai",
    "openai": "open_ai text-completion-openai openai-chat openai-responses",
    "perplexity": "",
    "x_ai": "xai x-ai",
}
# Names that are no other's, or of which OpenTelemetry has none: they stay. Here for the prefixes that they are.
_OTHERS = {
    "aws": "",
    "azure": "",
    "cerebras": "",
    "databricks": "",
    "deepinfra": "",
    "fireworks_ai": "fireworks fireworks-ai",
    "github-copilot": "github_copilot",
    "google": "",
    "huggingface": "",
    "nvidia_nim": "",
    "ollama": "ollama_chat",
    "openrouter": "",
    "replicate": "",
    "together_ai": "together together-ai togetherai",
    "voyage": "voyageai",
}
_OTEL = {name: provider for provider, names in _RENAMED.items() for name in (provider, *names.split())}
_KNOWN = _OTEL | {name: provider for provider, names in _OTHERS.items() for name in (provider, *names.split())}
# The kinds of calls that the Vercel AI SDK writes behind a provider's name.
_KINDS_OF_CALLS = words(
    "chat responses messages completion completions embedding embeddings textembedding image speech transcription",
)

# What names who wrote a span, or nobody, where the provider is to be.
FRAMEWORKS = words(
    "ag2 agent_framework agent-framework agno ai autogen claude_code claude-code codex crewai custom dspy",
    "gcp.vertex.agent gemini_cli gemini-cli google_adk google-adk haystack instructor langchain langfuse langgraph",
    "langsmith litellm litellm_proxy llama_index llama-index llamaindex logfire mastra mem0 mlflow",
    "microsoft.agent_framework openai_agents openai-agents pydantic_ai pydantic-ai semantic_kernel semantic-kernel",
    "semantickernel smolagents spring_ai spring-ai strands strands-agents traceloop vercel",
    "vercel-ai-gateway vercel_ai_gateway",
    "_other none null other undefined unknown",
)
# Those of them that name a model as LiteLLM does: behind a prefix that is who serves it.
LITELLM = words("crewai dspy gcp.vertex.agent google_adk google-adk litellm litellm_proxy smolagents")

_FAMILIES = {
    **dict.fromkeys(("aws", "aws.bedrock"), "aws"),
    **dict.fromkeys(("azure", "azure.ai.openai", "azure.ai.inference"), "azure"),
    **dict.fromkeys(("google", "gcp.gemini", "gcp.gen_ai", "gcp.vertex_ai"), "google"),
}


def renamed(provider: str) -> str:
    """Return what OpenTelemetry calls a provider, else its name in lower case; "" for a framework, which is none."""
    name = provider.strip().lower()
    if name in FRAMEWORKS:
        return ""
    head, _, kind = name.rpartition(".")
    if kind in _KINDS_OF_CALLS and head in _KNOWN:
        return _OTEL.get(head, head)
    return _OTEL.get(name, name)


def known(name: str) -> str:
    """Return the provider that a prefix of a model's name is, by one of its names, "" for any other text."""
    return _KNOWN.get(name.lower(), "")


def family(provider: str) -> str:
    """Return what the names have in common that one provider has."""
    name = renamed(provider)
    return _FAMILIES.get(name) or _KNOWN.get(name, name)


def same_provider(one: str | None, other: str | None) -> bool:
    """Say whether two names do not contradict each other; one that is not told, or is a framework's, never does."""
    return len({family(name) for name in (one, other) if name} - {""}) < 2
