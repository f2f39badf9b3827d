"""A discrete-event simulation of the service: what callers wait for, given how long each piece of work takes.

The event loop works in turns: answers that came back leave first, then what has come in is read, then a batch may
begin. Nothing here knows a latency; latencies come out.
"""

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from itertools import cycle

import numpy as np
import simpy

from bench.scaling.costs import Costs
from bench.scaling.durations import Durations
from bench.scaling.plant import Plant, Policy
from bench.scaling.work import Table

Steps = Generator[simpy.Event, None, None]


class World:
    """One run: clients, gateways and models, and the times at which answers arrive."""

    def __init__(self, costs: Costs, plant: Plant, policy: Policy, is_bulk: Sequence[bool]) -> None:
        """Build everything.

        Args:
            costs: How long each piece of work takes.
            plant: What stands there.
            policy: Of the lane of single images.
            is_bulk: For each request, whether it is a large one.
        """
        self.env = simpy.Environment()
        self.costs, self.plant, self.policy, self.is_bulk = costs, plant, policy, is_bulk
        self.answered_s = np.full(len(is_bulk), np.nan)
        self.batches: list[int] = []
        self._client_free_s = 0.0
        shared = cycle([simpy.Resource(self.env) for _ in range(plant.servers)])
        self._gateways = [Gateway(self, shared if plant.servers else None) for _ in range(plant.gateways)]

    def run(self, left_s: Table) -> None:
        """Let requests leave at these times, and go on until all are answered."""
        self.env.process(self._send(left_s))
        self.env.run()

    def answer(self, request: int) -> None:
        """An answer leaves for the client, who handles one after the other and sleeps when there is none."""
        now_s = self.env.now
        began_s = self._client_free_s if self._client_free_s > now_s else now_s + self.costs.draw_wake_s()
        self._client_free_s = self.answered_s[request] = began_s + self.costs.draw_handling_s()

    def _send(self, left_s: Table) -> Steps:
        turns = cycle(self._gateways)
        for request, at_s in enumerate(left_s.tolist()):
            yield self.env.timeout(max(at_s - self.env.now, 0.0))
            next(turns).receive(request)


class Gateway:
    """An event loop, and the lanes on it."""

    def __init__(self, world: World, shared: Iterator[simpy.Resource] | None) -> None:
        """Begin to work.

        Args:
            world: Where it stands.
            shared: Model servers, in turn; None: the model is inside, in a thread for each lane.
        """
        self._world, self._env, self._costs = world, world.env, world.costs
        self._bell = world.env.event()
        self._came: list[int] = []
        self._went: list[tuple[Lane, list[int]]] = []
        self._small = Lane(world, self, world.costs.model, world.policy, shared or cycle([simpy.Resource(world.env)]))
        self._bulk = Lane(world, self, world.costs.bulk_model, Policy(1), shared or cycle([simpy.Resource(world.env)]))
        self._env.process(self._work())

    def receive(self, request: int) -> None:
        """A request has come."""
        self._came.append(request)
        self.ring()

    def give_back(self, lane: "Lane", batch: list[int]) -> None:
        """A lane's batch is through; the lane hears of it when the loop has its turn."""
        self._went.append((lane, batch))
        self.ring()

    def ring(self) -> None:
        """There is something to do."""
        if not self._bell.triggered:
            self._bell.succeed()

    def _work(self) -> Steps:
        while True:
            if not self._bell.triggered:
                yield self._bell
                yield self._env.timeout(self._costs.draw_wake_s())
            self._bell = self._env.event()
            yield from self._give_answers()
            yield from self._take_requests()
            self._small.dispatch()
            self._bulk.dispatch()

    def _give_answers(self) -> Steps:
        went, self._went = self._went, []
        if went:
            yield self._spend((1, 0, 1, sum(len(batch) for _, batch in went)))
        for lane, batch in went:
            lane.note_end()
            for request in batch:
                self._world.answer(request)

    def _take_requests(self) -> Steps:
        came, self._came = self._came, []
        if not came:
            return
        bulk = [request for request in came if self._world.is_bulk[request]]
        yield self._spend((0, len(came), 0, 0))
        yield self._env.timeout(len(bulk) * self._costs.bulk_turn_s)
        self._bulk.admit(bulk)
        self._small.admit([request for request in came if not self._world.is_bulk[request]])

    def _spend(self, work: Sequence[float]) -> simpy.Timeout:
        return self._env.timeout(self._costs.loop.draw_s(work) * self._world.plant.thin_factor)


class Lane:
    """Requests that wait for one kind of batch, and the batches under way."""

    def __init__(
        self, world: World, gateway: Gateway, model: Durations, policy: Policy, servers: Iterator[simpy.Resource]
    ) -> None:
        """Begin empty.

        Args:
            world: Where it stands.
            gateway: Is told of batches that are through.
            model: How long a call takes, by (1, requests).
            policy: How batches are formed.
            servers: What runs the next batch.
        """
        self._world, self._env, self._gateway = world, world.env, gateway
        self._model, self._policy, self._servers = model, policy, servers
        self._waiting: deque[tuple[float, int]] = deque()
        self._running = 0

    def admit(self, requests: list[int]) -> None:
        """Let them wait."""
        self._waiting.extend((self._env.now, request) for request in requests)

    def dispatch(self) -> None:
        """Let whatever waits leave, as far as the policy allows."""
        limit = self._policy.max_rows
        while self._waiting and self._running < self._policy.max_batches:
            rest_s = self._waiting[0][0] + self._policy.linger_s - self._env.now
            if rest_s > 0 and len(self._waiting) < limit:
                self._env.process(self._ring_later(rest_s))
                return
            batch = [self._waiting.popleft()[1] for _ in range(min(limit, len(self._waiting)))]
            self._running += 1
            self._env.process(self._run(batch, next(self._servers)))

    def note_end(self) -> None:
        """A batch is through."""
        self._running -= 1

    def _ring_later(self, delay_s: float) -> Steps:
        # A little late, so that the time has passed however it is rounded.
        yield self._env.timeout(delay_s + 1e-9)
        self._gateway.ring()

    def _run(self, batch: list[int], server: simpy.Resource) -> Steps:
        self._world.batches.append(len(batch))
        yield self._env.timeout(self._world.costs.draw_wake_s() + self._world.plant.call_s)
        with server.request() as turn:
            yield turn
            yield self._env.timeout(self._model.draw_s((1, len(batch))))
        self._gateway.give_back(self, batch)


def simulate(
    costs: Costs,
    left_s: Table,
    plant: Plant | None = None,
    policy: Policy | None = None,
    is_bulk: Sequence[bool] | None = None,
) -> World:
    """Run the requests that leave at these times through the service.

    Args:
        costs: How long each piece of work takes.
        left_s: (n,) rising seconds from 0 on.
        plant: What stands there; by default one process with the model inside.
        policy: How batches are formed; by default as ours are.
        is_bulk: For each request, whether it is a large one; by default none is.

    Returns:
        A finished run, whose `answered_s` are the times of the answers, and `batches` the requests of each batch.
    """
    world = World(costs, plant or Plant(), policy or Policy(), is_bulk or [False] * len(left_s))
    world.run(left_s)
    return world
