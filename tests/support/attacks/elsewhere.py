"""Rows that other tests hold: what cannot be tried on a running service from outside, or only slowly."""

from support.attacks.base import Held

_BUDGET = "tests/unit/test_budget.py"
_INCOMING = "tests/unit/grpc/test_grpc_incoming.py"
_PLAYGROUND = "tests/unit/http/test_http_playground.py"
_VETTING = "tests/contract/test_vetting.py"
_NOT_LOADED = "not loaded; the version before it goes on answering"

HELD = (
    Held(
        "model: operation that reaches files, the network or Python",
        _NOT_LOADED,
        (
            f"{_VETTING}::test_operation_that_reaches_outside_is_refused",
            f"{_VETTING}::test_operation_deep_inside_is_found",
            f"{_VETTING}::test_every_operation_that_takes_a_file_is_refused",
        ),
    ),
    Held(
        "model: initializer, or table from a file",
        _NOT_LOADED,
        (f"{_VETTING}::test_initializer_does_not_run", f"{_VETTING}::test_table_from_an_asset_is_refused"),
    ),
    Held("model: checkpoint from another place", _NOT_LOADED, (f"{_VETTING}::test_only_the_saver_restores",)),
    Held("model: unknown signature", _NOT_LOADED, (f"{_VETTING}::test_unknown_signature_is_refused",)),
    Held("model: operation that nobody knows", _NOT_LOADED, (f"{_VETTING}::test_unknown_operation_is_refused",)),
    Held("model: graph of more than 16 MiB", _NOT_LOADED, (f"{_VETTING}::test_large_file_is_refused_unread",)),
    Held(
        "playground in a frame, with inline code or another host's",
        "200 with `content-security-policy`, `x-content-type-options`, `referrer-policy`",
        (
            f"{_PLAYGROUND}::test_policy_allows_no_inline_code_and_no_other_host",
            f"{_PLAYGROUND}::test_page_has_nothing_that_its_policy_forbids",
        ),
    ),
    Held(
        "more bytes than a caller's share",
        "429 `overloaded`, Retry-After",
        (
            f"{_BUDGET}::test_one_caller_leaves_room_for_others",
            f"{_BUDGET}::test_refusal_says_whose_bytes_are_too_many",
        ),
    ),
    Held(
        "gRPC: unknown method without a key",
        "`UNAUTHENTICATED` `unauthenticated`",
        ("tests/unit/grpc/test_grpc_keys.py::test_methods_are_not_told_to_who_has_no_key",),
    ),
    Held(
        "gRPC: message that does not come",
        "`DEADLINE_EXCEEDED` `deadline_exceeded`; `RESOURCE_EXHAUSTED` `overloaded` where there is no room for it",
        (
            f"{_INCOMING}::test_key_is_judged_before_the_message",
            f"{_INCOMING}::test_deadline_holds_for_a_message_that_never_comes",
            f"{_INCOMING}::test_late_message_without_room_is_refused",
            f"{_INCOMING}::test_open_questions_that_stall_make_room_for_others",
        ),
    ),
    Held(
        "gRPC: health watches without end",
        "`RESOURCE_EXHAUSTED` `overloaded`; one that takes nothing disturbs nobody",
        (
            "tests/unit/grpc/test_grpc_health.py::test_watchers_have_places_of_their_own",
            "tests/unit/grpc/test_grpc_health.py::test_watcher_who_takes_nothing_disturbs_nobody",
        ),
    ),
    Held(
        "gRPC: stream that brings nothing",
        "`DEADLINE_EXCEEDED` `deadline_exceeded`",
        ("tests/unit/grpc/test_grpc_stream.py::test_stream_that_brings_nothing_ends",),
    ),
    Held(
        "gRPC: connection that does not begin",
        "closed after 10 s",
        ("tests/faults/test_slow_callers.py::test_grpc_connection_that_does_not_begin_ends",),
    ),
    Held(
        "TLS handshake that is not finished",
        "closed",
        ("tests/unit/servers/test_tls.py::test_handshake_that_is_not_finished_ends",),
    ),
    Held(
        "certificate of another authority",
        "no handshake",
        (
            "tests/unit/servers/test_tls.py::test_requests_of_unknown_callers_are_refused",
            "tests/unit/servers/test_tls.py::test_calls_of_unknown_callers_are_refused",
        ),
    ),
    Held(
        "failure that nobody foresaw",
        "500 `internal`, `INTERNAL` `internal`; its text is in the log alone",
        (
            "tests/unit/http/test_http_problems.py::test_unknown_exception_is_hidden",
            "tests/parity/test_failures_through_every_door.py::test_failure_is_the_same_through_every_door",
        ),
    ),
    Held(
        "which software answers",
        "no `Server`, `Via` or `X-Powered-By`",
        (
            "tests/unit/servers/test_banners.py::test_http_answers_name_no_server",
            "tests/unit/servers/test_banners.py::test_grpc_answers_name_no_server",
        ),
    ),
    Held(
        "keys and pixels in the log",
        "neither; a line has the documented fields alone",
        ("tests/parity/test_security_table.py::test_log_says_nothing_that_it_should_not",),
    ),
)
