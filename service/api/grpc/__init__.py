"""gRPC: our own contract, and the machinery that every gRPC door shares."""

from service.api.grpc.calls import ARRIVAL_S, CallTracker
from service.api.grpc.door import add_codec_service
from service.api.grpc.health import HEALTH_SERVICE, HealthKeeper
from service.api.grpc.reflection import add_reflection
from service.api.grpc.unknown import refuse_unknown

__all__ = [
    "ARRIVAL_S",
    "HEALTH_SERVICE",
    "CallTracker",
    "HealthKeeper",
    "add_codec_service",
    "add_reflection",
    "refuse_unknown",
]
