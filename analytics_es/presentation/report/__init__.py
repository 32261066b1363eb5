"""The report in a file: written from the parts of the pages, and checked against the log again."""

from analytics_es.presentation.report.check import check_report
from analytics_es.presentation.report.writing import report_bytes, write_report

__all__ = ["check_report", "report_bytes", "write_report"]
