"""An object store in this process that speaks as much of S3 as pyarrow asks for: list, look, read a range, write."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase, BytesIO
from typing import IO
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "anyone", "AWS_SECRET_ACCESS_KEY": "anything", "AWS_EC2_METADATA_DISABLED": "true"}
"""Environment of whoever asks it; it looks at none of them."""

_DATE = "Fri, 01 Jan 2021 00:00:00 GMT"
_RANGE = re.compile(r"bytes=(\d+)-(\d+)?")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_HEAD(self) -> None:
        key, _ = self._parse()
        content = self.server.objects.get(key)
        if content is None and "/" in key:
            self._answer(404)
        else:
            self._answer(200, b"" if content is None else content, has_body=False)

    def do_GET(self) -> None:
        key, query = self._parse()
        if "list-type" in query:
            self._answer(200, self._list(key, query).encode())
            return
        content = self.server.objects.get(key)
        wanted = _RANGE.match(self.headers.get("Range", ""))
        if content is None:
            self._answer(404)
        elif wanted:
            first, last = int(wanted[1]), int(wanted[2] or len(content) - 1)
            self._answer(206, content[first : last + 1])
        else:
            self._answer(200, content)

    def do_PUT(self) -> None:
        key, query = self._parse()
        content = self._read_body()
        if "uploadId" in query:
            self.server.uploads[key][int(query["partNumber"][0])] = content
        else:
            self.server.objects[key] = content
        self._answer(200)

    def do_POST(self) -> None:
        key, query = self._parse()
        body = self._read_body()
        if "delete" in query:
            for name in re.findall(rb"<Key>(.*?)</Key>", body):
                self.server.objects.pop(f"{key}/{name.decode()}", None)
            self._answer(200, b"<DeleteResult/>")
        elif "uploads" in query:
            self.server.uploads[key] = {}
            self._answer(200, _name_upload(key, "Initiate"))
        else:
            parts = self.server.uploads.pop(key)
            self.server.objects[key] = b"".join(parts[number] for number in sorted(parts))
            self._answer(200, _name_upload(key, "Complete"))

    def do_DELETE(self) -> None:
        key, _ = self._parse()
        self.server.objects.pop(key, None)
        self._answer(204)

    def log_message(self, *_: object) -> None:
        """Nothing goes to the terminal."""

    def _parse(self) -> tuple[str, dict[str, list[str]]]:
        parts = urlsplit(self.path)
        return unquote(parts.path).strip("/"), parse_qs(parts.query, keep_blank_values=True)

    def _read_body(self) -> bytes:
        """With HTTP's chunks taken off, and inside them AWS' own, which carry signatures."""
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b"".join(_read_chunks(self.rfile))
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        is_framed = "aws-chunked" in self.headers.get("Content-Encoding", "")
        return b"".join(_read_chunks(BytesIO(body))) if is_framed else body

    def _list(self, bucket: str, query: dict[str, list[str]]) -> str:
        prefix, delimiter = query.get("prefix", [""])[0], query.get("delimiter", [""])[0]
        keys = sorted(key.removeprefix(f"{bucket}/") for key in self.server.objects if key.startswith(f"{bucket}/"))
        found: list[str] = []
        folders: set[str] = set()
        for key in (key for key in keys if key.startswith(prefix)):
            rest = key.removeprefix(prefix)
            if delimiter and delimiter in rest:
                folders.add(prefix + rest.partition(delimiter)[0] + delimiter)
            else:
                found.append(key)
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.server.objects[f'{bucket}/{key}'])}</Size>"
            "<LastModified>2021-01-01T00:00:00.000Z</LastModified></Contents>"
            for key in found
        )
        below = "".join(
            f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>" for folder in sorted(folders)
        )
        count = f"<KeyCount>{len(found) + len(folders)}</KeyCount><IsTruncated>false</IsTruncated>"
        return f"<ListBucketResult><Name>{bucket}</Name>{count}{contents}{below}</ListBucketResult>"

    def _answer(self, status: int, body: bytes = b"", *, has_body: bool = True) -> None:
        self.send_response(status)
        for name, value in (("Content-Length", str(len(body))), ("ETag", '"0"'), ("Last-Modified", _DATE)):
            self.send_header(name, value)
        self.end_headers()
        if has_body:
            self.wfile.write(body)


def _name_upload(key: str, step: str) -> bytes:
    bucket, _, name = key.partition("/")
    inside = f"<Bucket>{bucket}</Bucket><Key>{escape(name)}</Key><UploadId>1</UploadId><ETag>0</ETag>"
    return f"<{step}MultipartUploadResult>{inside}</{step}MultipartUploadResult>".encode()


def _read_chunks(stream: IO[bytes] | BufferedIOBase) -> Iterator[bytes]:
    """A length in hexadecimal, perhaps something behind a semicolon, and so many bytes; a length of 0 is the last."""
    while length := int(stream.readline().partition(b";")[0] or b"0", 16):
        yield stream.read(length)
        stream.readline()
    while stream.readline().strip():
        pass


@contextmanager
def running_store(objects: dict[str, bytes]) -> Iterator[tuple[str, dict[str, bytes]]]:
    """A store for as long as the block lasts: the options behind a URL, and its objects by `bucket/key`."""
    server = _Server()
    server.objects.update(objects)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"scheme=http&endpoint_override=127.0.0.1:{server.server_port}&region=here", server.objects
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
