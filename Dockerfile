# The images: gateway (no TensorFlow), trainer and, where no target is named, embedded. docs/containers.md has the rest.

# Debian with Python 3.11 and pip. Its Python and the C libraries under it are what stays of it.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS builder
WORKDIR /build
COPY deploy/images/install.py .

FROM builder AS python
COPY deploy/images/runtime.py .
RUN python3 runtime.py /runtime

FROM builder AS sources
COPY service /srv/service
COPY training /srv/training
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /srv && mkdir /models

# A pip configuration, for a mirror, comes as a secret: it stays in no layer.
FROM builder AS gateway-packages
COPY requirements/gateway.txt .
RUN --mount=type=secret,id=pip,target=/etc/pip.conf python3 install.py gateway.txt /opt/digitcodec

FROM builder AS embedded-packages
COPY requirements/embedded.txt .
RUN --mount=type=secret,id=pip,target=/etc/pip.conf python3 install.py embedded.txt /opt/digitcodec

FROM builder AS trainer-packages
COPY requirements/train.txt .
RUN --mount=type=secret,id=pip,target=/etc/pip.conf python3 install.py train.txt /opt/digitcodec

FROM scratch AS runtime
COPY --from=python /runtime /
ENV PATH=/usr/local/bin:/usr/bin \
    PYTHONPATH=/opt/digitcodec \
    PYTHONUNBUFFERED=1
WORKDIR /srv
STOPSIGNAL SIGTERM
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="digitcodec" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"

FROM runtime AS service
COPY deploy/images/health.py /opt/health.py
# In a container the network is the container's own; what is published is decided outside.
# The grace ends before the ten seconds after which `docker stop` kills.
ENV DIGITCODEC_HTTP__HOST=0.0.0.0 \
    DIGITCODEC_HTTP__PORT=8000 \
    DIGITCODEC_GRPC__HOST=0.0.0.0 \
    DIGITCODEC_LIMITS__SHUTDOWN_GRACE_S=6 \
    DIGITCODEC_OBSERVABILITY__LOG_FORMAT=json
EXPOSE 8000 8001
HEALTHCHECK --start-period=30s --interval=10s --timeout=3s CMD ["python3", "/opt/health.py"]
ENTRYPOINT ["python3", "-m", "service"]

FROM service AS gateway
LABEL org.opencontainers.image.description="Encodes, cleans and screens 28x28 digit images before TensorFlow Serving"
COPY --from=gateway-packages /opt/digitcodec /opt/digitcodec
COPY --from=sources /srv/service service
# By number: Kubernetes' runAsNonRoot looks at nothing else, and the image has no list of users to change.
USER 10001:10001
ENV DIGITCODEC_BACKEND__KIND=tfserving \
    DIGITCODEC_BACKEND__TARGET=dns:///serving:8500 \
    PYTHONDONTWRITEBYTECODE=1

FROM runtime AS trainer
LABEL org.opencontainers.image.description="Trains models of 28x28 digit images and publishes them in /models"
COPY --from=trainer-packages /opt/digitcodec /opt/digitcodec
COPY --from=sources /srv .
# A new volume that is mounted here takes its owner from it.
COPY --from=sources --chown=10001:10001 /models /models
USER 10001:10001
# Caches of Matplotlib and Keras, and the MNIST that was downloaded, go where a container may write.
ENV HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1
ENTRYPOINT ["python3", "-m", "training"]

FROM service AS embedded
LABEL org.opencontainers.image.description="Encodes, cleans and screens 28x28 digit images, with the model inside"
COPY --from=embedded-packages /opt/digitcodec /opt/digitcodec
COPY models models
COPY --from=sources /srv/service service
USER 10001:10001
ENV PYTHONDONTWRITEBYTECODE=1
