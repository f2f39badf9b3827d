"""Callers whom a service turns away that speaks TLS and asks for certificates."""

import ssl
import warnings
from typing import Any

import grpc
from support.attacks.base import CLOSED, IMAGE, NO_HANDSHAKE, Attack, Target, say, tell_call
from support.raw_http import head
from support.server_pki import ServerPki

from service.wire import codec_pb2 as pb


async def _shake_hands(target: Target, context: ssl.SSLContext) -> str:
    """Until the first answer: with TLS 1.3 a server refuses a certificate only after the caller's last word."""
    try:
        async with target.connect(ssl=context) as client:
            client.send(head(path="/livez"))
            heard = await client.read_to_end()
    except (ssl.SSLError, ConnectionError):
        return NO_HANDSHAKE
    return heard.decode("latin-1") or NO_HANDSHAKE


async def _speak_old_tls(target: Target) -> str:
    context = _find_pki(target).trust()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it is old, which is the point
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return await _shake_hands(target, context)


async def _show_no_certificate(target: Target) -> str:
    return await _shake_hands(target, _find_pki(target).trust())


async def _call_without_certificate(target: Target) -> str:
    return await _call(grpc.aio.secure_channel(target.running.grpc, _find_pki(target).rpc_trust()))


async def _call_in_plain(target: Target) -> str:
    return await _call(grpc.aio.insecure_channel(target.running.grpc))


async def _call(channel: grpc.aio.Channel) -> str:
    async with channel:
        request = pb.ScoreRequest(images=pb.Images(packed=IMAGE)).SerializeToString()
        score: Any = channel.unary_unary("/digitcodec.v1.Codec/Score")
        return await tell_call(score(request))


def _find_pki(target: Target) -> ServerPki:
    assert target.pki is not None
    return target.pki


ATTACKS = (
    Attack("plain HTTP where TLS is spoken", CLOSED, say(head(path="/livez")), on="mtls"),
    Attack("plain gRPC where TLS is spoken", "`UNAVAILABLE`", _call_in_plain, on="mtls"),
    Attack("TLS 1.1", NO_HANDSHAKE, _speak_old_tls, on="mtls"),
    Attack("no certificate where one is asked for", NO_HANDSHAKE, _show_no_certificate, on="mtls"),
    Attack("the same over gRPC", "`UNAVAILABLE`", _call_without_certificate, on="mtls"),
)
