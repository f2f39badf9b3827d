"""How much is needed for a rate of images, and what it costs, from what was measured."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from bench.scaling.figures import Figures

FORMATS = {
    "png": ("png", "HTTP, one PNG"),
    "npy-256": ("npy-256", "HTTP, npy for npy, 256"),
    "npy-4096": ("npy-4096", "HTTP, npy for npy, 4,096"),
    "packed-256": ("packed-256", "gRPC, packed bytes, 256"),
}
"""How images come: the name among processor times, and that among bytes."""

SYSTEMS = ("embedded", "thin")

_BITS = 8
_US_PER_S = 1e6
_S_PER_H = 3600.0


@dataclass(frozen=True, slots=True)
class Need:
    """What a rate needs.

    Attributes:
        system: `embedded`, or `thin` before model servers.
        gateways: Processes of the gateway.
        gateway_cores: Cores that these keep busy, at the share that was allowed.
        model_cores: The same of model servers; 0 where the model is inside.
        up_gbit_s: From callers.
        down_gbit_s: To callers.
        requests_per_s: As they come.
        cost: Of a billion images, in the currency of the price.
    """

    system: str
    gateways: int
    gateway_cores: float
    model_cores: float
    up_gbit_s: float
    down_gbit_s: float
    requests_per_s: float
    cost: float

    @property
    def cores(self) -> int:
        """Whole cores of everything."""
        return math.ceil(self.gateway_cores + self.model_cores)


def plan(figures: Figures, rate: float, name: str, *, busy: float, price: float) -> Iterator[Need]:
    """What a rate of images needs, with each system.

    Args:
        figures: What was measured.
        rate: Images per second.
        name: One of `FORMATS`.
        busy: Share of each core that may be used; waits grow steeply beyond 0.6.
        price: Of a core for an hour.
    """
    carried_name, wire_name = FORMATS[name]
    wire = figures.find_bytes(wire_name)
    for system in SYSTEMS:
        carried = figures.find_carried(system, carried_name)
        per_core = rate / _US_PER_S / busy
        # A thin gateway has nothing beside its loop that could use a second core.
        loop_us = carried.loop_us if system == "embedded" else carried.gateway_us
        image_us = carried.gateway_us + carried.server_us
        yield Need(
            system,
            gateways=math.ceil(loop_us * per_core),
            gateway_cores=carried.gateway_us * per_core,
            model_cores=carried.server_us * per_core,
            up_gbit_s=rate * wire.up * _BITS / 1e9,
            down_gbit_s=rate * wire.down * _BITS / 1e9,
            requests_per_s=rate / carried.rows,
            cost=1e9 * image_us / _US_PER_S / busy / _S_PER_H * price,
        )


def render(needs: Iterator[Need]) -> str:
    """Lines to read in a terminal."""
    return "\n".join(
        f"{need.system}: {need.gateways:,} gateway{'s' * (need.gateways > 1)} on {need.gateway_cores:.1f} cores"
        + (f", model servers on {need.model_cores:.1f} cores" if need.model_cores else "")
        + f"; {need.requests_per_s:,.0f} requests/s, {need.up_gbit_s:.2f} Gbit/s up, {need.down_gbit_s:.2f} down; "
        f"{need.cost:.2f} for a billion images"
        for need in needs
    )
