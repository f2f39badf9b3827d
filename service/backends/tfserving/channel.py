"""How the model server is reached: certificates, and the options of the gRPC channel; knows no message."""

import json
import ssl
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from service.certificates import load_authorities, load_pair, read_file
from service.settings import TFServingBackendSettings
from service.wire.tensorflow_serving import PREDICTION_SERVICE

# A server that comes back is found within one of these: the bar is two seconds.
_FIRST_RECONNECT_MS = 100
_LAST_RECONNECT_MS = 1000
# gRPC gives up an attempt to connect after this. A call to an address that swallows everything waits for it, and is to
# fail within a second; gRPC's own figure is 20 s.
_CONNECT_TIMEOUT_MS = 700
_PONG_TIMEOUT_MS = 5000
_RESOLVE_AGAIN_MS = 1000

# Five attempts wait 0.55 s in all, so that a caller hears of a server that is away well within a second.
_FIRST_RETRY = "0.05s"
_LAST_RETRY = "0.2s"
# The retry budget: a failed call costs one token, one that succeeds earns a tenth; below half of them nothing is
# tried again. A server in trouble thus gets at most a tenth more calls.
_RETRY_BUDGET = {"maxTokens": 10, "tokenRatio": 0.1}

_PREFIX = "DIGITCODEC_BACKEND__"


def load_credentials(settings: TFServingBackendSettings) -> grpc.ChannelCredentials | None:
    """What TLS needs, read now; None without TLS.

    Raises:
        UnusableCertificateError: If a file cannot be read, is not what its setting says, or key and certificate differ.
    """
    if not settings.tls:
        return None
    _check_files(settings)
    return grpc.ssl_channel_credentials(
        root_certificates=_read(settings.ca_file, "CA_FILE"),
        private_key=_read(settings.key_file, "KEY_FILE"),
        certificate_chain=_read(settings.cert_file, "CERT_FILE"),
    )


def open_channel(settings: TFServingBackendSettings, credentials: grpc.ChannelCredentials | None) -> grpc.aio.Channel:
    """A channel that connects by itself, now and whenever the server comes back; needs a running event loop."""
    options = build_options(settings)
    if credentials is None:
        return grpc.aio.insecure_channel(settings.target, options)
    return grpc.aio.secure_channel(settings.target, credentials, options)


def build_options(settings: TFServingBackendSettings) -> list[tuple[str, Any]]:
    """The options of the channel, each with its reason."""
    options = [
        ("grpc.service_config", json.dumps(_build_service_config(settings.max_attempts))),
        ("grpc.enable_retries", 1),
        # A call larger than this buffer is never tried again; gRPC's 256 KiB is less than a bulk batch.
        ("grpc.per_rpc_retry_buffer_size", settings.max_message_bytes),
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", -1),  # what callers may send is bounded by the doors and the batchers
        ("grpc.keepalive_time_ms", round(settings.keepalive_s * 1000)),
        ("grpc.keepalive_timeout_ms", _PONG_TIMEOUT_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.initial_reconnect_backoff_ms", _FIRST_RECONNECT_MS),
        ("grpc.max_reconnect_backoff_ms", _LAST_RECONNECT_MS),
        ("grpc.min_reconnect_backoff_ms", _CONNECT_TIMEOUT_MS),
        ("grpc.dns_min_time_between_resolutions_ms", _RESOLVE_AGAIN_MS),
        # Connections of our own: a fresh channel must not inherit another one's backoff.
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_http_proxy", 0),  # the model server is a neighbour
    ]
    if settings.server_name is not None:
        options.append(("grpc.ssl_target_name_override", settings.server_name))
    return options


def _build_service_config(max_attempts: int) -> dict[str, Any]:
    method: dict[str, Any] = {"name": [{"service": PREDICTION_SERVICE}]}
    if max_attempts > 1:
        method["retryPolicy"] = {
            "maxAttempts": max_attempts,
            "initialBackoff": _FIRST_RETRY,
            "maxBackoff": _LAST_RETRY,
            "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE"],
        }
    return {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [method],
        "retryThrottling": _RETRY_BUDGET,
    }


def _read(path: Path | None, setting: str) -> bytes | None:
    return None if path is None else read_file(path, _PREFIX + setting)


def _check_files(settings: TFServingBackendSettings) -> None:
    """Let OpenSSL read the files now: gRPC would find the same faults at the first connection, and only log them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if settings.ca_file is not None:
        load_authorities(context, settings.ca_file, _PREFIX + "CA_FILE")
    if settings.cert_file is not None and settings.key_file is not None:
        load_pair(context, settings.cert_file, settings.key_file, (_PREFIX + "CERT_FILE", _PREFIX + "KEY_FILE"))
