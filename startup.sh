#!/bin/sh
# Starts the web app where gunicorn serves it: Azure Web App, the container, any Linux server.
# gunicorn.conf.py says how; a setting that cannot be used ends it with one line.
set -eu
cd "$(dirname "$0")"
exec python -m gunicorn --config gunicorn.conf.py app:app
