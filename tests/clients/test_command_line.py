"""Every example of docs/command-line.md, against a running service over both protocols and with the model inside."""

import json
import re
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps
from support.command_line import Shell, find_sessions
from support.snippets import REPOSITORY, check_output

from bench.running import RunningService

pytestmark = pytest.mark.tensorflow

PAGE = "docs/command-line.md"
# Pictures drawn with characters: on another processor one of them may be a shade lighter.
_DRAWN = re.compile(r"^[ .:=+*#%@-]+$", re.MULTILINE)
_AREA = re.compile(r"^(?:ok|warning|wrong) +(\S+(?: \S+)?)  ", re.MULTILINE)

SESSIONS = [session for session in find_sessions(PAGE) if "digitcodec doctor" not in session[0][0]]


@pytest.fixture(params=["http", "grpc"])
def address(request: pytest.FixtureRequest, service: RunningService) -> str:
    """Of the running service, for either protocol."""
    return service.url if request.param == "http" else f"grpc://{service.grpc}"


@pytest.mark.parametrize("session", SESSIONS, ids=[session[0][0][:40] for session in SESSIONS])
def test_session_prints_what_the_page_says(session: list[tuple[str, str]], address: str, tmp_path: Path) -> None:
    """Line by line, over HTTP and over gRPC."""
    if "jq" in session[0][0] and shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    if session[0][0].startswith("digitcodec models") and address.startswith("grpc"):
        pytest.skip("the page shows what HTTP tells; gRPC tells less")
    check_session(session, Shell(tmp_path, address))


@pytest.mark.parametrize("session", SESSIONS[:2], ids=["score", "encode and reconstruct"])
def test_the_model_inside_prints_the_same(session: list[tuple[str, str]], tmp_path: Path) -> None:
    """Without any server."""
    check_session(session, Shell(tmp_path, None))


def check_session(session: list[tuple[str, str]], shell: Shell) -> None:
    """Run its lines and compare what they print."""
    for command, output in session:
        check_output(hide_pictures(output), hide_pictures(shell.run(command).stdout))


def hide_pictures(text: str) -> str:
    """The text with a word in the place of each line that is drawn; the first one says where the picture begins."""
    return _DRAWN.sub("drawn", text.replace("\n\n", "\n"))


def test_page_has_its_sessions() -> None:
    """Each command with files is in one, and none is without `digitcodec`."""
    lines = [command for session in find_sessions(PAGE) for command, _ in session]

    assert len(lines) >= 20
    for command in ("score", "encode", "decode", "reconstruct", "models", "doctor"):
        assert any(line.startswith(f"digitcodec {command}") for line in lines)


def test_set_of_many_digits_is_answered_alike(
    digits: NDArray[np.uint8], service: RunningService, tmp_path: Path
) -> None:
    """Over HTTP, over gRPC and inside, in several requests, to the last digit that is written."""
    np.save(tmp_path / "digits.npy", digits[:300])
    tables = []
    for name, server in {"http": service.url, "grpc": f"grpc://{service.grpc}", "inside": None}.items():
        folder = tmp_path / name
        folder.mkdir()
        done = Shell(folder, server).run("digitcodec score ../digits.npy --batch-rows 64 -o scores.csv")

        assert done.returncode == 0, done.stdout
        tables.append(np.loadtxt(folder / "scores.csv", delimiter=",", skiprows=1, usecols=(1, 3, 4)))
    assert list(range(300)) == tables[0][:, 0].tolist()
    assert np.allclose(tables[0], tables[1], rtol=1e-5, atol=1e-7)
    assert np.allclose(tables[0], tables[2], rtol=1e-5, atol=1e-7)


def test_crops_are_made_fit(address: str, tmp_path: Path) -> None:
    """A large crop, dark on light, is refused as it is and answered with `--preprocess mnist`."""
    shell = Shell(tmp_path, address)
    digit = Image.open(REPOSITORY / "docs" / "samples" / "seven.png").convert("L").resize((112, 112))
    ImageOps.invert(ImageOps.expand(digit, 40)).save(tmp_path / "crop.png")
    refused = shell.run("digitcodec score crop.png")
    answered = shell.run("digitcodec score crop.png --preprocess mnist")

    assert 1 == refused.returncode
    assert "expected 28x28; preprocess=mnist takes any size" in refused.stdout
    assert answered.stdout.split()[-1] == "normal", answered.stdout


def test_doctor_looks_at_what_the_page_says(tmp_path: Path) -> None:
    """In its order, and nothing is wrong but ports that others may have."""
    (command, output), *_ = next(session for session in find_sessions(PAGE) if "doctor" in session[0][0])
    done = Shell(tmp_path, None).run(f"DIGITCODEC_HTTP__PORT=0 DIGITCODEC_GRPC__PORT=0 {command}")

    assert 0 == done.returncode, done.stdout
    assert list_areas(output) == list_areas(done.stdout)


def list_areas(text: str) -> list[str]:
    """What was looked at; only processors of one kind are."""
    return [area for area in _AREA.findall(text) if area != "processor"]


def test_doctor_tells_a_wrong_setting_as_the_page_says(tmp_path: Path) -> None:
    """With what to do below it."""
    (session,) = [session for session in find_sessions(PAGE) if "PROT" in session[0][0]]

    check_session(session, Shell(tmp_path, None))


def test_doctor_looks_at_a_server(address: str, tmp_path: Path) -> None:
    """From the connection to the latency."""
    done = Shell(tmp_path, None).run(f"digitcodec doctor --json --server {address}")
    document = json.loads(done.stdout)
    areas = [finding["area"] for finding in document["findings"]]

    assert (0, True) == (done.returncode, document["ok"])
    assert [area for area in ("connection", "clock", "readiness", "version 1", "latency") if area in areas] == [
        area for area in areas if area in {"connection", "clock", "readiness", "version 1", "latency"}
    ]
    assert {"connection", "readiness", "version 1", "latency"} <= set(areas)


def test_doctor_says_what_is_wrong(tmp_path: Path) -> None:
    """A damaged version, a taken port and a label that points nowhere are told, each with what to do."""
    version = tmp_path / "models" / "digits" / "1"
    version.mkdir(parents=True)
    source = REPOSITORY / "models" / "digits" / "1" / "saved_model.pb"
    (version / "saved_model.pb").write_bytes(source.read_bytes()[:5000])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = (
            f"DIGITCODEC_HTTP__PORT={taken.getsockname()[1]} DIGITCODEC_GRPC__PORT=0 "
            "DIGITCODEC_MODEL__LABELS='{\"stable\": 7}'"
        )
        done = Shell(tmp_path, None).run(f"{settings} digitcodec doctor --models models")
    wrong = re.findall(r"^wrong +(.*)\n +-> (.*)", done.stdout, re.MULTILINE)

    assert 1 == done.returncode
    assert ["port http", "model", "version 1"] == [re.split(r"  +", told)[0] for told, _ in wrong]
    assert all(advice for _, advice in wrong)
