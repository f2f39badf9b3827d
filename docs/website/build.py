"""Runs Sphinx over the repository's Markdown pages."""

from pathlib import Path

from sphinx.cmd.build import main as run_sphinx

REPOSITORY = Path(__file__).resolve().parents[2]
TARGET = Path("build") / "site"


def build_site(target: Path, source: Path) -> int:
    """Write the site of a repository into a folder; 0, or 1 after any warning, each of which stands on stderr.

    A page that the index does not name is a warning, and so is a link to a page, heading or file that is not there.
    """
    configuration = Path(__file__).parent
    strict = ["--fail-on-warning", "--keep-going", "--quiet", "--fresh-env"]
    # Sphinx keeps what it has read beside the site, and not in it.
    doctrees = target.parent / f"{target.name}-doctrees"
    places = ["-c", str(configuration), "-d", str(doctrees), str(source), str(target)]
    return run_sphinx(["-b", "html", *strict, *places])
