"""Haystack's tracing: pipelines, components, agents; of calls of models only that there was one."""

from analytics_es.ingest.otel.conventions.declaration import Emitter, Name

HAYSTACK = Emitter(
    name="haystack",
    title="Haystack",
    source="deepset-ai/haystack 3.4.1: haystack/core/pipeline/base.py, components/agents/agent.py, "
    "components/generators/utils.py; opentelemetry-haystack 2.0.0",
    scopes=("haystack", "haystack.*"),
    spans=("haystack.*",),
    telltales=("haystack.*",),
    systems=("haystack",),
    names=(
        Name("tool", "haystack.tool.name"),
        Name("task_type", "haystack.component.name"),
        Name("agent_id", "haystack.agent.name"),
    ),
    operations={
        "haystack.agent.run": "invoke_agent",
        "haystack.agent.step.tool": "execute_tool",
        "haystack.pipeline.run": "invoke_workflow",
        "haystack.*": "",
    },
    free_text=(
        *("haystack.component.input", "haystack.component.output", "haystack.pipeline.input_data"),
        *(
            "haystack.pipeline.output_data",
            "haystack.pipeline.metadata",
            "haystack.agent.input",
            "haystack.agent.output",
        ),
        *("haystack.agent.step.llm.input", "haystack.agent.step.llm.output", "haystack.agent.step.tool.input"),
        *("haystack.agent.step.tool.output", "haystack.agent.tools", "haystack.agent.state_schema"),
        *("haystack.tool.description", "haystack.agent.hook.human_in_the_loop.strategy"),
    ),
    tells_not="calls of models and their tokens, which an instrumentation of the client tells",
)
