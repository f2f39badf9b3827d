"""`digitcodec doctor`: looks at this machine or at a server, and tells what is wrong with what to do."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict

from service.cli.doctor.finding import Finding
from service.cli.doctor.installation import look_at_installation
from service.cli.errors import FAILED, OK

_LEVEL_WIDTH, _AREA_WIDTH = 8, 15


def run(options: Namespace) -> int:
    """Print findings as they are made, or all of them as one document.

    Returns:
        1 if something is wrong, else 0.
    """
    findings = []
    for finding in _look(options):
        findings.append(finding)
        if not options.json:
            sys.stdout.write(render(finding))
            sys.stdout.flush()  # the next one may take seconds
    is_good = all(finding.level != "wrong" for finding in findings)
    if options.json:
        document = {"ok": is_good, "findings": [asdict(finding) for finding in findings]}
        sys.stdout.write(f"{json.dumps(document, indent=2)}\n")
    return OK if is_good else FAILED


def render(finding: Finding) -> str:
    """A line for people; what is to be done stands below it."""
    line = f"{finding.level:<{_LEVEL_WIDTH}} {finding.area:<{_AREA_WIDTH}} {finding.text}\n"
    indent = " " * (_LEVEL_WIDTH + _AREA_WIDTH + 2)
    return f"{line}{indent}-> {finding.advice}\n" if finding.advice else line


def _look(options: Namespace) -> Iterator[Finding]:
    lacks_packages = False
    for finding in look_at_installation():
        yield finding
        lacks_packages |= finding.area == "packages" and finding.text.startswith("missing")
    if lacks_packages:  # nothing else could be looked at
        return
    from service.cli.addresses import find_url

    url = find_url(options)
    yield from _look_at_server(options, url) if url else _look_at_machine(options)


def _look_at_server(options: Namespace, url: str) -> Iterator[Finding]:
    from service.cli.doctor.server import look_at_server

    return look_at_server(options, url)


def _look_at_machine(options: Namespace) -> Iterator[Finding]:
    from service.cli.doctor.environment import look_at_settings
    from service.cli.doctor.model import look_at_model
    from service.cli.doctor.ports import look_at_ports
    from service.cli.settings import find_model

    settings, findings = look_at_settings()
    yield from findings
    if settings is None:
        return
    yield from look_at_ports(settings)
    yield from look_at_model(settings, find_model(settings, options.models))
