"""The page that Prometheus reads."""

from typing import Any

from fastapi import APIRouter, Request, Response

from service.observability.metrics import OPENMETRICS, PLAIN, Metrics

METRICS_PATH = "/metrics"

TF_SERVING_METRICS_PATH = "/monitoring/prometheus/metrics"
"""Where TensorFlow Serving has it, for who scrapes that."""

METRICS_PATHS = frozenset({METRICS_PATH, TF_SERVING_METRICS_PATH})

_TEXT: dict[str, Any] = {"schema": {"type": "string"}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "All metrics.", "content": {PLAIN: _TEXT, OPENMETRICS: _TEXT}}
}


def build_metrics_router(metrics: Metrics) -> APIRouter:
    """The route of the metrics, under both of its names."""
    router = APIRouter()

    @router.get(TF_SERVING_METRICS_PATH, include_in_schema=False)
    @router.get(
        METRICS_PATH,
        tags=["probes"],
        summary="What Prometheus reads",
        operation_id="metrics",
        response_class=Response,
        responses=_ANSWERS,
    )
    async def show_metrics(request: Request) -> Response:
        """Text format 0.0.4, or OpenMetrics 1.0.0 if `Accept` names it. `docs/metrics.md` tells what they mean."""
        body, content_type = metrics.render(request.headers.get("accept", ""))
        return Response(body, headers={"content-type": content_type})

    return router
