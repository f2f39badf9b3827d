"""The Python client: sync and async, over HTTP and gRPC, with one interface; needs none of the server's rooms.

`asks` says what is wanted, `conversation` and `sets` how it is gone after: cut, sent, tried again, joined. They do no
I/O. `http` and `rpc` carry requests, each with words of its own, and the drivers do what conversations say. httpx is
imported by the first client of an http address, grpcio by the first of a grpc address.
"""

from service.client.answers import Codes, Model, ModelVersion, Pictures, Reconstructions, Scores, ServedModel
from service.client.async_client import AsyncClient
from service.client.errors import (
    BackendContractError,
    BackendError,
    ClientError,
    DeadlineExceededError,
    InternalError,
    InvalidCodeError,
    InvalidImageError,
    MalformedRequestError,
    MethodNotAllowedError,
    NotFoundError,
    NotReadyError,
    OverloadedError,
    Place,
    RateLimitedError,
    RefusedError,
    TooLargeError,
    UnauthenticatedError,
    UnexpectedAnswerError,
    UnreachableError,
    UnsupportedMediaError,
)
from service.client.images import ImageLike, ImagesLike
from service.client.retries import Retries
from service.client.sync_client import Client

__all__ = [
    "AsyncClient",
    "BackendContractError",
    "BackendError",
    "Client",
    "ClientError",
    "Codes",
    "DeadlineExceededError",
    "ImageLike",
    "ImagesLike",
    "InternalError",
    "InvalidCodeError",
    "InvalidImageError",
    "MalformedRequestError",
    "MethodNotAllowedError",
    "Model",
    "ModelVersion",
    "NotFoundError",
    "NotReadyError",
    "OverloadedError",
    "Pictures",
    "Place",
    "RateLimitedError",
    "Reconstructions",
    "RefusedError",
    "Retries",
    "Scores",
    "ServedModel",
    "TooLargeError",
    "UnauthenticatedError",
    "UnexpectedAnswerError",
    "UnreachableError",
    "UnsupportedMediaError",
]
