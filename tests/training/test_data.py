"""Sources of digits: what is read, what is refused and why, and how images are split."""

import gzip
import hashlib
import http.server
import os
import struct
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from training.data.download import RemoteFile, fetch_files, find_cache
from training.data.load import DigitData, load_data
from training.data.readers import read_idx
from training.errors import DataError

Images = NDArray[np.uint8]


def random_images(count: int, seed: int = 0) -> Images:
    """Images of noise, all different."""
    return np.random.default_rng(seed).integers(0, 256, (count, 28, 28), np.uint8)


def render_idx(array: NDArray[np.uint8]) -> bytes:
    """The array as an IDX file."""
    header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


@pytest.fixture
def mnist_like(tmp_path: Path) -> Path:
    """A directory with the four IDX files, two of them gzipped: 30 training and 10 test images."""
    labels = (np.arange(30) % 10).astype(np.uint8)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(render_idx(random_images(30)))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(render_idx(labels)))
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(render_idx(random_images(10, 1))))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(render_idx(labels[:10]))
    return tmp_path


def save_png(path: Path, image: Images) -> None:
    """Write one image as PNG, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def pixels_of(images: Images) -> set[bytes]:
    """The images as a set, for comparisons without order."""
    return {image.tobytes() for image in images}


def test_idx_files_are_read_gzipped_or_not(mnist_like: Path) -> None:
    """Pixels, labels and their order are those of the files."""
    data = load_data(str(mnist_like))

    assert np.array_equal(random_images(30), data.train_images)
    assert np.array_equal(random_images(10, 1), data.test_images)
    assert data.train_labels is not None
    assert [0, 1, 2] == data.train_labels[:3].tolist()
    assert mnist_like.name == data.name


def test_digest_covers_the_pixels_of_both_splits(mnist_like: Path) -> None:
    """The model card can name the data by this digest alone."""
    expected = hashlib.sha256(random_images(30).tobytes() + random_images(10, 1).tobytes()).hexdigest()

    assert expected == load_data(str(mnist_like)).sha256


def test_missing_labels_are_no_error(mnist_like: Path) -> None:
    """Training needs no labels."""
    (mnist_like / "train-labels-idx1-ubyte.gz").unlink()

    assert load_data(str(mnist_like)).train_labels is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with nothing"),
        (b"\x00\x00\x0d\x03", "begins with 00000d03, expected 000008"),
        (b"\x00\x00\x08\x03\x00\x00", "has 6 bytes, its IDX header alone takes 16"),
        (render_idx(random_images(2))[:-1], r"has 1567 bytes of values, its header announces \(2, 28, 28\)"),
        (render_idx(random_images(2)) + b"!", "has 1569 bytes of values"),
        (render_idx(np.zeros((2, 32, 32), np.uint8)), r"has shape \(2, 32, 32\), expected \(n, 28, 28\)"),
        (render_idx(np.zeros((0, 28, 28), np.uint8)), r"has shape \(0, 28, 28\)"),
        (bytes((0, 0, 8, 200)) + bytes(800), "announces 200 dimensions, the most are 4"),
        (bytes((0, 0, 8, 4)) + b"\xff" * 12 + bytes(4), "which no array can have"),
    ],
)
def test_malformed_idx_says_what_came_and_what_was_expected(mnist_like: Path, content: bytes, message: str) -> None:
    """No malformed file is taken for digits."""
    (mnist_like / "train-images-idx3-ubyte").write_bytes(content)

    with pytest.raises(DataError, match=message):
        load_data(str(mnist_like))


def test_header_larger_than_any_memory_is_refused(tmp_path: Path) -> None:
    """The announced size is compared, never allocated."""
    path = tmp_path / "huge"
    path.write_bytes(bytes((0, 0, 8, 3)) + b"\xff" * 12)

    with pytest.raises(DataError, match="0 bytes of values"):
        read_idx(path)


def test_truncated_gzip_is_refused(mnist_like: Path) -> None:
    """A download that broke off is not read as far as it goes."""
    path = mnist_like / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(DataError, match=r"cannot read .*t10k-images"):
        load_data(str(mnist_like))


def test_labels_that_do_not_match_the_images_are_refused(mnist_like: Path) -> None:
    """There is one label for each image or none at all."""
    (mnist_like / "t10k-labels-idx1-ubyte").write_bytes(render_idx(np.zeros(9, np.uint8)))

    with pytest.raises(DataError, match=r"shape \(9,\) of uint8, expected \(10,\)"):
        load_data(str(mnist_like))


def test_missing_test_images_are_named(mnist_like: Path) -> None:
    """The message names the file that is not there."""
    (mnist_like / "t10k-images-idx3-ubyte.gz").unlink()

    with pytest.raises(DataError, match="has no t10k-images-idx3-ubyte"):
        load_data(str(mnist_like))


def test_keras_archive_is_read(tmp_path: Path) -> None:
    """An .npz with the keys of Keras' mnist.npz gives the same arrays."""
    labels = np.arange(20)[::-1] % 10
    arrays = {"x_train": random_images(20), "y_train": labels, "x_test": random_images(5, 1), "y_test": labels[:5]}
    np.savez(tmp_path / "own.npz", **arrays)  # type: ignore[arg-type]  # numpy's stub takes the names for its flag

    data = load_data(str(tmp_path / "own.npz"))

    assert np.array_equal(random_images(20), data.train_images)
    assert np.array_equal(random_images(5, 1), data.test_images)
    assert data.test_labels is not None
    assert labels[:5].tolist() == data.test_labels.tolist()


def test_training_images_sorted_by_digit_are_mixed(tmp_path: Path) -> None:
    """Else the held-out images, the last ones, would all show the same digit."""
    labels = np.repeat(np.arange(10), 20)
    np.savez(tmp_path / "own.npz", x_train=random_images(200), y_train=labels, x_test=random_images(5, 1))

    data = load_data(str(tmp_path / "own.npz"))

    assert data.train_labels is not None
    assert len(set(data.train_labels[-40:].tolist())) > 5
    by_pixels = dict(zip((image.tobytes() for image in random_images(200)), labels.tolist(), strict=True))
    assert [by_pixels[image.tobytes()] for image in data.train_images] == data.train_labels.tolist()


@pytest.mark.parametrize(
    "labels",
    [np.repeat(np.arange(10)[::-1], 60), np.tile(np.repeat(np.arange(10), 30), 2), np.repeat([3, 1, 9, 0], 150)],
    ids=["descending", "sorted twice", "in blocks"],
)
def test_held_out_part_of_other_classes_is_mixed(tmp_path: Path, labels: NDArray[np.int64]) -> None:
    """Whatever order the digits come in, the last ones show all classes."""
    np.savez(tmp_path / "own.npz", x_train=random_images(600), y_train=labels, x_test=random_images(5, 1))

    data = load_data(str(tmp_path / "own.npz"))

    assert data.train_labels is not None
    assert set(labels.tolist()) == set(data.train_labels[-120:].tolist())


def test_images_in_a_good_order_keep_it(tmp_path: Path) -> None:
    """Classes drawn by chance, or all the same, are left as they came."""
    for labels in (np.random.default_rng(1).integers(0, 10, 600), np.ones(600, np.int64)):
        np.savez(tmp_path / "own.npz", x_train=random_images(600), y_train=labels, x_test=random_images(5, 1))

        assert np.array_equal(random_images(600), load_data(str(tmp_path / "own.npz")).train_images)


@pytest.mark.skipif("MNIST_DIR" not in os.environ, reason="MNIST_DIR names no folder")
def test_mnist_keeps_its_own_order() -> None:
    """Its last 5,000 digits are held out, as they are everywhere."""
    folder = Path(os.environ["MNIST_DIR"])
    (path,) = folder.glob("train-images-idx3-ubyte*")

    assert np.array_equal(read_idx(path), load_data(str(folder)).train_images)


@pytest.mark.parametrize("wrong", [10, -1, 2**40])
def test_labels_that_are_no_digits_are_refused(tmp_path: Path, wrong: int) -> None:
    """Before the fit, not after it."""
    labels = np.append(np.zeros(19, np.int64), wrong)
    np.savez(tmp_path / "own.npz", images=random_images(20), labels=labels)

    with pytest.raises(DataError, match=f"holds labels from .*{wrong}.*, expected 0..9"):
        load_data(str(tmp_path / "own.npz"))


def test_single_array_gives_a_test_split(tmp_path: Path) -> None:
    """An .npz with only `images` loses none and repeats none."""
    np.savez(tmp_path / "own.npz", images=random_images(300))

    data = load_data(str(tmp_path / "own.npz"))

    assert pixels_of(random_images(300)) == pixels_of(data.train_images) | pixels_of(data.test_images)
    assert 300 == len(data.train_images) + len(data.test_images)
    assert 10 <= len(data.test_images) <= 60


def test_float_pixels_are_brought_to_bytes(tmp_path: Path) -> None:
    """Floats 0..1 become 0..255."""
    np.savez(tmp_path / "own.npz", x_train=random_images(9) / np.float32(255), x_test=random_images(5, 1))

    assert np.array_equal(random_images(9), load_data(str(tmp_path / "own.npz")).train_images)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((3, 28, 28), 256), "from 256 to 256, expected 0..255"),
        (np.full((3, 28, 28), -1), "from -1 to -1"),
        (np.full((3, 28, 28), 1.5), "from 1.5 to 1.5, expected 0..1"),
        (np.full((3, 28, 28), np.nan), "from nan to nan"),
        (np.full((3, 28, 28), "a"), "expected integers 0..255 or floats 0..1"),
        (np.zeros((3, 28, 27)), r"shape \(3, 28, 27\)"),
        (np.zeros(()), r"shape \(\)"),
    ],
)
def test_archive_of_something_else_is_refused(tmp_path: Path, array: NDArray[np.generic], message: str) -> None:
    """The message holds the value and the limit."""
    np.savez(tmp_path / "own.npz", images=array)

    with pytest.raises(DataError, match=message):
        load_data(str(tmp_path / "own.npz"))


def test_archive_without_our_names_lists_its_own(tmp_path: Path) -> None:
    """The user sees which names the file has."""
    np.savez(tmp_path / "own.npz", pixels=random_images(3))

    with pytest.raises(DataError, match=r"holds \['pixels'\], expected x_train and x_test, or images"):
        load_data(str(tmp_path / "own.npz"))


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    """Data from a stranger runs no code."""
    np.savez(tmp_path / "own.npz", images=np.array([{}], dtype=object))

    with pytest.raises(DataError, match=r"no readable \.npz archive"):
        load_data(str(tmp_path / "own.npz"))


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 broken"])
def test_damaged_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    """A damaged file is an error of the data, not a crash."""
    (tmp_path / "own.npz").write_bytes(content)

    with pytest.raises(DataError, match=r"no readable \.npz archive"):
        load_data(str(tmp_path / "own.npz"))


def test_file_that_is_no_archive_is_not_called_pickled(tmp_path: Path) -> None:
    """The message tells how the file begins."""
    (tmp_path / "own.npz").write_bytes(b"no archive")

    with pytest.raises(DataError, match=r"it begins with 6e6f20617263$"):
        load_data(str(tmp_path / "own.npz"))


def test_archive_member_that_is_no_array_is_refused(tmp_path: Path) -> None:
    """A zip of something else is told apart."""
    with zipfile.ZipFile(tmp_path / "own.npz", "w") as archive:
        archive.writestr("images", b"text")

    with pytest.raises(DataError, match=r"images in .* is no array"):
        load_data(str(tmp_path / "own.npz"))


def test_archive_larger_than_any_memory_is_refused(tmp_path: Path) -> None:
    """A header that announces 71 TiB is an error of the data."""
    header = str({"descr": "|u1", "fortran_order": False, "shape": (10**11, 28, 28)}).encode().ljust(117) + b"\n"
    with zipfile.ZipFile(tmp_path / "own.npz", "w") as archive:
        archive.writestr("images.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)

    with pytest.raises(DataError, match=r"no readable \.npz archive"):
        load_data(str(tmp_path / "own.npz"))


def test_empty_source_is_not_the_current_folder(mnist_like: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unset variable of a shell trains on nothing by chance."""
    monkeypatch.chdir(mnist_like)

    with pytest.raises(DataError, match="an empty name is neither"):
        load_data("")
    assert mnist_like.name == load_data(".").name


def test_png_names_in_capitals_are_found(tmp_path: Path) -> None:
    """Cameras and old systems write `.PNG`."""
    for place, image in enumerate(random_images(60)):
        Image.fromarray(image).save(tmp_path / f"{place}.PNG", "PNG")

    data = load_data(str(tmp_path))

    assert 60 == len(data.train_images) + len(data.test_images)


def test_bare_array_is_refused(tmp_path: Path) -> None:
    """A file of np.save under the wrong name is told apart."""
    with (tmp_path / "own.npz").open("wb") as file:
        np.save(file, random_images(3))

    with pytest.raises(DataError, match="is a bare array"):
        load_data(str(tmp_path / "own.npz"))


def test_png_folder_takes_labels_from_its_folders(tmp_path: Path) -> None:
    """Each image's label is the digit that its folder is named by."""
    for place, image in enumerate(random_images(100)):
        save_png(tmp_path / str(place % 10) / f"{place}.png", image)

    data = load_data(str(tmp_path))

    assert data.train_labels is not None
    label_of = {image.tobytes(): place % 10 for place, image in enumerate(random_images(100))}
    assert [label_of[image.tobytes()] for image in data.train_images] == data.train_labels.tolist()
    assert pixels_of(random_images(100)) == pixels_of(data.train_images) | pixels_of(data.test_images)


def test_split_does_not_depend_on_names(tmp_path: Path) -> None:
    """The same pictures under other names give the same arrays."""
    for place, image in enumerate(random_images(60)):
        save_png(tmp_path / "one" / f"{place}.png", image)
        save_png(tmp_path / "two" / "deep" / f"{1000 - place}.png", image)

    one, two = load_data(str(tmp_path / "one")), load_data(str(tmp_path / "two"))

    assert one.sha256 == two.sha256


def test_unusable_files_are_counted_and_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is left out silently."""
    for place, image in enumerate(random_images(60)):
        save_png(tmp_path / f"{place}.png", image)
    save_png(tmp_path / "wide.png", np.zeros((28, 29), np.uint8))
    save_png(tmp_path / "clear.png", np.zeros((28, 28, 4), np.uint8))
    (tmp_path / "broken.png").write_bytes((tmp_path / "0.png").read_bytes()[:60])
    (tmp_path / "text.png").write_bytes(b"no picture")

    data = load_data(str(tmp_path))

    assert 60 == len(data.train_images) + len(data.test_images)
    assert "left out 4 of 64 files: 2 blank, 1 no image file, 1 unreadable" in caplog.text


def test_folder_without_a_usable_image_is_an_error(tmp_path: Path) -> None:
    """An empty training set never gets further."""
    save_png(tmp_path / "wide.png", np.zeros((28, 29), np.uint8))

    with pytest.raises(DataError, match=r"no image could be used of 1 files in .*: 1 blank; the first is wide\.png"):
        load_data(str(tmp_path))


def test_folder_without_digits_says_what_it_looked_for(tmp_path: Path) -> None:
    """The message names both kinds of files."""
    with pytest.raises(DataError, match="neither train-images-idx3-ubyte"):
        load_data(str(tmp_path))


def test_source_that_is_nothing_is_refused(tmp_path: Path) -> None:
    """A misspelt path is named."""
    with pytest.raises(DataError, match="nowhere is neither a directory nor"):
        load_data(str(tmp_path / "nowhere"))


@pytest.fixture(scope="module")
def small_digits() -> DigitData:
    """The digits of scikit-learn."""
    return load_data("digits")


def test_small_digits_are_centred_like_mnist(small_digits: DigitData) -> None:
    """28x28 bytes, a border of four empty pixels, full contrast, every digit in both splits."""
    images = np.concatenate([small_digits.train_images, small_digits.test_images])

    assert (1797, 28, 28) == images.shape
    assert np.uint8 == images.dtype
    assert 0 == max(images[:, :4].max(), images[:, -4:].max(), images[:, :, :4].max(), images[:, :, -4:].max())
    assert images.max() > 250
    assert small_digits.test_labels is not None
    assert set(range(10)) == set(small_digits.test_labels.tolist())


def test_small_digits_are_the_same_every_time(small_digits: DigitData) -> None:
    """The digest is reproducible."""
    assert small_digits.sha256 == load_data("digits").sha256


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    """Serves a directory without a line a request."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A mirror on this machine: its address and the directory it serves."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *args: QuietFiles(*args, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", folder
    server.shutdown()
    thread.join()
    server.server_close()


def remote(content: bytes) -> RemoteFile:
    """The file that a mirror ought to have."""
    return RemoteFile("file.gz", len(content), hashlib.sha256(content).hexdigest())


def test_download_is_kept(mirror: tuple[str, Path], tmp_path: Path) -> None:
    """The second call needs no mirror, and only the file itself lies in the cache."""
    address, folder = mirror
    (folder / "file.gz").write_bytes(b"digits")
    cache = tmp_path / "cache" / "mnist"

    fetch_files(cache, [remote(b"digits")], [address])
    (folder / "file.gz").unlink()
    fetch_files(cache, [remote(b"digits")], [address])

    assert [cache / "file.gz"] == list(cache.iterdir())
    assert b"digits" == (cache / "file.gz").read_bytes()


def test_wrong_download_is_thrown_away(mirror: tuple[str, Path], tmp_path: Path) -> None:
    """A file with another checksum leaves nothing in the cache, and the message names both checksums."""
    address, folder = mirror
    (folder / "file.gz").write_bytes(b"other!")

    with pytest.raises(DataError, match=f"sha256 is {hashlib.sha256(b'other!').hexdigest()}, expected"):
        fetch_files(tmp_path / "cache", [remote(b"digits")], [address])
    assert [] == list((tmp_path / "cache").iterdir())


def test_second_mirror_helps_when_the_first_fails(mirror: tuple[str, Path], tmp_path: Path) -> None:
    """One mirror that is away is no error."""
    address, folder = mirror
    (folder / "file.gz").write_bytes(b"digits")

    fetch_files(tmp_path / "cache", [remote(b"digits")], [f"{address}gone/", address])

    assert b"digits" == (tmp_path / "cache" / "file.gz").read_bytes()


def test_damaged_cache_is_deleted_and_fetched_again(
    mirror: tuple[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A damaged file is reported and replaced."""
    address, folder = mirror
    (folder / "file.gz").write_bytes(b"digits")
    (tmp_path / "file.gz").write_bytes(b"damage")

    fetch_files(tmp_path, [remote(b"digits")], [address])

    assert b"digits" == (tmp_path / "file.gz").read_bytes()
    assert "deleted" in caplog.text


def test_leftover_of_a_killed_download_is_cleared(mirror: tuple[str, Path], tmp_path: Path) -> None:
    """An old unfinished file goes; a fresh one may be another process's work and stays."""
    address, folder = mirror
    (folder / "file.gz").write_bytes(b"digits")
    cache = tmp_path / "cache"
    cache.mkdir()
    old, fresh = cache / ".file.gz.old", cache / ".file.gz.fresh"
    old.write_bytes(b"dig")
    fresh.write_bytes(b"dig")
    os.utime(old, (0, 0))

    fetch_files(cache, [remote(b"digits")], [address])

    assert {cache / "file.gz", fresh} == set(cache.iterdir())


def test_offline_error_names_the_way_out(tmp_path: Path) -> None:
    """Without a network the message says which flag helps."""
    with pytest.raises(DataError, match=r"cannot download file\.gz .*--data"):
        fetch_files(tmp_path, [remote(b"digits")], [(tmp_path / "nowhere").as_uri() + "/"])


def test_unusable_cache_is_an_error_of_the_data(tmp_path: Path) -> None:
    """A cache that cannot be made is reported with its path."""
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(DataError, match="cannot keep MNIST in"):
        fetch_files(tmp_path / "file" / "cache", [remote(b"digits")], [])


def test_cache_follows_the_xdg_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG_CACHE_HOME counts only if it is absolute."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert tmp_path / "digitcodec" / "mnist" == find_cache()

    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert tmp_path / "home" / ".cache" / "digitcodec" / "mnist" == find_cache()
