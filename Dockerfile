# The service in one image: `docker run gatepost` serves, once gatepost.toml is mounted; any other command of `gatepost`
# works the same way. Debian slim and not Alpine: some of the libraries have no wheels for musl.
# Docker 25 or newer builds and runs it (HEALTHCHECK --start-interval).
FROM python:3.13-slim AS build
WORKDIR /src
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_CONSTRAINT=constraints.txt PATH=/opt/build/bin:$PATH
RUN python -m venv /opt/build && python -m venv --without-pip /opt/gatepost
# What it depends on comes first and apart: a change of the code installs none of that again.
COPY pyproject.toml constraints.txt ./
RUN python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; e = p['optional-dependencies']; \
print(*p['dependencies'], *e['notify'], *e['postgres'], *e['redis'], sep='\n')" > requirements.txt \
    && pip --python /opt/gatepost/bin/python install --requirement requirements.txt \
    && pip install hatchling
COPY README.md LICENSE ./
COPY service ./service
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && pip --python /opt/gatepost/bin/python install --no-deps /wheels/*.whl

FROM python:3.13-slim
# Numbers that never change: volumes, bind mounts and Kubernetes name the user by them.
RUN groupadd --gid 10001 gatepost \
    && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin gatepost \
    && install --directory --owner=gatepost --group=gatepost --mode=0750 /data /backups
COPY --from=build /opt/gatepost /opt/gatepost
# The addresses inside the container; gatepost.toml, mounted read-only, says everything else (and may say these too:
# the environment wins). What SQLite sorts goes beside the database: /tmp may be small.
ENV PATH=/opt/gatepost/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SQLITE_TMPDIR=/data \
    GATEPOST_CONFIG=/etc/gatepost/gatepost.toml \
    GATEPOST_SERVER__HOST=0.0.0.0 \
    GATEPOST_DATABASE__URL=sqlite:////data/gatepost.db
USER 10001:10001
# No VOLUME: each container without a mount would leave an anonymous one behind. Mount something here.
WORKDIR /data
EXPOSE 8080
# Ready, not merely alive: a full or read-only store shows here. Exit status 0 or 1, as Docker expects.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --start-interval=2s --retries=3 CMD ["gatepost", "health"]
ENTRYPOINT ["gatepost"]
CMD ["serve"]
# Last, because they change with every build: docker build --build-arg REVISION=$(git rev-parse HEAD) --build-arg SOURCE=...
ARG REVISION=""
ARG SOURCE=""
LABEL org.opencontainers.image.title="Gatepost" \
      org.opencontainers.image.description="Self-hosted comment moderation for blogs that already have their own users" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.source="$SOURCE"
