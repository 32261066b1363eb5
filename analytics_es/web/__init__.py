"""The HTTP door: what others send as OTLP, CloudEvents or plain JSON, into a service (extra `web`)."""
