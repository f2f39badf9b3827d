"""Takes the files out of a multipart/form-data body (RFC 7578); knows nothing of images."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from service.errors import MalformedRequestError, PayloadTooLargeError
from service.words import shorten

# The parser warns of each broken form; a refusal has its one line already, and strangers must not fill the log.
_SILENT = logging.getLogger(f"{__name__}.parser")
_SILENT.disabled = True

# Parameters of a header (RFC 9110, 5.6.6), in time that grows with its length: a quote that nobody closes ends with it.
# The parser's own function for them takes a minute for a form of 4,096 parts whose file names are full of semicolons.
_PARAMETER = re.compile(rb';[ \t]*+([^\s;="]++)=("(?:[^"\\]|\\.)*+"?|[^;"]*+)', re.DOTALL)


@dataclass(slots=True)
class FilePart:
    """One file of a form.

    Attributes:
        media_type: As its part says, in lower case without parameters; empty where it says nothing.
        data: The file.
    """

    media_type: str = ""
    data: bytes = b""


def parse_files(body: bytes, content_type: bytes, *, max_files: int) -> list[FilePart]:
    """The files of a form, in order; the names of their fields mean nothing.

    Args:
        body: The whole body.
        content_type: The Content-Type header, which holds the boundary.
        max_files: Most files that a form may have.

    Raises:
        MalformedRequestError: If the body is no form, ends early, or has a field that is no file.
        PayloadTooLargeError: If there are more files.
    """
    boundary = dict(_parse_parameters(content_type)).get(b"boundary")
    if not boundary:
        raise MalformedRequestError("the Content-Type multipart/form-data came without a boundary")
    form = _Form(max_files)
    try:
        # The parser's types ask for a mapping of all its callbacks; it does with those it is given.
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": form.begin_part,
                "on_header_field": form.add_header_name,
                "on_header_value": form.add_header_value,
                "on_header_end": form.end_header,
                "on_headers_finished": form.check_headers,
                "on_part_data": form.add_data,
                "on_part_end": form.end_part,
                "on_end": form.end,
            },
        )
        parser.logger = _SILENT
        parser.write(body)
    except FormParserError as error:
        raise MalformedRequestError("the multipart body cannot be parsed") from error
    if not form.is_whole:
        raise MalformedRequestError("the multipart body ends before its last boundary")
    return form.files


def _parse_parameters(header: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names, in lower case, and values of the parameters of a header."""
    for match in _PARAMETER.finditer(header):
        name, value = match.groups()
        is_quoted = value.startswith(b'"')
        yield name.lower(), re.sub(rb"\\(.)", rb"\1", value[1:].removesuffix(b'"')) if is_quoted else value.strip()


@dataclass(slots=True)
class _Form:
    max_files: int
    files: list[FilePart] = field(default_factory=list)
    is_whole: bool = False
    _headers: dict[bytes, bytes] = field(default_factory=dict)
    _name: bytes = b""
    _value: bytes = b""
    _pieces: list[bytes] = field(default_factory=list)

    def begin_part(self) -> None:
        if len(self.files) == self.max_files:
            raise PayloadTooLargeError(f"more than {self.max_files} files came, the limit is {self.max_files}")
        self._headers = {}
        self._pieces = []

    def add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def end_header(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def check_headers(self) -> None:
        options = dict(_parse_parameters(self._headers.get(b"content-disposition", b"")))
        if not options.keys() & {b"filename", b"filename*"}:
            name = options.get(b"name", b"").decode("utf-8", "replace")
            raise MalformedRequestError(f"the form field {shorten(name)} is no file; send files only")

    def add_data(self, data: bytes, start: int, end: int) -> None:
        self._pieces.append(data[start:end])

    def end_part(self) -> None:
        content_type = self._headers.get(b"content-type", b"")
        media_type = content_type.split(b";", 1)[0].strip().lower().decode("latin-1")
        self.files.append(FilePart(media_type, b"".join(self._pieces)))

    def end(self) -> None:
        self.is_whole = True
