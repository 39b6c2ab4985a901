# One image for web, worker and every command of manage.py. docs/deploy.md says how it is run, compose.yaml runs it.
ARG PYTHON=docker.io/library/python:3.13.16-slim-trixie

# hadolint global ignore=DL3008
# (Debian takes versions of packages away when it mends them: what is pinned is the release, by the tag above.)

FROM ${PYTHON} AS build
# Back-ups of PostgreSQL are made by its own programs, of the version that compose.yaml runs: an older server does not
# take what newer programs restore.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-client-17 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements.txt .
# Before the program, so that a change of the program does not install it all anew.
RUN python3 -m venv --without-pip /opt/venv \
    && python3 -m pip --python /opt/venv/bin/python install --no-cache-dir --no-compile --requirement requirements.txt
COPY . .
RUN READ_DOT_ENV=false SECRET_KEY=collecting VAR_DIR=/tmp/var \
        /opt/venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
    && /opt/venv/bin/python -m compileall -q /opt/venv/lib jobs sandbox seedream_site

FROM ${PYTHON}
# tini hands signals on, and buries the processes of a queue whose worker restarted it.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libpq5 tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --home-dir /var/lib/seedream --shell /usr/sbin/nologin seedream \
    && install --directory --owner=seedream --group=seedream --mode=700 /var/lib/seedream
COPY --from=build /usr/lib/postgresql/17/bin/pg_dump /usr/lib/postgresql/17/bin/pg_restore /usr/local/bin/
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    READ_DOT_ENV=false \
    VAR_DIR=/var/lib/seedream \
    HOST=0.0.0.0 \
    PORT=8000
WORKDIR /app
USER 10001:10001
VOLUME /var/lib/seedream
EXPOSE 8000
ENTRYPOINT ["tini", "--"]
CMD ["python", "manage.py", "web"]
# Of the web. A worker watches itself, and every page tells when none works: compose.yaml switches this off for it.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/readyz\", timeout=4)"]
