"""The presets of privacy as logs tell of them that were made before attributes were kept by their shape: literal."""

from __future__ import annotations

from analytics_es.ingest.privacy import PrivacyPolicy

_IDENTITY = """
user_id enduser.id enduser.pseudo.id user.id user.email user.name user.full_name user.hash user user_email
user_name user_full_name username email email_address full_name first_name last_name phone phone_number
customer_email customer_name client.address client.ip client_ip source.address http.client_ip net.peer.ip
network.peer.address ip ip_address remote_addr x_forwarded_for device.id device_id
"""
_SESSIONS = "conversation_id gen_ai.conversation.id session.id session_id thread_id"
_FREE_TEXT = """
prompt prompts completion completions message messages system_prompt system_message system_instructions
instructions input inputs output outputs arguments args parameters tool_input tool_output tool_arguments
tool_result tool_call_arguments result results content contents text body request response question answer
query command stdout stderr comment feedback description summary error_message stack stack_trace stacktrace
traceback raw headers payload
"""


def _rules(names: str, action: str) -> list[tuple[str, str]]:
    return [(f"*.{name}", action) for name in names.split()]


FORMER = {
    "pseudonymous": (*_rules(_IDENTITY, "pseudonymise"), *_rules(_FREE_TEXT, "drop_text")),
    "anonymous": (*_rules(_IDENTITY, "drop"), *_rules(_SESSIONS, "drop"), *_rules(_FREE_TEXT, "drop_text")),
}
# What is noted in such logs, by preset.
FINGERPRINTS = {"pseudonymous": "629568304f2d32c8c3c4e135aa4c44a9", "anonymous": "4158a21c5e9298e42267ceaa96d0b33d"}


def former(preset: str) -> PrivacyPolicy:
    """Return a preset as it was."""
    return PrivacyPolicy(preset=preset, rules=FORMER[preset])
