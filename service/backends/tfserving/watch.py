"""Follows the model server: looks again and again, so that readiness is never a guess."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import grpc.aio
import structlog

from service.backends.labels import LabelReport
from service.backends.tfserving.connection import Connection
from service.backends.tfserving.failures import cut, describe, means_away
from service.backends.tfserving.look import Observer
from service.backends.tfserving.signatures import Checked
from service.backends.tfserving.versions import Versions
from service.errors import DigitCodecError
from service.settings import ModelSettings, TFServingBackendSettings

_log = structlog.get_logger()

# While the server is away: often enough that readiness follows its return at once.
_AWAY_INTERVAL_S = 0.25
# Longer than one attempt to connect takes, so that a slow one is not cut off by the next channel.
_RENEW_AFTER_S = 1.5
# Who looks at the log later must see it too.
_REMIND_AFTER_S = 60.0
_ADVICE = "DIGITCODEC_MODEL__NAME chooses the model"


class Watch:
    """Looks at the server in a task of its own, and keeps `versions` as the last look found them."""

    def __init__(
        self, connection: Connection, versions: Versions, settings: TFServingBackendSettings, model: ModelSettings
    ) -> None:
        self._connection = connection
        self._versions = versions
        self._model = model
        self._server = f"the model server at {settings.target}"
        self._observer = Observer(connection, model.name, settings.poll_timeout_s)
        self._log = _log.bind(target=settings.target, model=model.name)
        self._interval_s = model.poll_interval_s
        self._label_report = LabelReport(self._log)
        self._is_away: bool | None = None  # None before the first look
        self._reason = ""
        self._remind_at_s = 0.0
        self._was_empty = False
        self._told: dict[int, str] = {}
        self._fresh_at_s = 0.0
        self._turn = asyncio.Lock()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._early: asyncio.Task[None] | None = None
        self._early_at_s = 0.0

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.get_running_loop().create_task(self._keep_looking())

    async def close(self) -> None:
        """Look no more."""
        tasks = [task for task in (self._task, self._early) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def is_in_touch(self) -> bool:
        """True if the last look succeeded, and no call has met an absent server since."""
        return self._is_away is False

    def explain(self) -> str:
        """Why the newest version cannot answer, in a sentence for operators; empty while it can."""
        if self._is_away is None:
            return f"{self._server} has not told its versions yet"
        if self._is_away:
            return self._reason
        if self._versions.is_empty():
            return f"{self._server} has no version of {self._model.name}; {_ADVICE}"
        return self._versions.explain(self._model.name)

    def note_away(self, reason: str, *, exc_info: bool = False) -> None:
        """Forget what was known, look again soon, and log it, at first and while it lasts once a minute."""
        self._reason = f"{self._server} cannot be reached: {reason}"
        self._versions.forget(self._reason)
        now_s = asyncio.get_running_loop().time()
        if self._is_away and now_s < self._remind_at_s:
            return
        self._is_away = True
        self._remind_at_s = now_s + _REMIND_AFTER_S
        self._wake.set()
        self._log.warning("server_away", reason=reason, exc_info=exc_info)

    async def look(self) -> None:
        """Look once, after the look that may be under way; what comes of it is noted, and nothing is raised."""
        async with self._turn:
            try:
                checked = await self._observer.look(self._versions)
            except grpc.aio.AioRpcError as failure:
                self.note_away(describe(failure))
                if means_away(failure):
                    self._renew_if_stale()
            except Exception as error:  # noqa: BLE001 - whatever a look meets, the next one may fare better
                is_known = isinstance(error, DigitCodecError)
                self.note_away(f"{type(error).__name__}: {cut(str(error))}", exc_info=not is_known)
            else:
                self._note_back()
                self._tell(checked)
                self._tell_what_is_missing()

    async def look_early(self, timeout_s: float) -> None:
        """Look before it is time to, and wait for that `timeout_s` seconds at most.

        Calls that come while such a look is under way share it, and within an interval there is no second one: however
        many ask, the server is hardly asked more often.
        """
        loop = asyncio.get_running_loop()
        if self._early is None or (self._early.done() and loop.time() - self._early_at_s >= self._interval_s):
            self._early_at_s = loop.time()
            self._early = loop.create_task(self.look())
        await asyncio.wait([self._early], timeout=timeout_s)

    async def _keep_looking(self) -> None:
        self._fresh_at_s = asyncio.get_running_loop().time()
        while True:
            self._wake.clear()
            await self.look()
            if self._is_away:
                await asyncio.sleep(min(_AWAY_INTERVAL_S, self._interval_s))
            else:
                await self._sleep_until_woken()

    async def _sleep_until_woken(self) -> None:
        # Not asyncio.wait_for: before Python 3.12 it loses a cancellation that comes together with the wake-up.
        with suppress(TimeoutError):
            async with asyncio.timeout(self._interval_s):
                await self._wake.wait()

    def _note_back(self) -> None:
        self._fresh_at_s = asyncio.get_running_loop().time()
        if self._is_away:
            self._log.info("server_back")
        self._is_away = False

    def _tell(self, checked: Mapping[int, Checked]) -> None:
        """Log what became of new versions; the same trouble once, not at every look."""
        for number, found in checked.items():
            trouble = found.violation or found.unread
            if trouble is None:
                self._told.pop(number, None)
                self._log.info("version_available", version=number)
            elif self._told.get(number) != trouble:
                self._told[number] = trouble
                self._log.error("version_unusable", version=number, error=trouble)

    def _tell_what_is_missing(self) -> None:
        is_empty = self._versions.is_empty()
        if is_empty and not self._was_empty:
            self._log.warning("no_versions_found", advice=f"waiting for one; {_ADVICE}")
        self._was_empty = is_empty
        self._label_report.tell(self._model.labels, self._versions.describe())

    def _renew_if_stale(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s - self._fresh_at_s > _RENEW_AFTER_S:
            self._fresh_at_s = now_s
            self._connection.renew()
