"""docs/settings.md is what the settings say."""

from docs.settings_reference import TARGET, render_reference


def test_settings_reference_is_current() -> None:
    """The page equals what would be written now; every setting of it has a description."""
    assert render_reference() == TARGET.read_text()
    assert "|  |" not in render_reference()
