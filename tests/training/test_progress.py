"""The bar of a terminal: what it shows, and when."""

import io

from training.fit.progress import open_progress


class _Terminal(io.StringIO):
    """A stream that a bar is drawn on."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


def test_bar_shows_the_last_watched_error() -> None:
    """It is drawn at once, for no step follows the last look."""
    terminal = _Terminal()
    with open_progress(total_steps=100, batch_size=32, stream=terminal) as progress:
        progress.advance(100, 0.0125)
        progress.show_watched(0.00456)
        shown = terminal.getvalue()

    assert "watched 0.00456" in shown


def test_bar_tells_no_speed_before_there_is_one() -> None:
    """The first report, which compiled the step, says nothing of the speed; the second does."""
    terminal = _Terminal()
    with open_progress(total_steps=100, batch_size=32, stream=terminal) as progress:
        progress.advance(50, 0.0125)
        progress.show_watched(0.5)
        first = terminal.getvalue()
        progress.advance(50, 0.0125)

    assert "loss 0.01250" in first
    assert "images/s" not in first
    assert "images/s, loss 0.01250, watched 0.50000" in terminal.getvalue()
