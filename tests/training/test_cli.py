"""The command line: quick help, a table of recipes, errors in one line, and an end by Ctrl-C that leaves nothing."""

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from training.__main__ import main
from training.fit.progress import LineProgress, format_duration

TRAIN = [sys.executable, "-m", "training"]
# The same with Ctrl-C as a terminal has it, even where the tests run in the background and ignore it.
_INTERRUPTIBLE = (
    "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "runpy.run_module('training', run_name='__main__', alter_sys=True)"
)
INTERRUPTIBLE_TRAIN = [sys.executable, "-c", _INTERRUPTIBLE]


def run_cli(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the trainer in a process of its own."""
    return subprocess.run([*TRAIN, *arguments], capture_output=True, text=True, check=False)  # our own


def test_help_needs_no_tensorflow() -> None:
    """Help is instant because nothing heavy is imported to print it."""
    script = (
        "import sys, training.__main__ as cli\n"
        "try:\n    cli.main(['fit', '--help'])\n"
        "except SystemExit:\n    print(sorted({'tensorflow', 'numpy', 'sklearn'} & sys.modules.keys()))"
    )

    done = subprocess.run(  # our own interpreter and script
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert "[]" == done.stdout.splitlines()[-1]


def test_recipes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """The table has a heading; what it says of each recipe is tested beside the recipes."""
    assert 0 == main(["recipes"])

    assert capsys.readouterr().out.startswith("recipe ")


def test_unknown_recipe_is_one_line_with_a_next_step(capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback; the line says what to choose from; the status is 2."""
    assert 2 == main(["fit", "--recipe", "best"])

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: there is no recipe 'best'; choose one of conv-32, denoising-32, ")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--steps", "0"], "0 is given, the least is 1"),
        (["--steps", "abc"], "argument --steps: 'abc' is given, expected a whole number"),
        (["--seed", "1.5"], "argument --seed: '1.5' is given, expected a whole number"),
        (["--held-out", "-5"], "-5 is given, the least is 1"),
        (["--seed", "2147483648"], "expected 0 to 2147483647"),
        (["--name", "../digits"], "expected letters"),
        (["--name", ".."], "expected letters"),
    ],
)
def test_impossible_flags_are_refused(flags: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The message holds the value and the limit; the status is 2."""
    with pytest.raises(SystemExit) as stopped:
        main(["fit", *flags])

    assert 2 == stopped.value.code
    assert message in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's always full device")
def test_full_disk_behind_stdout_is_not_blamed_on_the_models() -> None:
    """What cannot be printed is told in one line, without advice that does not help."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*TRAIN, "recipes"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert 2 == done.returncode
    assert ["error: [Errno 28] No space left on device"] == done.stderr.splitlines()


def test_reader_who_leaves_ends_the_command_quietly() -> None:
    """`recipes | head -0` says nothing on stderr."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*TRAIN, "recipes"], stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)

    assert (141, "") == (done.returncode, done.stderr)


def test_progress_lines_are_few_and_complete(caplog: pytest.LogCaptureFixture) -> None:
    """A fit of 10,000 steps writes 20 lines, the last one at the end."""
    caplog.set_level(logging.INFO)
    progress = LineProgress(total_steps=10_000, batch_size=256)

    for _ in range(200):
        progress.advance(50, 0.0125)

    assert 20 == len(caplog.messages)
    assert caplog.messages[0].startswith("step 500/10000: loss 0.01250, ")
    assert caplog.messages[-1].endswith(" images/s, 0:00 left")


def test_watched_error_has_its_own_line(caplog: pytest.LogCaptureFixture) -> None:
    """The line names the step at which it was measured."""
    caplog.set_level(logging.INFO)
    progress = LineProgress(total_steps=1000, batch_size=256)

    progress.advance(40, 0.0125)
    progress.show_watched(0.00456)

    assert ["step 40/1000: watched error 0.00456"] == caplog.messages


def test_durations_are_minutes_and_seconds() -> None:
    """Rounded to whole seconds, minutes are not cut at 60."""
    assert ["0:00", "1:00", "75:05"] == [format_duration(seconds) for seconds in (0.4, 59.6, 4505)]


@pytest.mark.tensorflow
def test_wrong_data_is_one_line_without_noise(tmp_path: Path) -> None:
    """Stderr holds the error and nothing of TensorFlow's start; the status is 2."""
    done = run_cli("fit", "--data", str(tmp_path / "nowhere"), "--models", str(tmp_path / "models"))

    assert 2 == done.returncode
    assert 1 == len(done.stderr.splitlines())
    assert done.stderr.startswith(f"error: {tmp_path / 'nowhere'} is neither a directory nor")


@pytest.mark.tensorflow
def test_unwritable_models_folder_is_one_line(tmp_path: Path) -> None:
    """What the system refuses is told as it is, with a next step."""
    (tmp_path / "models").write_bytes(b"")

    done = run_cli("fit", "--data", "digits", "--steps", "2", "--models", str(tmp_path / "models"))

    assert 2 == done.returncode
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert "--models" in done.stderr.splitlines()[-1]
    assert "step " not in done.stderr, "it should fail before the fit"


@pytest.mark.tensorflow
def test_fit_prints_the_version_and_its_figures(tmp_path: Path) -> None:
    """Stdout holds the result, stderr the progress, and neither any noise of TensorFlow."""
    done = run_cli("fit", "--data", "digits", "--steps", "40", "--models", str(tmp_path / "models"))

    assert 0 == done.returncode
    assert f"published {tmp_path / 'models' / 'digits' / '1'}" == done.stdout.splitlines()[0]
    assert len(done.stdout.splitlines()) > 3
    assert done.stderr.startswith("digits\nimages ")
    assert "step 40/40: watched error " in done.stderr
    assert "oneDNN" not in done.stderr
    assert "cudart" not in done.stderr


@pytest.mark.tensorflow
def test_interrupt_ends_with_130_and_leaves_no_version(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a long fit: a clear last line and nothing that looks like a version."""
    command = [
        *INTERRUPTIBLE_TRAIN,
        "fit",
        "--data",
        "digits",
        "--steps",
        "100000",
        "--models",
        str(tmp_path / "models"),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as training:  # our own
        assert training.stderr is not None
        assert training.stderr.readline().startswith("digits\n")
        os.kill(training.pid, signal.SIGINT)
        rest = training.stderr.read()

    assert 130 == training.returncode
    assert "stopped; no half-written version is left" == rest.splitlines()[-1]
    assert [] == list(tmp_path.rglob("saved_model.pb"))
