"""CrewAI: crews, tasks, agents, tools, memory, calls of models under OpenTelemetry's names; totals hold their parts."""

from analytics_es.ingest.otel.conventions.declaration import Emitter, Name

_MEMORY = ("query memory", "retrieve memory", "save memory", "query knowledge", "search knowledge")

CREWAI = Emitter(
    name="crewai",
    title="CrewAI",
    source="crewAIInc/crewAI: crewai 1.15.30 crewai/telemetry/tracing/semantic_conventions.py, handlers.py, "
    "llms/providers/anthropic/completion.py",
    scopes=("crewai", "crewai.telemetry"),
    telltales=("crewai.*",),
    systems=("crewai",),
    names=(
        Name("cache_read_tokens", "gen_ai.usage.cache_read.input_tokens"),
        Name("cache_creation_tokens", "gen_ai.usage.cache_creation.input_tokens"),
        Name("reasoning_tokens", "gen_ai.usage.reasoning_tokens"),
        Name("agent_id", "crewai.agent.role"),
        Name("task_type", "crewai.agent.role"),
        Name("task_type", "crewai.task.name"),
        Name("job_type", "crewai.crew.name"),
        Name("job_type", "crewai.flow.name"),
    ),
    operations={
        "execute_task": "",
        "execute_method": "",
        **dict.fromkeys(_MEMORY[:2], "search_memory"),
        "save memory": "create_memory",
        **dict.fromkeys(_MEMORY[3:], "retrieval"),
        **dict.fromkeys(("agent reasoning", "evaluate guardrail", "discover skills", "connect mcp"), ""),
        **dict.fromkeys(
            ("a2a *", "Crew Created", "Task Created", "Task Execution", "Tool Usage", "Tool Usage Error"), ""
        ),
    },
    free_text=(
        *(f"crewai.crew.{name}" for name in ("inputs", "output")),
        *(f"crewai.task.{name}" for name in ("description", "expected_output", "output")),
        *(f"crewai.agent.{name}" for name in ("goal", "backstory", "output", "task_prompt", "tools")),
        *(f"crewai.flow.{name}" for name in ("inputs", "result")),
        *(f"crewai.method.{name}" for name in ("state", "params", "result")),
        *("crewai.reasoning.plan", "crewai.guardrail.description", "crewai.guardrail.result", "crewai.guardrail.error"),
        *(
            "crewai.memory",
            "crewai.knowledge",
            "crewai.policy.reason",
            "crewai.tool.failure.message",
            "crewai.skill.path",
        ),
        *("crewai.mcp.tool_args", "crewai.mcp.tool_result", "crewai.mcp.server_url", "crewai.human_feedback.message"),
        *("crewai.human_feedback.feedback", "crewai.a2a.task_description", "crewai.a2a.result", "crewai.a2a.results"),
        *("crewai.a2a.final_result", "crewai.a2a.metadata", "crewai.a2a.agent_card", "crewai.llm.available_functions"),
        *(
            "crew_inputs",
            "crew_agents",
            "crew_tasks",
            "formatted_description",
            "formatted_expected_output",
            "task_output",
        ),
        *("gen_ai.agent.description",),
    ),
    tells_not="the model that answered, cost, the tier, the first chunk",
)
