"""What an operator reads who misspelt a setting: the variable as it was typed, and what would be right."""

import pytest
from pydantic import ValidationError

from service.settings import load_settings
from service.settings.faults import describe_fault

FAULTS = [
    ({"HTTP__PROT": "1"}, "DIGITCODEC_HTTP__PROT is no setting; did you mean DIGITCODEC_HTTP__PORT?"),
    (
        {"TLS__ZZZ": "1"},
        "DIGITCODEC_TLS__ZZZ is no setting; after DIGITCODEC_TLS__ comes one of CERTIFICATE, CLIENT_CA, PRIVATE_KEY",
    ),
    (
        {"BACKEND__TARGET": "dns:///x:1"},
        "DIGITCODEC_BACKEND__TARGET is no setting of the embedded backend; it needs DIGITCODEC_BACKEND__KIND=tfserving",
    ),
    (
        {"BACKEND__KIND": "tfserving", "BACKEND__TARGETS": "dns:///x:1"},
        "DIGITCODEC_BACKEND__TARGETS is no setting; did you mean DIGITCODEC_BACKEND__TARGET?",
    ),
    (
        {"TLS": "1"},
        "DIGITCODEC_TLS is no setting; after DIGITCODEC_TLS__ comes one of CERTIFICATE, CLIENT_CA, PRIVATE_KEY",
    ),
    ({"HTTP": '{"port": {"x": 1}}'}, "DIGITCODEC_HTTP__PORT: Input should be a valid integer, got {'x': 1}"),
    ({"BACKEND__KIND": "triton"}, "DIGITCODEC_BACKEND__KIND: expected one of embedded, tfserving, got 'triton'"),
    (
        {"BACKEND": "tfserving"},
        "DIGITCODEC_BACKEND is no setting; did you mean DIGITCODEC_BACKEND__KIND=tfserving?",
    ),
    (
        {"BACKEND__KIND": "tfserving", "BACKEND__TARGET": "http://x:1"},
        "DIGITCODEC_BACKEND__TARGET: is a URL, expected a gRPC target: dns:///host:port or unix:/path, got 'http://x:1'",
    ),
    (
        {"BACKEND__KIND": "tfserving", "BACKEND__TARGET": "dns:///x"},
        (
            "DIGITCODEC_BACKEND__TARGET: has no port, expected dns:///host:port or unix:/path; "
            "TensorFlow Serving's is 8500, got 'dns:///x'"
        ),
    ),
    (
        {"BACKEND__KIND": "tfserving", "BACKEND__CA_FILE": "/x"},
        "DIGITCODEC_BACKEND__CA_FILE, __CERT_FILE and __SERVER_NAME need DIGITCODEC_BACKEND__TLS=true",
    ),
    (
        {"BACKEND__KIND": "tfserving", "BACKEND__TLS": "true", "BACKEND__KEY_FILE": "/x"},
        "DIGITCODEC_BACKEND__CERT_FILE and __KEY_FILE go together, only one of them is set",
    ),
    (
        {"MODEL__LABELS": '{"stable": 0}'},
        "DIGITCODEC_MODEL__LABELS, stable: Input should be greater than 0, got 0",
    ),
    ({"LIMITS__MAX_TIMEOUT_S": "inf"}, "DIGITCODEC_LIMITS__MAX_TIMEOUT_S: Input should be a finite number, got 'inf'"),
    (
        {"GRPC__MAX_MESSAGE_BYTES": "1000000"},
        (
            "limits.max_rows is 4096, whose gRPC answer takes 3276800 bytes, more than grpc.max_message_bytes 1000000: "
            "lower DIGITCODEC_LIMITS__MAX_ROWS or raise DIGITCODEC_GRPC__MAX_MESSAGE_BYTES"
        ),
    ),
    ({"HTTP__PORT": "70000"}, "DIGITCODEC_HTTP__PORT: Input should be less than or equal to 65535, got '70000'"),
    (
        {"LIMITS__DEFAULT_TIMEOUT_S": "100"},
        "limits.default_timeout_s is 100, more than limits.max_timeout_s 60, to which every timeout is cut",
    ),
]


@pytest.mark.parametrize(("variables", "expected"), FAULTS)
def test_fault_names_the_variable_and_what_would_be_right(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line each; nothing of the library's own words for types and tags."""
    for name, value in variables.items():
        monkeypatch.setenv(f"DIGITCODEC_{name}", value)
    with pytest.raises(ValidationError) as caught:
        load_settings()

    assert [expected] == [describe_fault(fault) for fault in caught.value.errors()]


def test_words_may_be_typed_in_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    """As most loggers want them."""
    monkeypatch.setenv("DIGITCODEC_OBSERVABILITY__LOG_LEVEL", "WARNING")

    assert "warning" == load_settings().observability.log_level
