"""One HTTP connection: uvicorn's, with the bounds on time and memory that uvicorn leaves to a proxy before it."""

import asyncio
from collections import deque

import httptools
import uvicorn
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.servers.cycle import Cycle
from service.servers.flow import Flow
from service.servers.refusals import HEAD_TOO_LARGE, MALFORMED, TIMED_OUT, TOO_MANY, TOO_MANY_AT_ONCE, Refusal
from service.servers.scope import build_scope, find_plain
from service.servers.shared import SharedState
from service.servers.taking import Taking
from service.servers.wire import Wire

# A socket closed while data still comes in is reset, and the reset can overtake a refusal. So what a refused caller
# sends is thrown away for so long.
LINGER_S = 2.0

# Requests of one connection that wait for their answers. uvicorn reads on after each answer, and takes what came: with
# no bound, one caller who sends a million of them and reads nothing takes gigabytes.
MAX_UNANSWERED = 100


class _RefusedHeadError(Exception):
    """Ends the parsing of a head."""


class Connection(HttpToolsProtocol):
    """A connection whose caller cannot hold it, or memory, for longer than the settings say.

    The server calls `check` at least once a second, so that no request pays for timers. Either the caller owes us
    something (a head; or the rest of a body that was answered already), or we owe an answer, whose deadline the
    application watches, or neither: then it is idle.
    """

    cycle: Cycle
    pipeline: deque[tuple[Cycle, ASGI3Application]]  # type: ignore[assignment] # of our own cycles

    def __init__(self, config: uvicorn.Config, shared: SharedState, *, is_one_too_many: bool) -> None:
        """Prepare for a connection that was accepted.

        Args:
            config: Loaded.
            shared: What it shares with the others.
            is_one_too_many: Turn it away as soon as it can hear us.
        """
        super().__init__(config, shared, {}, asyncio.get_running_loop())
        self._shared = shared
        self._settings = shared.settings
        self._max_head_bytes = shared.settings.max_header_bytes
        self._max_headers = shared.settings.max_headers
        shared.shaking_hands.add(self)
        if is_one_too_many:
            shared.turned_away.add(self)
        self._reads_head = True
        # Bytes that came since the last head or piece of a body was complete: a head's, a chunk's frame, trailers.
        self._unparsed_bytes = 0
        self._body_of: Cycle | None = None
        self._unanswered: deque[Cycle] = deque()  # the oldest one first
        self._owed_since_s: float | None = None
        self._idle_since_s: float | None = None
        self._has_answers = False  # given or to be given, and perhaps not yet taken
        self._refusal = MALFORMED
        self._is_deaf = False
        self._must_refuse = False
        self._lingering: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The caller can speak."""
        super().connection_made(transport)
        self._wire = Wire(transport)
        self._taking = Taking(transport, self._wire)
        self.flow = Flow(transport, self.pipeline)
        self.client = find_plain(self.client)
        self._shared.shaking_hands.discard(self)
        self._owed_since_s = self.loop.time()
        if self in self._shared.turned_away:
            self._refuse(TOO_MANY)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over, whoever ended it."""
        self.forget()
        for cycle in self._unanswered:  # uvicorn tells the newest one only
            cycle.disconnect()
            cycle.withdraw_short_ways()
        if self._lingering is not None:
            self._lingering.cancel()
        super().connection_lost(exc)

    def forget(self) -> None:
        """Count no more."""
        self._shared.shaking_hands.discard(self)
        self._shared.turned_away.discard(self)

    def data_received(self, data: bytes) -> None:
        """Parse what came; of a head no more than may come, however much it is."""
        while self._reads_head and len(data) > (room := self._max_head_bytes - self._unparsed_bytes):
            if self._is_deaf:
                return
            self._feed(data[:room])
            data = data[room:]
        self._feed(data)

    def _feed(self, data: bytes) -> None:
        if self._is_deaf:
            return
        self._idle_since_s = None
        self._unparsed_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse(self._refusal)
        except httptools.HttpParserUpgrade:
            # The parser stops at a protocol that it does not know, so the answer ends the connection.
            self.cycle.keep_alive = False
        else:
            if not self._unparsed_bytes:
                return
            if self._unparsed_bytes >= self._max_head_bytes:
                self._refuse(HEAD_TOO_LARGE)
            elif not self._unanswered and self._owed_since_s is None:
                self._owed_since_s = self.loop.time()  # empty lines before a head

    def on_message_begin(self) -> None:
        """The first byte of a request is here."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        if self._owed_since_s is None:
            self._owed_since_s = self.loop.time()

    def on_headers_complete(self) -> None:
        """The head is here: a request begins."""
        if len(self.headers) > self._max_headers:
            self._refusal = HEAD_TOO_LARGE
            raise _RefusedHeadError
        if len(self._unanswered) == MAX_UNANSWERED:
            self._refusal = TOO_MANY_AT_ONCE
            raise _RefusedHeadError
        self.cycle = self._body_of = self._begin_cycle()
        self.headers = []  # here end trailers, which are no headers of the request (RFC 9110, 6.5.1)
        self._reads_head = False
        self._unparsed_bytes = 0
        self._owed_since_s = None
        self._has_answers = True
        if self._unanswered:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))
        else:
            self._taking.note_request()
            self._start_asgi_task(self.cycle, self.app)
        self._unanswered.append(self.cycle)

    def _begin_cycle(self) -> Cycle:
        """The cycle of the request whose head is here."""
        version = self.parser.get_http_version()
        self.scope = build_scope(self.url, self.parser.get_method(), version, self.headers, self)
        cycle = Cycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,  # the door writes one line a request itself
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue and version != "1.0",  # RFC 9110, 10.1.1
            keep_alive=version != "1.0" and self.parser.should_keep_alive() and not self._shared.is_leaving,
            on_response=self.on_response_complete,
        )
        cycle.offer_short_ways()
        return cycle

    def on_body(self, body: bytes) -> None:
        """A piece of the body is here."""
        self._unparsed_bytes = 0
        if self.cycle.response_complete:
            return
        self.cycle.add_body(body)
        if self.cycle.waiting_bytes > HIGH_WATER_LIMIT:
            self.flow.pause_reading()

    def on_message_complete(self) -> None:
        """The request is here to its end."""
        if not self.cycle.response_complete:
            self.cycle.end_body()
        self._reads_head = True
        self._unparsed_bytes = 0
        self._body_of = None

    def on_response_complete(self) -> None:
        """The answer to the oldest request has left us."""
        self._unanswered.popleft().withdraw_short_ways()
        if not self.transport.is_closing():
            self._go_on()
        if self._unanswered:
            return
        if self._must_refuse:
            self._tell()
        elif self._body_of is not None or self._owed_since_s is not None:
            # The rest of the body, and the next head: with their bytes it is not idle any more.
            self._owed_since_s = self.loop.time()

    def _go_on(self) -> None:
        """Begin with the next request, or wait for one."""
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif not self._unanswered:
            self._idle_since_s = self.loop.time()

    def check(self, now_s: float) -> None:
        """End the connection if its caller keeps it waiting for too long.

        Args:
            now_s: The event loop's time.
        """
        if self._has_answers or self.transport.is_closing():  # so that the idle ones, which are many, cost nothing
            self._check_answers(now_s)
        if self._idle_since_s is not None and now_s - self._idle_since_s >= self._settings.keep_alive_s:
            self._close()
        if self._owed_since_s is None or self._unanswered or self._is_deaf:
            return
        if now_s - self._owed_since_s < self._settings.header_timeout_s:
            return
        if self._body_of is None:
            self._refuse(TIMED_OUT)
        else:
            self._shared.ended["body_unfinished"] += 1
            self._close()

    def _check_answers(self, now_s: float) -> None:
        if self._wire.is_open():
            self._check_reader(now_s)
            self._let_go(now_s)

    def _check_reader(self, now_s: float) -> None:
        blocked_s = self._taking.measure_block(now_s)
        if blocked_s is None:
            self._has_answers = bool(self._unanswered)
        elif blocked_s >= self._settings.write_timeout_s:
            self._shared.ended["answer_not_read"] += 1
            self.abort()

    def announce(self) -> None:
        """Let the answers that have not begun end the connection."""
        if self.cycle is not None and not self.cycle.response_started:
            self.cycle.keep_alive = False

    def part(self, quiet_since_s: float) -> None:
        """Close the connection if its caller has asked for nothing.

        Args:
            quiet_since_s: What came after this time, by the event loop's clock, is given time to speak.
        """
        if not self._wire.is_open():
            return
        self._let_go(self.loop.time())
        is_idle = not self._unanswered and not (self._reads_head and self._unparsed_bytes)
        if is_idle and (self._owed_since_s or 0) <= quiet_since_s and not self._wire.count_incoming():
            self._close()

    def abort(self) -> None:
        """End the connection at once, with what was still to be sent."""
        if self._wire.is_open():
            self.transport.abort()

    def _close(self) -> None:
        """End the connection after what is still to be sent; asyncio's TLS transport must not be closed twice."""
        if not self.transport.is_closing():
            self.transport.close()

    def _let_go(self, now_s: float) -> None:
        """Cut a closing connection whose caller has everything: TLS waits for a farewell that need not come."""
        if self.transport.is_closing() and self._taking.has_all(now_s):
            self.abort()

    def _refuse(self, refusal: Refusal) -> None:
        """Hear no more, and tell why once the requests before this one have their answers."""
        self._shared.ended[f"{refusal.status}_{refusal.reason}"] += 1
        self._is_deaf = self._must_refuse = True
        self._refusal = refusal
        broken = self._body_of
        if broken is not None and broken.response_started:
            self._close()  # a second answer would be taken for that of the next request
            return
        if broken is not None:
            self._drop(broken)
        if not self._unanswered:
            self._tell()

    def _drop(self, broken: Cycle) -> None:
        """Take back a request whose body cannot come."""
        self._unanswered.pop()
        if self._unanswered:
            self.pipeline.popleft()  # its turn has not come, and it is the newest
        broken.disconnect()

    def _tell(self) -> None:
        """Answer with the refusal, and close once the caller has had time to read it."""
        if self.transport.is_closing():
            return
        self._idle_since_s = None
        self.transport.write(self._refusal.render(self._shared.default_headers))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._lingering = self.loop.call_later(LINGER_S, self._close)
