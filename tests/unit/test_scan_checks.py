"""Each check of the scan finds what it is for, in a small repository made for it."""

from dataclasses import replace
from datetime import date
from email.message import Message
from pathlib import Path

import pytest

from bench.scan.checks.metadata import check_metadata, is_copyleft, lets_in
from bench.scan.checks.pins import check_build, check_orphans, check_pins, check_roots
from bench.scan.checks.releases import check_releases
from bench.scan.checks.uses import check_declarations, check_imports, check_reasons, find_imported
from bench.scan.declared import Declarations, read_declarations
from bench.scan.findings import Finding, Kind
from bench.scan.imports import Import, find_imports
from bench.scan.index import Release, Releases
from bench.scan.installed import Installed, find_owners, read_licence
from bench.scan.locks import Lock, parse_pins, read_locks
from bench.scan.names import Requirement, parse_requirement
from bench.scan.reasons import Place, Reason
from bench.scan.reviewed import part_reviewed

HASH = f"--hash=sha256:{'0' * 64}"
PYPROJECT = """
[build-system]
requires = ["hatchling>=1"]
[project]
dependencies = ["web>=1"]
[project.optional-dependencies]
embedded = ["tensor>=2"]
traces = []
bulk = []
client = []
train = ["fit_kit[fast]>=1; python_version > '3'"]
[dependency-groups]
dev = ["lint", "types-web"]
[tool.pytest.ini_options]
pythonpath = ["tests", "."]
"""
MODULES = {"web": {"web"}, "under": {"under"}, "tensor": {"tensor"}, "google": {"a", "b"}, "google.rpc": {"a"}}
PLAIN = Installed(version="1", licence="MIT", inactive=False, requires_python=">=3.11", requirements=())


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with declarations, one lock and one module of its own."""
    for folder in ("service", "tests", "requirements"):
        (tmp_path / folder).mkdir()
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "requirements" / "gateway.txt").write_text(f"web==1.0 \\\n    {HASH}\n")
    (tmp_path / "service" / "door.py").write_text(
        "import os\nimport under.way\nfrom web import serve\nimport service\n"
    )
    return tmp_path


@pytest.fixture
def declarations(repository: Path) -> Declarations:
    """What the small repository declares."""
    return read_declarations(repository)


def lock(text: str, *roots: str) -> Lock:
    """A lock with this text, made for these requirements."""
    return Lock("gateway", parse_pins(text), tuple(parse_requirement(root) for root in roots))


def names(findings: list[Finding]) -> list[tuple[Kind, str]]:
    """What was found, without the words."""
    return [(finding.kind, finding.name) for finding in findings]


@pytest.mark.parametrize(
    ("line", "kinds"),
    [
        (f"web==1.0 \\\n    {HASH} \\\n    {HASH}", []),
        (f"web==1.0 ; python_full_version < '3.12' \\\n    {HASH}", []),
        (f"web>=1.0 \\\n    {HASH}", [Kind.UNPINNED]),
        (f"web==1.* \\\n    {HASH}", [Kind.UNPINNED]),
        (f"web \\\n    {HASH}", [Kind.UNPINNED]),
        ("web==1.0", [Kind.NO_HASH]),
        ("web==1.0 ; sys_platform == 'win32'", [Kind.NO_HASH]),
        ("web @ file:///somewhere", [Kind.UNPINNED, Kind.NO_HASH]),
        ("web==1.0 \\\n    --hash=md5:0123", [Kind.UNPINNED]),
    ],
)
def test_entries_need_one_version_and_a_hash(line: str, kinds: list[Kind]) -> None:
    """An entry that lets in another release or an unknown file is found, with its name."""
    found = check_pins([lock(f"# pins\n{line}\n")])

    assert [(kind, "web") for kind in kinds] == names(found)


def test_lock_without_a_declared_distribution_is_stale() -> None:
    """What was declared after the lock was made is missed."""
    assert [(Kind.NOT_LOCKED, "new")] == names(check_roots([lock(f"web==1.0 {HASH}", "web", "new>=2")]))


def test_locks_are_made_for_what_their_names_say(repository: Path, declarations: Declarations) -> None:
    """The gateway's lock has the core alone, an extra's lock the extra too, dev everything; a .in file goes before."""
    for name in ("dev", "train", "peer"):
        (repository / "requirements" / f"{name}.txt").write_text("")
    (repository / "requirements" / "peer.in").write_text("# why\ntensor==1\n")

    assert {
        "dev": {"web", "tensor", "fit-kit", "lint", "types-web"},
        "gateway": {"web"},
        "peer": {"tensor"},
        "train": {"web", "fit-kit"},
    } == {each.name: {root.name for root in each.roots} for each in read_locks(repository, declarations)}


def test_orphans_are_what_nothing_asks_for() -> None:
    """Requirements are followed on every system, and through the extras that are asked for, and no others."""
    installed = {
        "web": replace(PLAIN, requirements=(parse_requirement("under; sys_platform == 'win32'"),)),
        "kit": replace(
            PLAIN,
            requirements=(
                parse_requirement("quick; extra == 'fast'"),
                parse_requirement("slow; extra == 'careful' and python_version > '3'"),
            ),
        ),
    }
    pins = "\n".join(f"{name}==1 {HASH}" for name in ("web", "under", "kit", "quick", "slow", "left"))

    assert [(Kind.ORPHAN, "left"), (Kind.ORPHAN, "slow")] == names(
        check_orphans(lock(pins, "web", "kit[fast]"), installed)
    )


def test_builder_outside_of_locks_is_found(repository: Path, declarations: Declarations) -> None:
    """What builds the package comes unpinned, so somebody has to look at it."""
    assert [(Kind.ORPHAN, "hatchling")] == names(check_build(declarations, read_locks(repository, declarations)))


def test_imports_from_outside_are_found(repository: Path) -> None:
    """Neither Python's modules nor ours count, wherever those lie."""
    (repository / "tests" / "support.py").write_text("")
    (repository / "service" / "late.py").write_text(
        "import support\ndef f():\n    from tensor import x\nfrom . import y\n"
    )

    assert {
        Import("service/door.py", "under.way"),
        Import("service/door.py", "web.serve"),
        Import("service/late.py", "tensor.x"),
    } == find_imports(repository, ["tests", "."])


def test_import_that_another_brings_is_undeclared(repository: Path, declarations: Declarations) -> None:
    """What works only because a declared distribution needs it is named, with the file."""
    found = check_imports(find_imports(repository, ["tests", "."]), MODULES, declarations)

    assert [(Kind.UNDECLARED, "under")] == names(found)
    assert "service/door.py" in found[0].text


@pytest.mark.parametrize(
    ("path", "target", "undeclared"),
    [
        ("service/backends/a.py", "tensor.nn", []),  # its own extra
        ("training/fit.py", "tensor.nn", ["tensor"]),  # the extra of another
        ("service/a.py", "lint", ["lint"]),  # a tool of ours, which users do not have
        ("bench/a.py", "tensor", []),
        ("bench/a.py", "nowhere.at.all", ["nowhere.at.all"]),
    ],
)
def test_areas_use_what_their_users_have(
    path: str, target: str, undeclared: list[str], declarations: Declarations
) -> None:
    """The service and the trainer run without our tools; measurements and tests have everything."""
    found = check_imports([Import(path, target)], {**MODULES, "lint": {"lint"}}, declarations)

    assert undeclared == [finding.name for finding in found]


def test_shared_packages_belong_to_who_brings_the_module() -> None:
    """Several distributions share `google`; the deepest folder decides."""
    assert {"a"} == find_owners("google.rpc.status_pb2.Status", MODULES)
    assert {"a", "b"} == find_owners("google.other", MODULES)
    assert set() == find_owners("nowhere", MODULES)


def test_unused_declarations_are_found(repository: Path, declarations: Declarations) -> None:
    """Imports, types of what is imported, and words that still stand in their file are uses; nothing else is."""
    (repository / "Makefile").write_text("run lint")
    used = find_imported([Import("service/a.py", "web.serve")], MODULES)
    reasons = {
        "lint": Reason("lints", Place("Makefile", "run lint")),
        "tensor": Reason("computes", Place("Makefile", "run tensor")),
        "fit-kit": Reason("fits", Place("Nofile", "")),
    }

    assert [(Kind.UNUSED, "fit-kit"), (Kind.UNUSED, "tensor")] == names(
        check_declarations(used, declarations, reasons, repository)
    )


def test_reasons_and_declarations_go_together(declarations: Declarations) -> None:
    """A declaration without a reason is found, and a reason that outlived its declaration."""
    reasons = {name: Reason("why") for name in ("fit-kit", "lint", "tensor", "types-web", "gone")}

    assert [(Kind.UNEXPLAINED, "web"), (Kind.UNEXPLAINED, "gone")] == names(check_reasons(declarations, reasons))


@pytest.mark.parametrize(
    ("changed", "kinds"),
    [
        (PLAIN, []),
        (replace(PLAIN, inactive=True), [Kind.INACTIVE]),
        (replace(PLAIN, requires_python=">=3.9,<3.13"), [Kind.PYTHON]),
        (replace(PLAIN, licence="not said"), [Kind.NO_LICENCE]),
        (replace(PLAIN, licence="GPL-3.0-or-later"), [Kind.COPYLEFT]),
    ],
)
def test_metadata_that_wants_a_look(changed: Installed, kinds: list[Kind]) -> None:
    """A state, a bound, a missing licence and copyleft are found each."""
    assert [(kind, "web") for kind in kinds] == names(check_metadata({"web": changed}))


@pytest.mark.parametrize(
    ("requires_python", "lets"),
    [
        ("", True),
        (">=3.11", True),
        (">=3.8,<4", True),
        ("<3.14, >=3.9", True),
        ("!=3.9.0, !=3.13.1", True),
        ("<=3.13", True),
        ("<3.13", False),
        (">=3.9,<=3.12", False),
        ("==3.12.*", False),
        ("!=3.13.*", False),
        ("<3", False),
    ],
)
def test_upper_bounds_are_read(requires_python: str, *, lets: bool) -> None:
    """Python 3.13 is let in, unless a bound excludes all of it."""
    assert lets == lets_in(requires_python, (3, 13))


@pytest.mark.parametrize(
    ("licence", "copyleft"),
    [
        ("MIT", False),
        ("MPL-2.0 AND MIT", False),
        ("LGPL-2.1-or-later", False),
        ("GNU Lesser General Public License v3 (LGPLv3)", False),
        ("GPL-2.0-only OR MIT", False),  # one may choose
        ("MIT AND GPL-2.0-only", True),
        ("AGPL-3.0-only", True),
        ("GNU General Public License v3 (GPLv3)", True),
        ("SSPL-1.0", True),
    ],
)
def test_copyleft_is_told_from_its_lesser_kin(licence: str, *, copyleft: bool) -> None:
    """LGPL and MPL pass; what reaches the whole work does not."""
    assert copyleft == is_copyleft(licence)


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ([("License-Expression", "MIT"), ("License", "other")], "MIT"),
        ([("Classifier", "License :: OSI Approved :: BSD License"), ("License", "see file")], "BSD License"),
        ([("License", "Apache 2.0")], "Apache 2.0"),
        ([("License", "Copyright\n a whole text")], "not said"),
        ([], "not said"),
    ],
)
def test_newest_form_of_a_licence_counts(fields: list[tuple[str, str]], licence: str) -> None:
    """Expression, then classifiers, then a short text; a licence's whole text is no name."""
    metadata = Message()
    for name, value in fields:
        metadata[name] = value

    assert licence == read_licence(metadata)  # type: ignore[arg-type]  # what PackageMetadata is made of


def test_quiet_and_yanked_releases_are_found() -> None:
    """Two years without a file want a look; a pin that was taken back fails; an unknown day claims nothing."""
    newest = {
        "web": Release("1", date(2024, 11, 27)),
        "old": Release("1", date(2024, 11, 26)),
        "undated": Release("1", None),
    }
    releases = Releases(uploaded={}, yanked={("web", "1"): "broken"}, newest=newest)

    assert [(Kind.YANKED, "web"), (Kind.OLD, "old")] == names(
        check_releases(releases, {*newest, "unknown"}, date(2026, 11, 27))
    )


def test_failures_cannot_be_reviewed_away() -> None:
    """A review takes a note off the list, and no failure; failures come first."""
    note, reviewed = Finding(Kind.OLD, "anew", ""), Finding(Kind.OLD, "mdurl", "")
    failure = Finding(Kind.YANKED, "mdurl", "")

    assert ([failure, note], [reviewed]) == part_reviewed([note, reviewed, failure])


def test_requirement_keeps_extras_and_drops_versions() -> None:
    """Names are normalised; of a marker only extras count."""
    assert Requirement("a-b", frozenset({"x", "y"}), frozenset()) == parse_requirement(
        "A.b [x, Y] >=1 ; os_name == 'nt'"
    )
    assert Requirement("a", frozenset(), frozenset({"x"})) == parse_requirement("a>=1,<2; extra == 'X'")
