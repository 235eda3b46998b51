# The bot in a small image: no compiler, no pip, no root, nothing written outside of its volumes.
# The base is pinned by the digest of its index, which holds all platforms. `.ci/image renew` writes the digest that
# the registry has today; another base: --build-arg BASE_IMAGE=…
# Digest: recorded by its makers on 2026-08-05, in docker-library/repo-info, repos/python/remote/3.13-slim-bookworm.md
ARG BASE_IMAGE=python:3.13-slim-bookworm@sha256:67a1e1f215ccda113cfc024e8639049257e88f273898f595b61476d128d387e8

FROM ${BASE_IMAGE} AS build
# Another package index, and a CA that it or a proxy is signed by: --secret id=ca,src=ca.crt
ARG PIP_INDEX_URL=
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
# Two environments: one that builds the bot's wheel, and the one that is shipped.
COPY requirements-build.lock requirements.lock ./
RUN --mount=type=secret,id=ca \
    if [ -f /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi \
 && if [ -z "$PIP_INDEX_URL" ]; then unset PIP_INDEX_URL; fi \
 && python -m venv /build \
 && /build/bin/pip install --no-deps --require-hashes --only-binary :all: \
      -r requirements-build.lock \
 && python -m venv --without-pip /opt/vm-restore-bot \
 && /build/bin/pip --python /opt/vm-restore-bot/bin/python install --no-compile \
      --no-deps --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY bot ./bot
RUN /build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
 && /build/bin/pip --python /opt/vm-restore-bot/bin/python install --no-compile \
      --no-deps --no-index /wheel/*.whl
# What the bot never imports is not shipped.
COPY .ci/trim_image.py /src/
RUN python /src/trim_image.py /opt/vm-restore-bot

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="vm-restore-bot" \
      org.opencontainers.image.description="Restores KubeVirt VMs from snapshots, from Slack" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/vm-restore-bot/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
COPY --from=build /opt/vm-restore-bot /opt/vm-restore-bot
# The store of a bot without REDIS_URL: mount a volume here.
RUN install -d -o 10001 -g 10001 /var/lib/vm-restore-bot
WORKDIR /var/lib/vm-restore-bot
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["vm-restore-bot"]
CMD ["run"]
