"""Serving on a laptop: waitress, the same on Linux, macOS and Windows.

Owns the address. On Azure gunicorn takes its place; see `startup.sh`.
"""

import errno
import logging

from flask import Flask
from waitress.server import create_server

from clothing.config import Config
from clothing.errors import ConfigError
from clothing.web.site import Site

THREADS = 16
"""Requests at once; one of them may wait for a run for minutes."""

CONNECTIONS = 500
"""Open at once; whoever comes later waits. A browser keeps six."""


def serve_app(app: Flask) -> None:
    """Serve until the process is told to stop; runs that go on then do so without it.

    Raises:
        ConfigError: The address cannot be served, or not without a key.
    """
    site: Site = app.extensions["site"]
    try:
        _serve(app, site.parts.config)
    finally:
        site.parts.store.dispose()


def _serve(app: Flask, config: Config) -> None:
    config.check_address()
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # waiting is not worth a warning
    try:
        server = create_server(
            app,
            host=config.host,
            port=config.port,
            threads=THREADS,
            connection_limit=CONNECTIONS,
        )
    except (ValueError, OSError) as error:  # waitress says ValueError of a name that nobody knows
        if isinstance(error, OSError) and error.errno != errno.EADDRNOTAVAIL:
            raise ConfigError(
                f"PORT={config.port} on {config.host} cannot be served: {error.strerror}. "
                "Is it in use? Set PORT to another number."
            ) from error
        raise ConfigError(
            f"HOST takes an address of this computer. Received: {config.host!r}. "
            "Set it to 127.0.0.1, or to 0.0.0.0 for all of them."
        ) from error
    print(f"Serving http://{config.address} (Ctrl-C stops it)", flush=True)
    try:
        server.run()
    finally:
        server.close()
