"""Keys follow their file while the service runs."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from service.access import Key, KeyFile, KeyRing, UnusableKeysError, keyfile, make_key

_PATIENCE_S = 10.0


async def wait_until(holds: Callable[[], bool]) -> None:
    """Return once it holds; fail after a while."""
    async with asyncio.timeout(_PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(0.005)


def replace(path: Path, text: str) -> None:
    """Put a new file in place of the old, as an operator or a mounted secret does."""
    sibling = path.with_suffix(".new")
    sibling.write_text(text)
    sibling.rename(path)


async def test_new_key_is_let_in_and_old_one_turned_away(tmp_path: Path) -> None:
    """Without a restart, and between two looks nothing changes."""
    path, (old, old_lines), (new, new_lines) = tmp_path / "keys.toml", make_key("a"), make_key("b")
    path.write_text(old_lines)
    keys = KeyFile(path, interval_s=0.01)
    await keys.start()
    replace(path, old_lines + new_lines)
    await wait_until(lambda: keys.ring.find(new.encode()) == Key("b"))
    with_both = keys.ring.find(old.encode())
    replace(path, new_lines)
    await wait_until(lambda: keys.ring.find(old.encode()) is None)
    await keys.close()

    assert Key("a") == with_both
    assert Key("b") == keys.ring.find(new.encode())


DAMAGED = ["keys = [", "x = " + "[" * 20_000, "x = " + "9" * 5000]


@pytest.mark.parametrize("text", [*DAMAGED, "", None])
async def test_file_that_goes_bad_changes_nothing(tmp_path: Path, text: str | None) -> None:
    """Who was let in still is; the log says once what is wrong, and a mended file counts again."""
    path, (old, old_lines), (new, new_lines) = tmp_path / "keys.toml", make_key("a"), make_key("b")
    path.write_text(old_lines)
    keys = KeyFile(path, interval_s=0.01)
    with capture_logs() as lines:
        await keys.start()
        if text is None:
            path.unlink()
        else:
            replace(path, text)
        await wait_until(lambda: bool(lines))
        await asyncio.sleep(0.05)
        meanwhile = keys.ring.find(old.encode())
        said = [(line["event"], line["log_level"], line["kept"]) for line in lines]
        replace(path, new_lines)
        await wait_until(lambda: keys.ring.find(new.encode()) is not None)
    await keys.close()

    assert Key("a") == meanwhile
    assert [("keys_unusable", "error", ["a"])] == said
    assert ["b"] == lines[-1]["names"]
    assert old not in str(lines)


async def test_last_key_can_be_taken_away(tmp_path: Path) -> None:
    """By an empty table; it is told louder than other changes."""
    path, (old, old_lines) = tmp_path / "keys.toml", make_key("a")
    path.write_text(old_lines)
    keys = KeyFile(path, interval_s=0.01)
    with capture_logs() as lines:
        await keys.start()
        replace(path, "[keys]\n")
        await wait_until(lambda: bool(lines))
    await keys.close()

    assert keys.ring.find(old.encode()) is None
    assert [("keys_read", "warning", [])] == [(line["event"], line["log_level"], line["names"]) for line in lines]


async def test_whatever_a_look_meets_the_next_one_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a mistake of ours must not end the looking: no key could be taken away any more."""
    path, (old, old_lines), (new, new_lines) = tmp_path / "keys.toml", make_key("a"), make_key("b")
    path.write_text(old_lines)
    keys = KeyFile(path, interval_s=0.01)
    with capture_logs() as lines, monkeypatch.context() as patched:
        patched.setattr(keyfile, "parse_keys", _raise)
        await keys.start()
        replace(path, new_lines)
        await wait_until(lambda: bool(lines))
        meanwhile = keys.ring.find(old.encode())
    replace(path, new_lines)
    await wait_until(lambda: keys.ring.find(new.encode()) is not None)
    await keys.close()

    assert Key("a") == meanwhile
    assert [("keys_unusable", "error", ["a"])] == [(line["event"], line["log_level"], line["kept"]) for line in lines]


def _raise(text: str) -> KeyRing:
    raise RuntimeError(f"{len(text)} characters were too much")


def test_start_with_nobody_let_in_is_told(tmp_path: Path) -> None:
    """It is what the file says; whoever did not mean it should see it."""
    path = tmp_path / "keys.toml"
    path.write_text("[keys]\n")
    with capture_logs() as lines:
        keys = KeyFile(path)

    assert frozenset() == keys.ring.names
    assert [("keys_read", "warning")] == [(line["event"], line["log_level"]) for line in lines]


@pytest.mark.parametrize("text", [*DAMAGED, None])
def test_start_without_keys_is_refused(tmp_path: Path, text: str | None) -> None:
    """A service that was to have keys must not run without them."""
    path = tmp_path / "keys.toml"
    if text is not None:
        path.write_text(text)

    with pytest.raises(UnusableKeysError, match=r"keys\.toml cannot be used"):
        KeyFile(path)
