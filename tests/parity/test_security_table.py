"""Every row of the table in docs/security.md, tried on services that run."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial

import pytest
from support.attacks.base import Attack, Held, Target
from support.attacks.rpc import SCORE_ONE
from support.attacks.table import ATTACKS, HELD, PAGE, REPOSITORY, find_missing_tests, read_rows
from support.server_pki import ServerPki

from bench.running import RunningService, behind, running_service
from service.access import make_key

pytestmark = pytest.mark.tensorflow

# Small ones, so that little passes them.
_LIMITS = {
    "DIGITCODEC_HTTP__HEADER_TIMEOUT_S": "0.8",
    "DIGITCODEC_HTTP__MAX_HEADER_BYTES": "4096",
    "DIGITCODEC_HTTP__MAX_HEADERS": "40",
    "DIGITCODEC_HTTP__WRITE_TIMEOUT_S": "0.8",
    "DIGITCODEC_HTTP__MAX_CONNECTIONS": "20",
    "DIGITCODEC_GRPC__MAX_MESSAGE_BYTES": str(64 * 2**10),
    "DIGITCODEC_GRPC__MAX_CONCURRENT_CALLS": "4",
    "DIGITCODEC_LIMITS__MAX_BODY_BYTES": str(2**20),
    "DIGITCODEC_LIMITS__MAX_INFLIGHT_BYTES": str(3 * 2**19),
    "DIGITCODEC_LIMITS__MAX_ROWS": "64",
    "DIGITCODEC_LIMITS__MAX_IMAGE_PIXELS": str(2**20),
    "DIGITCODEC_LIMITS__DEFAULT_TIMEOUT_S": "4",
    "DIGITCODEC_LIMITS__MAX_TIMEOUT_S": "4",
    "DIGITCODEC_BATCHING__MAX_BATCH_ROWS": "8",
    "DIGITCODEC_BATCHING__MAX_BATCHES": "1",
    "DIGITCODEC_BATCHING__MAX_QUEUE_ROWS": "18",
    # A model server that an attack holds up for a moment is not to be taken for one that is away.
    "DIGITCODEC_MODEL__POLL_INTERVAL_S": "60",
}
_RATE = {"DIGITCODEC_ACCESS__ROWS_PER_S": "0.001", "DIGITCODEC_ACCESS__BURST_ROWS": "64"}
_KEYS = ("caller", "second", "third", "leaver", "metered")
_OWN_RATE = "rows_per_s = 0.001\nburst_rows = 4\n"

# Of a process that holds some 95 MiB; a single attack that got through would take more.
_GROWTH_MIB = 24.0
_LONGEST_LINE = 1000
_FIELDS = {
    "request_id",
    "door",
    "operation",
    "status",
    "reason",
    "rows",
    "ms",
    "decode_ms",
    "queue_ms",
    "backend_ms",
} | {"version", "key", "left_out", "event", "level", "timestamp"}

Targets = Mapping[str, Target]


@pytest.fixture(scope="module")
def targets(model_server: RunningService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Targets]:
    """Gateways with small limits: one that asks for keys, one that does not, one that asks for certificates."""
    folder = tmp_path_factory.mktemp("security")
    made = {name: make_key(name) for name in _KEYS}
    keys = {name: secret for name, (secret, _) in made.items()}
    keys_file = folder / "keys.toml"
    keys_file.write_text("".join(lines for _, lines in made.values()) + _OWN_RATE)
    pki = ServerPki(folder)
    with ExitStack() as stack:
        start = partial(_start, stack, {**behind(model_server.grpc), **_LIMITS})
        yield {
            "keys": Target(start({"DIGITCODEC_ACCESS__KEYS_FILE": str(keys_file)}), model_server, keys, keys_file),
            "open": Target(start(_RATE), model_server, {}, keys_file),
            "mtls": Target(start(_ask_for_certificates(pki)), model_server, {}, keys_file, pki),
        }


def _start(stack: ExitStack, common: dict[str, str], own: dict[str, str]) -> RunningService:
    # The one with TLS cannot be asked whether it is ready by who has no certificate.
    is_ready_wanted = "DIGITCODEC_TLS__CLIENT_CA" not in own
    return stack.enter_context(running_service({**common, **own}, is_ready_wanted=is_ready_wanted))


def _ask_for_certificates(pki: ServerPki) -> dict[str, str]:
    return {
        "DIGITCODEC_TLS__CERTIFICATE": str(pki.certificate),
        "DIGITCODEC_TLS__PRIVATE_KEY": str(pki.key),
        "DIGITCODEC_TLS__CLIENT_CA": str(pki.ca),
    }


@pytest.fixture(scope="module")
def first_mib(targets: Targets) -> dict[str, float]:
    """Memory of each before the attacks."""
    return {name: target.running.memory_mib() for name, target in targets.items()}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
async def test_attack_has_its_answer_and_others_are_answered_on(
    targets: Targets, first_mib: Mapping[str, float], attack: Attack
) -> None:
    """As the table says; afterwards a good request and a good call succeed."""
    target = targets[attack.on]
    answer = await attack.send(target)

    assert attack.answer == answer
    assert ("200", "`OK`") == (await target.score(), await SCORE_ONE(target))


def test_attacks_leave_no_memory_behind(targets: Targets, first_mib: Mapping[str, float]) -> None:
    """Nor did any of them take much while it lasted, since memory that was had is rarely given back."""
    grown = {name: target.running.memory_mib() - first_mib[name] for name, target in targets.items()}

    assert {} == {name: mib for name, mib in grown.items() if mib > _GROWTH_MIB}


@pytest.mark.parametrize("name", ["keys", "open", "mtls"])
def test_log_says_nothing_that_it_should_not(targets: Targets, name: str) -> None:
    """No key, no traceback, nothing of a request but the documented fields, and no line as long as an image is."""
    target = targets[name]
    log = target.read_log()
    lines = [json.loads(line) for line in log.splitlines()]
    fields = set().union(*(line.keys() for line in lines if line["event"] == "request"))

    assert [] == [key for key, secret in target.keys.items() if secret in log]
    assert "Traceback" not in log
    assert set() == fields - _FIELDS
    assert [] == [line for line in log.splitlines() if len(line) > _LONGEST_LINE]


def test_table_and_attacks_are_the_same() -> None:
    """Each row is tried, here or by another test, and says the answer that is asserted."""
    tried: list[Attack | Held] = [*ATTACKS, *HELD]

    assert sorted((each.name, each.answer) for each in tried) == sorted((row[0], row[3]) for row in read_rows())


@pytest.mark.parametrize("held", HELD, ids=lambda held: held.name)
def test_tests_that_hold_a_row_are_there(held: Held) -> None:
    """By the names that the rows refer to."""
    assert [] == find_missing_tests(held.tests)


def test_settings_of_the_page_exist() -> None:
    """As the generated reference has them."""
    known = set(re.findall(r"`(DIGITCODEC_\w+)`", (REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8")))
    named = set(re.findall(r"DIGITCODEC_\w+", PAGE.read_text(encoding="utf-8")))

    assert set() == named - known
