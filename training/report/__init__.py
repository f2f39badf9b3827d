"""The report of a version: one page with pictures; measures nothing."""

from training.report.write import write_report

__all__ = ["write_report"]
