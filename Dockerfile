# The service in one image: `docker run gatepost` serves; any other command of `gatepost` works the same way.
# Debian slim and not Alpine: some of the libraries have no wheels for musl.
FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/gatepost
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY service ./service
RUN /opt/gatepost/bin/pip install --no-cache-dir --disable-pip-version-check --constraint constraints.txt '.[postgres,redis]'

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin gatepost \
    && install --directory --owner=gatepost --group=gatepost --mode=0750 /data
COPY --from=build /opt/gatepost /opt/gatepost
# The addresses inside the container; gatepost.toml, mounted read-only, says everything else (and may say these too:
# the environment wins).
ENV PATH=/opt/gatepost/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    GATEPOST_CONFIG=/etc/gatepost/gatepost.toml \
    GATEPOST_SERVER__HOST=0.0.0.0 \
    GATEPOST_DATABASE__URL=sqlite:////data/gatepost.db
USER gatepost
WORKDIR /data
VOLUME /data
EXPOSE 8080
# Ready, not merely alive: a full or read-only store shows here. Exit status 0 or 1, as Docker expects.
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 CMD ["gatepost", "health"]
ENTRYPOINT ["gatepost"]
CMD ["serve"]
