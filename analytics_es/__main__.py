"""`python -m analytics_es` is `analytics-es`."""

from analytics_es.cli import main

main(prog_name="analytics-es")
