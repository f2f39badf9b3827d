"""What the doctor finds where something is wrong, and that it says what to do."""

import asyncio
import json
import socket
import subprocess
import sys
from argparse import Namespace
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from support.client_gateway import open_client_gateway
from support.fakes import FakeBackend
from support.key_gate import RingGate
from support.server_pki import ServerPki

from service.cli.command import main
from service.cli.doctor import installation, model, network
from service.cli.doctor.environment import look_at_settings
from service.cli.doctor.finding import Finding
from service.cli.doctor.ports import look_at_ports
from service.cli.doctor.server import look_at_server
from service.cli.flags import build_parser
from service.servers import ServerCertificate
from service.settings import HttpSettings, ModelSettings, Settings


def parse(*arguments: object) -> Namespace:
    """The flags of `doctor`."""
    return build_parser().parse_args(["doctor", *(str(argument) for argument in arguments)])


async def look(url: str, *arguments: object) -> dict[str, Finding]:
    """What is found of a server, by area."""
    found = await asyncio.to_thread(lambda: list(look_at_server(parse("--timeout-s", 5, *arguments), url)))
    return {finding.area: finding for finding in found}


def find_wrong(findings: Sequence[Finding]) -> list[Finding]:
    """Those that keep something from working; each says what to do."""
    wrong = [finding for finding in findings if finding.level == "wrong"]
    assert all(finding.advice for finding in wrong)
    return wrong


def test_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the name under which it is installed, and no other is looked at then."""
    monkeypatch.setitem(sys.modules, "PIL", None)
    (wrong,) = find_wrong(list(installation.look_at_installation()))

    assert ("missing: pillow", "pip install pillow") == (wrong.text, wrong.advice)


def test_missing_extra_is_only_worth_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many do without."""
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    monkeypatch.setitem(sys.modules, "ray", None)
    findings = {finding.area: finding for finding in installation.look_at_installation()}

    assert ("warning", "warning") == (findings["extra embedded"].level, findings["extra bulk"].level)
    assert findings["extra bulk"].text.startswith("ray not installed")


def test_grpc_that_can_be_ended_by_a_stranger_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """The versions that the package excludes."""
    monkeypatch.setattr(installation, "version", lambda _: "1.84.1")

    assert "grpcio 1.84.1 ends the whole server" in find_wrong(list(installation.look_at_installation()))[0].text


def test_processor_without_avx_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """TensorFlow would end with an illegal instruction."""
    (tmp_path / "cpuinfo").write_text("processor : 0\nflags : fpu sse2\n\n")
    monkeypatch.setattr(installation, "_CPU_INFO", tmp_path / "cpuinfo")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")

    assert "processor" == find_wrong(list(installation.look_at_installation()))[0].area


def test_unknown_setting_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the service would say it."""
    monkeypatch.setenv("DIGITCODEC_HTTP__PROT", "9000")
    settings, findings = look_at_settings()

    assert settings is None
    assert "did you mean DIGITCODEC_HTTP__PORT?" in find_wrong(findings)[0].text


def test_variable_that_nothing_reads_is_worth_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the command line's own."""
    monkeypatch.setenv("DIGITCLI_URL", "http://127.0.0.1:8000")
    _, findings = look_at_settings()

    assert Finding(
        "warning", "settings", "nothing reads DIGITCLI_URL", "there are DIGITCLI_SERVER and DIGITCLI_KEY"
    ) in (findings)


@pytest.mark.parametrize(
    ("names", "area"), [(["ACCESS__KEYS_FILE"], "keys"), (["TLS__CERTIFICATE", "TLS__PRIVATE_KEY"], "tls")]
)
def test_file_of_a_setting_that_cannot_be_used_is_wrong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, names: list[str], area: str
) -> None:
    """It keeps the service from starting."""
    (tmp_path / "file").write_text("nothing of use")
    for name in names:
        monkeypatch.setenv(f"DIGITCODEC_{name}", str(tmp_path / "file"))
    _, findings = look_at_settings()

    assert [area] == [finding.area for finding in find_wrong(findings)]


def test_port_of_another_program_is_wrong() -> None:
    """And a free one is not."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(http=HttpSettings(port=taken.getsockname()[1]))
        findings = {finding.area: finding for finding in look_at_ports(settings)}

    assert "wrong" == findings["port http"].level
    assert "address already in use" in findings["port http"].text.lower()


async def test_port_of_a_digitcodec_is_worth_a_look() -> None:
    """It may be the one that is meant."""
    async with open_client_gateway() as gateway:
        port = int(gateway.urls["http"].rpartition(":")[2])
        findings = await asyncio.to_thread(lambda: list(look_at_ports(Settings(http=HttpSettings(port=port)))))

    assert ("warning", "port http") == (findings[0].level, findings[0].area)


def test_missing_model_folder_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And TensorFlow is looked at all the same."""
    monkeypatch.setattr(
        model, "_run_probe", lambda _: ([], "SIGILL: it needs an instruction that this processor lacks")
    )
    wrong = find_wrong(list(model.look_at_model(Settings(), ModelSettings(root=tmp_path / "gone"))))

    assert ["model", "tensorflow"] == [finding.area for finding in wrong]
    assert "SIGILL" in wrong[1].text


def make_version(root: Path, number: int) -> None:
    """A version that lacks everything but its name."""
    (root / "digits" / str(number)).mkdir(parents=True)


@pytest.mark.parametrize(
    ("digit", "scribble", "level"), [(0.4, 0.999, "ok"), (0.995, 0.999, "warning"), (0.9, 0.4, "wrong")]
)
def test_version_is_judged_by_a_digit_and_a_scribble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digit: float, scribble: float, level: str
) -> None:
    """The one is to be usual, the other strange."""
    make_version(tmp_path, 1)
    imported = {"version": "2.21.0", "devices": ["CPU:0"], "seconds": 1.0}
    tried = {"error": "", "code_dim": 32, "digit": digit, "scribble": scribble, "seconds": 1.0}
    monkeypatch.setattr(model, "_run_probe", lambda _: ([json.dumps(imported), json.dumps(tried)], ""))
    findings = list(model.look_at_model(Settings(), ModelSettings(root=tmp_path)))

    assert level == findings[-1].level
    assert "assets.extra/model_card.json" in findings[1].text


def test_version_that_ends_the_process_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the signal that ended it."""
    make_version(tmp_path, 1)
    imported = {"version": "2.21.0", "devices": [], "seconds": 1.0}
    monkeypatch.setattr(model, "_run_probe", lambda _: ([json.dumps(imported)], "SIGSEGV"))

    assert "SIGSEGV" in find_wrong(list(model.look_at_model(Settings(), ModelSettings(root=tmp_path))))[0].text


def test_slow_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of waiting for ever."""

    def be_slow(_: Sequence[Path]) -> tuple[list[str], str]:
        raise subprocess.TimeoutExpired("probe", 180)

    monkeypatch.setattr(model, "_run_probe", be_slow)
    wrong = find_wrong(list(model.look_at_model(Settings(), Settings().model)))

    assert "no answer after 180 s" == wrong[-1].text


@pytest.mark.parametrize("protocol", ["http", "grpc"])
async def test_good_server_has_nothing_wrong(protocol: str) -> None:
    """From the connection to the latency."""
    async with open_client_gateway() as gateway:
        findings = await look(gateway.urls[protocol])

    assert {"ok"} == {finding.level for finding in findings.values()}
    assert {"connection", "readiness", "version 1", "latency"} <= findings.keys()


@pytest.mark.parametrize("protocol", ["http", "grpc"])
async def test_server_says_why_it_is_not_ready(protocol: str) -> None:
    """Its own sentence."""
    backend = FakeBackend()
    backend.versions.clear()
    async with open_client_gateway(backend) as gateway:
        findings = await look(gateway.urls[protocol])

    assert "wrong" == findings["readiness"].level
    assert "no version can answer yet" in findings["readiness"].text


async def test_missing_key_is_told() -> None:
    """With where to name it."""
    async with open_client_gateway(gate=RingGate()) as gateway:
        findings = await look(gateway.urls["http"])

    assert "name the key with --key-file or DIGITCLI_KEY" == findings["readiness"].advice


async def test_way_without_a_server_is_told() -> None:
    """Nobody listens; a name that nobody knows; an address that is none."""
    closed = await look("http://127.0.0.1:1")
    unknown = await look("http://no-such-host.invalid")
    none = await look("127.0.0.1:8000")

    assert "takes no connection" in closed["connection"].text
    assert "is not known" in unknown["connection"].text
    assert ["address"] == list(none)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
async def test_certificate_is_looked_at(protocol: str, tmp_path: Path) -> None:
    """Refused without its authority, good with it."""
    pki = ServerPki(tmp_path)
    certificate = ServerCertificate(pki.certificate, pki.key, None)
    async with open_client_gateway(certificate=certificate) as gateway:
        refused = await look(gateway.urls[protocol])
        trusted = await look(gateway.urls[protocol], "--ca-file", pki.ca)
        plain = await look(gateway.urls[protocol].replace("s://", "://"))

    assert "--ca-file" in refused["tls"].advice
    assert {"ok"} == {finding.level for finding in trusted.values()}
    assert "good until" in trusted["tls"].text
    assert "TLS or none" in plain["readiness"].advice


async def test_expired_certificate_is_told_with_the_clock(tmp_path: Path) -> None:
    """Either may be wrong."""
    pki, authority = ServerPki(tmp_path), trustme.CA()
    issued = authority.issue_cert("127.0.0.1", not_after=datetime.now(UTC) - timedelta(days=1))
    pki.key.write_bytes(issued.private_key_pem.bytes())
    pki.certificate.write_bytes(issued.cert_chain_pems[0].bytes())
    authority.cert_pem.write_to_path(str(pki.ca))
    async with open_client_gateway(certificate=ServerCertificate(pki.certificate, pki.key, None)) as gateway:
        findings = await look(gateway.urls["http"], "--ca-file", pki.ca)

    assert "expired" in findings["tls"].text
    assert f"{datetime.now(UTC):%Y-%m-%d}" in findings["tls"].advice


async def test_clock_that_differs_is_worth_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """By how much."""
    late = datetime.now(UTC) + timedelta(hours=1)
    monkeypatch.setattr(network.Way, "_read_clock", lambda _: late)
    async with open_client_gateway() as gateway:
        findings = await look(gateway.urls["http"])

    assert "warning" == findings["clock"].level


async def test_document_has_all_findings(capsys: pytest.CaptureFixture[str]) -> None:
    """And says at its head whether anything is wrong."""
    status = await asyncio.to_thread(main, ["doctor", "--json", "--server", "http://127.0.0.1:1"])
    document = json.loads(capsys.readouterr().out)

    assert (1, False) == (status, document["ok"])
    assert {"level", "area", "text", "advice"} == document["findings"][-1].keys()
    assert "connection" == document["findings"][-1]["area"]
