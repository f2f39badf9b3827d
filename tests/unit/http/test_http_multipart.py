"""The heads of a form's parts, as browsers and programs write them, and as nobody should."""

import pytest

from service.api.http.multipart import FilePart, parse_files
from service.errors import MalformedRequestError


def parse(disposition: bytes, content_type: bytes = b"multipart/form-data; boundary=b") -> list[FilePart]:
    """The files of a form of one part with this Content-Disposition."""
    body = b"--b\r\ncontent-disposition: " + disposition + b"\r\n\r\nx\r\n--b--\r\n"
    return parse_files(body, content_type, max_files=1)


@pytest.mark.parametrize(
    "disposition",
    [
        b'form-data; name="f"; filename="a.png"',
        b"form-data;name=f;filename=a.png",
        b'form-data; filename=""; name="f"',
        b'form-data; FILENAME="a.png"',
        b"form-data; name=f; filename*=UTF-8''%e2%82%ac.png",
        rb'form-data; name="\"; name="; filename="\\"',
        b'form-data; name="a; b=c"; filename="' + b";" * 3000 + b'"',
        b'form-data; filename="never closed',
        b'form-data; ;;; =; filename="a"',
    ],
)
def test_part_with_a_file_name_is_a_file(disposition: bytes) -> None:
    """However it is written."""
    assert [FilePart("", b"x")] == parse(disposition)


@pytest.mark.parametrize(
    "disposition",
    [
        b'form-data; name="f"',
        b"form-data",
        b'form-data; name="f; filename=a"',
        rb'form-data; name="\"; filename=a"',
        b'form-data; name="never closed; filename=a',
        b"form-data; filename",
    ],
)
def test_part_without_a_file_name_is_refused(disposition: bytes) -> None:
    """Also where one stands within another value."""
    with pytest.raises(MalformedRequestError, match="is no file"):
        parse(disposition)


@pytest.mark.parametrize(
    "content_type",
    [
        b'multipart/form-data; boundary="b"',
        b"multipart/form-data;boundary=b;charset=utf-8",
        b'multipart/form-data; a=";boundary=c"; Boundary=b',
        b"multipart/form-data; " + b'a="x"; ' * 2000 + b"boundary=b ",
    ],
)
def test_boundary_is_found(content_type: bytes) -> None:
    """However it is written."""
    assert [FilePart("", b"x")] == parse(b"form-data; filename=a", content_type)
