"""What is asked wrongly ends with 2 and one line."""

import sys
from pathlib import Path

import pytest

from service.bulk.command import main
from service.bulk.errors import UsageError
from service.bulk.flags import parse_flags
from service.bulk.models import find_version_number, load_model
from service.settings import ModelSettings

_REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    "flags",
    [
        [],
        ["in"],
        ["in", "--output", "out", "--threshold", "2"],
        ["in", "--output", "out", "--shard-rows", "0"],
        ["in", "--output", "out", "--workers", "x"],
        ["in", "--output", "out", "--gpus-per-worker", "nan"],
        ["in", "--output", "out", "--operation", "encode", "--cleaned"],
        ["in", "--output", "out", "--version", "1", "--label", "stable"],
    ],
)
def test_wrong_flags_end_with_two(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The parser tells what is wrong."""
    with pytest.raises(SystemExit) as end:
        parse_flags(flags)

    assert 2 == end.value.code
    assert "digitcodec bulk: error: " in capsys.readouterr().err


def test_defaults_are_the_services() -> None:
    """The same threshold and the same way with image files."""
    options = parse_flags(["in", "--output", "out"])

    assert ("all", "strict", 0.99, False) == (options.operation, options.preprocess, options.threshold, options.cleaned)


def test_an_input_that_is_not_there_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before Ray or TensorFlow is started."""
    flags = [str(tmp_path / "gone"), "--output", str(tmp_path / "out"), "--models", str(_REPOSITORY / "models")]

    assert 2 == main(flags)
    assert f"digitcodec: {tmp_path / 'gone'} is not there\n" == capsys.readouterr().err


def test_a_missing_extra_is_told_with_what_installs_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway alone has none of its packages."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for name in [name for name in sys.modules if name.startswith("service.bulk.")]:
        if not name.endswith((".command", ".errors", ".flags")):
            monkeypatch.delitem(sys.modules, name)

    assert 2 == main([str(tmp_path), "--output", str(tmp_path / "out")])
    assert "digitcodec: pyarrow is not installed: pip install 'digitcodec[bulk]'\n" == capsys.readouterr().err


def test_a_setting_that_cannot_be_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by the other commands."""
    monkeypatch.setenv("DIGITCODEC_LIMITS__MAX_IMAGE_PIXELS", "many")

    assert 2 == main([str(tmp_path), "--output", str(tmp_path / "out")])
    assert "DIGITCODEC_LIMITS__MAX_IMAGE_PIXELS" in capsys.readouterr().err


def test_the_newest_version_is_taken_unless_another_is_named() -> None:
    """Its digest tells it from others of the same number."""
    settings = ModelSettings(root=_REPOSITORY / "models")
    model = load_model(settings, None)

    assert ("digits", 1, 64) == (model.name, model.version, len(model.digest))
    assert model == load_model(settings, 1)
    assert "saved_model.pb" in model.files


@pytest.mark.parametrize("number", [None, 7])
def test_a_version_that_is_not_there_is_refused(tmp_path: Path, number: int | None) -> None:
    """The sentence says where it was looked for."""
    with pytest.raises(UsageError, match=str(tmp_path)):
        load_model(ModelSettings(root=tmp_path), number)


def test_a_job_keeps_the_version_it_began_with() -> None:
    """Whatever has become the newest since; a number or a label that is given says what is wanted."""
    settings = ModelSettings(labels={"stable": 2})

    found = [find_version_number(settings, *given) for given in ((None, None, 1), (3, None, 1), (None, "stable", 1))]
    assert [1, 3, 2] == found
    with pytest.raises(UsageError, match=r"no version has the label canary; .* stable"):
        find_version_number(settings, None, "canary", None)
