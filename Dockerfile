# The embedded gateway: TensorFlow on the CPU, the default model, nothing else. Build: docker build -t digitcodec .
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS packages
WORKDIR /build
RUN python3 -m venv /opt/digitcodec
COPY requirements/embedded.txt .
RUN /opt/digitcodec/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes -r embedded.txt

FROM ${BASE}
LABEL org.opencontainers.image.title="digitcodec" \
      org.opencontainers.image.description="Encodes, cleans and screens 28x28 digit images"
RUN useradd --system --uid 10001 --no-create-home digitcodec
COPY --from=packages /opt/digitcodec /opt/digitcodec
WORKDIR /srv
COPY service service
COPY models models
USER 10001
# In a container the network is the container's own; what is published is decided outside.
# The grace ends before the ten seconds after which `docker stop` kills.
ENV DIGITCODEC_HTTP__HOST=0.0.0.0 \
    DIGITCODEC_HTTP__PORT=8000 \
    DIGITCODEC_GRPC__HOST=0.0.0.0 \
    DIGITCODEC_LIMITS__SHUTDOWN_GRACE_S=6 \
    DIGITCODEC_OBSERVABILITY__LOG_FORMAT=json \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
EXPOSE 8000 8001
STOPSIGNAL SIGTERM
HEALTHCHECK --start-period=30s --interval=10s --timeout=3s \
    CMD ["/opt/digitcodec/bin/python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['DIGITCODEC_HTTP__PORT'] + '/startupz', timeout=2)"]
ENTRYPOINT ["/opt/digitcodec/bin/python", "-m", "service"]
