"""What callers ask for: the kinds of request, by door, signature and form."""

from dataclasses import dataclass

from bench.load.digits import Digits
from bench.words import grpc, http, inference, serving
from bench.words.ask import Door, Reading, Reply, Request
from bench.words.form import INPUTS, Form


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of request.

    Attributes:
        door: Where it is sent.
        name: What it is, in a few words.
        signature: What is asked for.
        sizes: Rows that such requests have.
        outputs: What the answer must hold, no more and no less.
        form: Of request and answer.
    """

    door: Door
    name: str
    signature: str
    sizes: tuple[int, ...]
    outputs: tuple[str, ...]
    form: Form

    def write(self, digits: Digits) -> Request:
        """The request for digits."""
        rows = digits.codes if INPUTS[self.signature] == "codes" else digits.inputs
        return self.form.write(self.signature, rows)

    def read(self, reply: Reply) -> Reading:
        """What an answer to it says."""
        return self.form.read(self.signature, reply)


_CODES, _IMAGES, _VERDICTS = ("codes",), ("images",), ("errors", "anomaly_scores")
_PICTURES = ("reconstructions", *_VERDICTS)
_ALL = (*_CODES, *_PICTURES)

KINDS = (
    Kind(Door.HTTP, "/score PNG", "score", (1,), _VERDICTS, http.PNG),
    Kind(Door.HTTP, "/score multipart", "score", (1, 8), _VERDICTS, http.MULTIPART),
    Kind(Door.HTTP, "/score octets", "score", (64, 512), _VERDICTS, http.OCTETS),
    Kind(Door.HTTP, "/score npy for npy", "score", (1, 8, 64), _VERDICTS, http.NPY),
    Kind(Door.HTTP, "/encode octets", "encode", (1, 8, 64), _CODES, http.OCTETS),
    Kind(Door.HTTP, "/encode nested lists", "encode", (1, 8), _CODES, http.LISTS),
    Kind(Door.HTTP, "/encode npy for npy", "encode", (1, 512), _CODES, http.NPY),
    Kind(Door.HTTP, "/decode lists", "decode", (1, 8), _IMAGES, http.LISTS),
    Kind(Door.HTTP, "/decode npy for npy", "decode", (1, 64), _IMAGES, http.NPY),
    Kind(Door.HTTP, "/reconstruct base64", "reconstruct", (1, 8), _PICTURES, http.BASE64),
    Kind(Door.HTTP, "/reconstruct PNG for PNG", "reconstruct", (1,), _PICTURES, http.PNG_FOR_PNG),
    Kind(Door.HTTP, "/reconstruct octets for npy", "reconstruct", (1, 8, 64), _PICTURES, http.OCTETS_FOR_NPY),
    Kind(Door.GRPC, "Encode", "encode", (1, 8), _CODES, grpc.PACKED),
    Kind(Door.GRPC, "Decode", "decode", (1, 8, 64), _IMAGES, grpc.PACKED),
    Kind(Door.GRPC, "Score", "score", (64, 512), _VERDICTS, grpc.PACKED),
    Kind(Door.GRPC, "Score of files", "score", (1, 8), _VERDICTS, grpc.FILES),
    Kind(Door.GRPC, "Reconstruct", "reconstruct", (1, 8, 64), _PICTURES, grpc.PACKED),
    Kind(Door.STREAM, "8 messages", "reconstruct", (8, 64, 512), _PICTURES, grpc.split_stream(8)),
    Kind(Door.OIP_REST, "encode, JSON", "encode", (1, 8), _CODES, inference.JSON),
    Kind(Door.OIP_REST, "reconstruct, binary", "reconstruct", (1, 8, 64), _ALL, inference.BINARY),
    Kind(Door.OIP_GRPC, "reconstruct", "reconstruct", (1, 8, 64, 512), _ALL, inference.RPC),
    Kind(Door.TFS_REST, "reconstruct, rows", "reconstruct", (1, 8), _ALL, serving.ROWS),
    Kind(Door.TFS_REST, "encode, columns", "encode", (1, 64), _CODES, serving.COLUMNS),
    Kind(Door.TFS_GRPC, "reconstruct", "reconstruct", (1, 8, 64, 512), _ALL, serving.RPC),
)
"""Of every door, most formats and sizes."""
