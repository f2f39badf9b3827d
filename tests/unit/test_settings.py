"""Settings: where they come from, and what is refused."""

import pytest
from pydantic import ValidationError

from service.servers.rpc import build_rpc_server
from service.settings import Settings, UnreadableSettingError, load_settings


def load(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    """Read the settings from an environment that holds these variables."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def test_defaults_are_those_of_the_design(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing set: loopback, port 8000, the model digits below models."""
    settings = load(monkeypatch)

    assert ("127.0.0.1", 8000) == (settings.http.host, settings.http.port)
    assert ("models", "digits") == (str(settings.model.root), settings.model.name)


def test_groups_are_set_by_double_underscores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers, enumerations and JSON maps are read and checked."""
    settings = load(
        monkeypatch,
        DIGITCODEC_HTTP__PORT="9000",
        DIGITCODEC_OBSERVABILITY__LOG_FORMAT="json",
        DIGITCODEC_MODEL__LABELS='{"stable": 1}',
    )

    assert (9000, "json", {"stable": 1}) == (
        settings.http.port,
        settings.observability.log_format,
        settings.model.labels,
    )


@pytest.mark.parametrize("name", ["DIGITCODEC_PORT", "DIGITCODEC_HTPP__PORT", "DIGITCODEC_"])
def test_unknown_group_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A misspelt group is told with its name and the groups there are."""
    with pytest.raises(UnreadableSettingError, match=f"{name} is no setting.*HTTP.*MODEL"):
        load(monkeypatch, **{name: "1"})


@pytest.mark.parametrize("name", ["HTTP__PORT__X", "HTTP__PORT__", "HTTP__PRT__X", "BACKEND__KIND__X__Y"])
@pytest.mark.parametrize("port", [{}, {"DIGITCODEC_HTTP__PORT": "9000"}])
def test_name_below_a_setting_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, port: dict[str, str]) -> None:
    """Even beside the setting itself, where the library would ignore it."""
    setting = "__".join(name.split("__")[:2])
    with pytest.raises(UnreadableSettingError, match=f"^DIGITCODEC_{name} is no setting: .* DIGITCODEC_{setting}$"):
        load(monkeypatch, **{f"DIGITCODEC_{name}": "1"}, **port)


def test_map_may_be_written_name_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """It alone has names below it."""
    assert {"stable": 1} == load(monkeypatch, DIGITCODEC_MODEL__LABELS__STABLE="1").model.labels


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DIGITCODEC_HTTP__PROT", "9000"),
        ("DIGITCODEC_HTTP__PORT", "65536"),
        ("DIGITCODEC_HTTP__PORT", "eighty"),
        ("DIGITCODEC_BATCHING__MAX_BATCH_ROWS", "0"),
        ("DIGITCODEC_MODEL__NAME", "../digits"),
        ("DIGITCODEC_BACKEND__KIND", "other"),
        ("DIGITCODEC_GRPC__MAX_MESSAGE_BYTES", str(2**31)),
        ("DIGITCODEC_GRPC__MAX_CONCURRENT_CALLS", str(2**31)),
        ("DIGITCODEC_LIMITS__MAX_TIMEOUT_S", "inf"),
        ("DIGITCODEC_LIMITS__SHUTDOWN_GRACE_S", "inf"),
        ("DIGITCODEC_MODEL__POLL_INTERVAL_S", "inf"),
    ],
)
def test_wrong_name_or_value_inside_a_group_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """Nothing misspelt or out of bounds is taken for something else."""
    with pytest.raises(ValidationError):
        load(monkeypatch, **{name: value})


@pytest.mark.parametrize(
    ("name", "value"), [("MAX_MESSAGE_BYTES", str(2**31)), ("KEEPALIVE_S", "1e9"), ("POLL_TIMEOUT_S", "inf")]
)
def test_number_that_grpc_could_not_hold_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """At the start, not by an overflow at the first connection."""
    with pytest.raises(ValidationError):
        load(monkeypatch, DIGITCODEC_BACKEND__KIND="tfserving", **{f"DIGITCODEC_BACKEND__{name}": value})


async def test_largest_numbers_are_taken_by_grpc(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the bounds let through starts a server."""
    settings = load(
        monkeypatch,
        DIGITCODEC_GRPC__MAX_MESSAGE_BYTES=str(2**31 - 1),
        DIGITCODEC_LIMITS__MAX_INFLIGHT_BYTES=str(2**31),
        DIGITCODEC_GRPC__MAX_CONCURRENT_CALLS=str(2**30 - 1),
    )
    server = build_rpc_server(settings.grpc)
    await server.start()
    await server.stop(None)


def test_answer_of_the_largest_request_fits_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """800 bytes an image; exactly that will do."""
    rows = {"DIGITCODEC_LIMITS__MAX_ROWS": "1000"}
    assert 1000 == load(monkeypatch, **rows, DIGITCODEC_GRPC__MAX_MESSAGE_BYTES="800000").limits.max_rows
    with pytest.raises(
        ValidationError, match="DIGITCODEC_LIMITS__MAX_ROWS or raise DIGITCODEC_GRPC__MAX_MESSAGE_BYTES"
    ):
        load(monkeypatch, **rows, DIGITCODEC_GRPC__MAX_MESSAGE_BYTES="799999")


@pytest.mark.parametrize(
    ("name", "value"), [("LIMITS__MAX_BODY_BYTES", 2**25 + 1), ("GRPC__MAX_MESSAGE_BYTES", 2**25 + 1)]
)
def test_what_is_held_must_hold_the_largest(monkeypatch: pytest.MonkeyPatch, name: str, value: int) -> None:
    """A body or message within its own limit that could never be taken is a mistake in the settings."""
    held = {"DIGITCODEC_LIMITS__MAX_INFLIGHT_BYTES": str(2**25)}
    assert 2**25 == load(monkeypatch, **held).limits.max_inflight_bytes
    with pytest.raises(ValidationError, match=rf"limits\.max_inflight_bytes is 33554432, less than \S+ {value}"):
        load(monkeypatch, **held, **{f"DIGITCODEC_{name}": str(value)})


def test_map_that_is_no_json_is_told_with_an_example(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's own message names neither the variable nor the form."""
    with pytest.raises(UnreadableSettingError, match=r"DIGITCODEC_MODEL__LABELS='\{"):
        load(monkeypatch, DIGITCODEC_MODEL__LABELS="stable=1")


def test_bulk_queue_must_hold_the_largest_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request within the row limit that could never be admitted is a mistake in the settings."""
    with pytest.raises(ValidationError, match=r"bulk\.max_queue_rows is 100, less than limits\.max_rows 4096"):
        load(monkeypatch, DIGITCODEC_BULK__MAX_QUEUE_ROWS="100")


def test_queue_must_hold_the_largest_small_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request of a whole batch must find a place when nobody waits; a queue of just that size will do."""
    assert 64 == load(monkeypatch, DIGITCODEC_BATCHING__MAX_QUEUE_ROWS="64").batching.max_queue_rows
    with pytest.raises(ValidationError, match=r"batching\.max_queue_rows is 63, less than batching\.max_batch_rows 64"):
        load(monkeypatch, DIGITCODEC_BATCHING__MAX_QUEUE_ROWS="63")


def test_settings_are_frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody changes a setting after the start."""
    settings = load(monkeypatch)
    with pytest.raises(ValidationError):
        settings.http.port = 1  # type: ignore[misc]  # that mypy refuses it too is the point
