"""What the log is told of labels whose version is not there."""

from support.serving_peer import EventLog

from service.backends.labels import LabelReport, describe_target, describe_unknown
from service.domain import VersionStatus

LABELS = {"stable": 1, "canary": 7}
ONE = VersionStatus(1, "AVAILABLE")


def test_label_without_version_is_told_once() -> None:
    """However often a look finds it missing, failed or on its way; again after it has been there in between."""
    log = EventLog()
    report = LabelReport(log)
    for statuses in ([ONE], [ONE, VersionStatus(7, "LOADING")], [ONE, VersionStatus(7, "END")]):
        report.tell(LABELS, statuses)

    line = ("label_without_version", {"label": "canary", "version": 7})
    assert [line] == log.lines

    report.tell(LABELS, [ONE, VersionStatus(7, "AVAILABLE")])
    report.tell(LABELS, [ONE])
    assert [line, line] == log.lines


def test_version_that_loads_is_waited_for() -> None:
    """It may come, and then there was nothing to tell."""
    log = EventLog()
    report = LabelReport(log)
    report.tell(LABELS, [ONE, VersionStatus(7, "LOADING")])
    report.tell(LABELS, [ONE, VersionStatus(7, "AVAILABLE")])

    assert [] == log.lines


def test_unknown_label_leads_to_those_there_are() -> None:
    """And to the setting where there are none."""
    assert "digits has no label 'x'; it has ['canary', 'stable']" == describe_unknown("x", "digits", LABELS)
    assert "digits has no label 'x'; DIGITCODEC_MODEL__LABELS names them" == describe_unknown("x", "digits", {})


def test_long_label_is_cut() -> None:
    """What a caller sent comes back to it, but not whole."""
    shown = "'" + "x" * 60 + "...'"
    assert f"digits has no label {shown}; DIGITCODEC_MODEL__LABELS names them" == describe_unknown(
        "x" * 10_000, "digits", {}
    )
    assert f"label {shown} points to version 7 of digits, which is" == describe_target("x" * 10_000, 7, "digits")
