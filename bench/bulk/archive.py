"""Digits as PNG files in tars, a few of them broken on purpose."""

import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from service.domain import Images
from service.images import render_png

_SPOILS: tuple[Callable[[bytes], bytes], ...] = (
    lambda _: b"",
    lambda _: b"no picture at all",
    lambda png: png[: len(png) // 2],
    lambda png: png[:60] + bytes(8) + png[68:],  # pixels that their checksum does not know
    lambda _: render_png(np.zeros((28, 27), np.uint8)),
)


@dataclass(frozen=True, slots=True)
class Archive:
    """What was written.

    Attributes:
        tars: The files, in the order of their names.
        files: The content of every member, in the order of the tars and of what is in them.
        broken: Which of them are broken.
    """

    tars: list[Path]
    files: list[bytes]
    broken: frozenset[int]


def write_archive(images: Images, folder: Path, *, tars: int, broken: int, seed: int = 1) -> Archive:
    """Write digits in so many tars of about the same size.

    Args:
        images: uint8 (n, 28, 28).
        folder: Where the tars go.
        tars: How many.
        broken: How many digits are spoilt, in five ways; they are chosen by chance.
        seed: Of that chance.
    """
    chosen = np.random.default_rng(seed).choice(len(images), broken, replace=False)
    files = [render_png(image) for image in images]
    for turn, index in enumerate(chosen):
        files[index] = _SPOILS[turn % len(_SPOILS)](files[index])
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"digits-{number:03d}.tar" for number in range(tars)]
    for path, members in zip(paths, np.array_split(np.arange(len(files)), tars), strict=True):
        _write_tar(path, {f"{index:06d}.png": files[index] for index in members})
    return Archive(paths, files, frozenset(int(index) for index in chosen))


def _write_tar(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, BytesIO(content))
