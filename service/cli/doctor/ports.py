"""Are the ports free that the service would listen on?"""

import http.client
import json
from collections.abc import Iterator

from service.cli.doctor.finding import Finding, ok
from service.servers import CannotListenError, listen
from service.settings import Settings

_PATIENCE_S = 2.0
_EVERYWHERE = {"0.0.0.0", "::", ""}  # noqa: S104 - compared with, not listened on


def look_at_ports(settings: Settings) -> Iterator[Finding]:
    """Those of HTTP and of gRPC."""
    http_place = settings.http.host, settings.http.port
    is_ours = _is_digitcodec(*http_place) if settings.tls.certificate is None else False
    yield _look("http", *http_place, is_ours=is_ours)
    yield _look("grpc", settings.grpc.host, settings.grpc.port, is_ours=is_ours)


def _look(door: str, host: str, port: int, *, is_ours: bool) -> Finding:
    area, setting = f"port {door}", f"DIGITCODEC_{door.upper()}__PORT"
    try:
        listen(host, port, settings=setting).close()
    except CannotListenError as error:
        if is_ours:
            told = f"{host}:{port} is taken: a digitcodec is running here"
            return Finding("warning", area, told, f"a second one needs {setting}")
        return Finding("wrong", area, str(error), "stop what listens there, or choose another port")
    return ok(area, f"{host}:{port} is free")


def _is_digitcodec(host: str, port: int) -> bool:
    """Whether what listens there answers like one."""
    connection = http.client.HTTPConnection("127.0.0.1" if host in _EVERYWHERE else host, port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", "/livez")
        answer = json.loads(connection.getresponse().read(1024))
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return isinstance(answer, dict) and answer.get("status") == "alive"
