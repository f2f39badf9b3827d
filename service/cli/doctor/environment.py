"""Are the settings in the environment good, and the files that they name?"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from service.access.keys import parse_keys
from service.cli.addresses import KEY, SERVER
from service.cli.doctor.finding import Finding, ok
from service.cli.errors import UsageError
from service.cli.settings import read_settings
from service.servers import load_certificate
from service.settings import PREFIX, Settings
from service.startup import CannotStartError

_OWN_PREFIX = "DIGITCLI_"


def look_at_settings() -> tuple[Settings | None, list[Finding]]:
    """The settings if they are good, and what was found."""
    findings = list(_look_at_own_names())
    names = sorted(name for name in os.environ if name.startswith(PREFIX))
    try:
        settings = read_settings()
    except UsageError as error:
        advice = "correct the variable; docs/settings.md lists all"
        return None, [*findings, *(Finding("wrong", "settings", line, advice) for line in str(error).splitlines())]
    told = f"set are {', '.join(names)}" if names else "none is set, so the defaults hold"
    return settings, [*findings, ok("settings", told), *_look_at_files(settings)]


def _look_at_own_names() -> Iterator[Finding]:
    for name in sorted(os.environ):
        if name.startswith(_OWN_PREFIX) and name not in {SERVER, KEY}:
            yield Finding("warning", "settings", f"nothing reads {name}", f"there are {SERVER} and {KEY}")


def _look_at_files(settings: Settings) -> Iterator[Finding]:
    keys, certificate = settings.access.keys_file, settings.tls.certificate
    if keys is not None:
        yield _try("keys", keys, lambda: parse_keys(keys.read_text("utf-8")))
    if certificate is not None:
        yield _try("tls", certificate, lambda: load_certificate(settings.tls))


def _try(area: str, path: Path, use: Callable[[], object]) -> Finding:
    try:
        use()
    except (CannotStartError, OSError, ValueError) as error:
        return Finding("wrong", area, f"{path} cannot be used: {error}", "replace it: the service does not start so")
    return ok(area, f"{path} can be used")
