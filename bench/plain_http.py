"""HTTP at the least cost: requests as bytes that are written again and again, answers that nobody looks into."""

import asyncio


class UnexpectedAnswerError(Exception):
    """A request got no good answer; the text is the head of what came."""


def render_post(path: str, body: bytes, media_type: str, accept: str) -> bytes:
    """The bytes of a request.

    Args:
        path: With its query.
        body: What is sent.
        media_type: Of the body.
        accept: Of the answer.
    """
    head = f"POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: {media_type}\r\naccept: {accept}\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


async def read_answer(reader: asyncio.StreamReader) -> None:
    """Read a good answer to its end.

    Raises:
        UnexpectedAnswerError: If it is no good one.
    """
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise UnexpectedAnswerError(head.decode("latin-1"))
    await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]))
