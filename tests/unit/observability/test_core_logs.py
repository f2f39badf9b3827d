"""The service's own access log: what its settings say of it, and its last lines."""

from structlog.testing import capture_logs
from support.scrape import Scrape

from service.core import run_core
from service.settings import ObservabilitySettings, Settings, TFServingBackendSettings

# Nobody answers there, so that the core never has a model; it has its log all the same.
NOWHERE = TFServingBackendSettings(target="dns:///127.0.0.1:9")
QUIET = ObservabilitySettings(request_lines_per_s=1, log_level="warning")


async def test_core_tells_at_its_end_what_was_left_out() -> None:
    """One line a second was wanted, and none of good answers."""
    with capture_logs() as lines:
        async with run_core(Settings(backend=NOWHERE, observability=QUIET)) as core:
            good = core.context.log.admit("info", None)
            bad = [core.context.log.admit("warning", "not_ready") for _ in range(3)]
    left_out = Scrape(core.context.metrics).find("digitcodec_log_lines_left_out_total")
    told = [line for line in lines if line["event"] == "request_lines_left_out"]

    assert (None, [0, None, None], 2) == (good, bad, left_out)
    assert [{"event": "request_lines_left_out", "log_level": "warning", "reason": "not_ready", "left_out": 2}] == told
