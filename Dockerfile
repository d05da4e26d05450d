# The service as a container: ODBC Driver 18, no TensorFlow, not root. A read-only root works, with
# a volume at /app/var (SQLite, compiled models) and a tmpfs at /tmp; compose.yaml shows how.
#
#   docker build -t clothing-returns .
#   docker run -e API_KEY=… -p 127.0.0.1:8000:8000 clothing-returns

FROM python:3.13-slim-bookworm AS packages
WORKDIR /build
COPY requirements-serve.txt .
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements-serve.txt

FROM python:3.13-slim-bookworm
ADD https://packages.microsoft.com/config/debian/12/packages-microsoft-prod.deb /tmp/microsoft.deb
# No versions: a rebuild is to bring the distribution's security updates.
# hadolint ignore=DL3008
RUN dpkg -i /tmp/microsoft.deb \
    && apt-get update \
    && ACCEPT_EULA=Y apt-get install -y --no-install-recommends msodbcsql18 \
    && rm -rf /var/lib/apt/lists/* /tmp/microsoft.deb \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin clothing \
    && install -d -o 10001 /app/var

WORKDIR /app
COPY --from=packages /venv /venv
COPY app.py startup.sh gunicorn.conf.py ./
COPY clothing clothing
COPY model model
COPY images images

ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=8000
USER 10001
VOLUME /app/var
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=20s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health/ready', timeout=15)"]
CMD ["./startup.sh"]
