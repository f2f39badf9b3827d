"""The routes that tell how the service and its model are; FastAPI used as it is meant."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from service.codec import DEFAULT_THRESHOLD, Codec
from service.domain import VersionStatus
from service.errors import NotFoundError, NotReadyError


class ProbeAnswer(BaseModel):
    """A probe that says yes; one that says no is a problem document."""

    status: Literal["alive", "ready", "started"]


class VersionAnswer(BaseModel):
    """One version of a model."""

    version: int = Field(description="Its number.")
    state: Literal["LOADING", "AVAILABLE", "UNLOADING", "END"] = Field(description="As TensorFlow Serving names them.")
    error: str | None = Field(description="Why it could not be loaded.")
    labels: list[str] = Field(description="Names that point at it.")
    code_dim: int | None = Field(description="Width of its codes.")
    signatures: dict[str, Any] = Field(description="Inputs and outputs by signature.")
    missing: list[str] = Field(description="Companion files of contract one that it lacks; it serves without them.")
    model_card: dict[str, Any] | None = Field(description="How it was made and what it measured.")


class ModelAnswer(BaseModel):
    """One model and its versions."""

    name: str
    ready: bool = Field(description="True while a request without a version is answered.")
    default_threshold: float = Field(description="Threshold of requests that name none.")
    versions: list[VersionAnswer] = Field(description="Newest first, the failed ones too.")


class ModelsAnswer(BaseModel):
    """All models."""

    models: list[ModelAnswer]


def build_status_router(codec: Codec) -> APIRouter:
    """The routes of probes and models over the codec."""
    router = APIRouter()
    _add_probes(router, codec)
    _add_models(router, codec)
    return router


def _add_probes(router: APIRouter, codec: Codec) -> None:
    @router.get("/livez", tags=["probes"], summary="Is the process alive?", operation_id="livez")
    async def livez() -> ProbeAnswer:
        """Yes while the event loop turns. Restart the process when this fails, for no other reason."""
        return ProbeAnswer(status="alive")

    @router.get("/readyz", tags=["probes"], summary="Can it answer now?", operation_id="readyz")
    async def readyz() -> ProbeAnswer:
        """Yes while a request without a version would be answered. Send no requests while it says no."""
        if not codec.is_ready():
            raise NotReadyError(codec.explain())
        return ProbeAnswer(status="ready")

    @router.get("/startupz", tags=["probes"], summary="Has it started?", operation_id="startupz")
    async def startupz() -> ProbeAnswer:
        """Yes from the first moment it was ready. Ask the other two only after this said yes."""
        if not codec.has_started():
            raise NotReadyError(codec.explain())
        return ProbeAnswer(status="started")


def _add_models(router: APIRouter, codec: Codec) -> None:
    @router.get("/models", tags=["models"], summary="List the models", operation_id="models")
    async def list_models() -> ModelsAnswer:
        """Every model with its versions, their states and model cards."""
        return ModelsAnswer(models=[_describe(codec)])

    @router.get("/models/{name}", tags=["models"], summary="Describe one model", operation_id="model")
    async def describe_model(name: Annotated[str, Path(description="Name of the model.")]) -> ModelAnswer:
        """One model with its versions, their states and model cards."""
        if name != codec.model_name:
            raise NotFoundError(f"there is no model {name[:100]!r}; this service has {codec.model_name!r}")
        return _describe(codec)


def _describe(codec: Codec) -> ModelAnswer:
    versions = [_describe_version(status) for status in codec.describe()]
    return ModelAnswer(
        name=codec.model_name, ready=codec.is_ready(), default_threshold=DEFAULT_THRESHOLD, versions=versions
    )


def _describe_version(status: VersionStatus) -> VersionAnswer:
    return VersionAnswer(
        version=status.version,
        state=status.state,
        error=status.error,
        labels=list(status.labels),
        code_dim=status.code_dim,
        signatures=status.signatures,
        missing=list(status.missing),
        model_card=status.card,
    )
