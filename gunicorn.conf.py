"""How gunicorn serves the app; `startup.sh` starts it.

Owns the address, the worker and its time limits. A setting that cannot be used ends it here with
one line: in a worker it would be a traceback, again and again.
"""

import sys
from pathlib import Path

from clothing.config import Config
from clothing.environment import environment
from clothing.errors import ConfigError
from clothing.journal import formatter, tell_of_crashes

try:
    _environ = environment()
    _environ["PORT"] = _environ.get("PORT") or "8000"
    if "WEBSITE_HOSTNAME" in _environ:  # Azure's front end reaches the app by its network address
        _environ["HOST"] = _environ.get("HOST") or "0.0.0.0"
    _config = Config.from_env(_environ)
    _config.check_address()
except ConfigError as error:
    print(f"Error: {error}", file=sys.stderr)
    sys.exit(2)

bind = _config.address

# One worker: one model in memory. A request that waits for a run takes a thread, not the worker; so
# does one that comes slowly, as a photo does from a phone, until it is here.
workers = 1
worker_class = "gthread"
threads = 40
preload_app = False
max_requests = 0

timeout = 240  # Azure cuts a request at 230 s
graceful_timeout = 25
keepalive = 75  # longer than the front end leaves a connection unused, or it meets a closed one

accesslog = None  # the app writes a line for every request, with its caller and without its query
errorlog = "-"
logconfig_dict = {  # gunicorn's own lines in the form of the others
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"ours": {"()": formatter, "config": _config}},
    "handlers": {
        "ours": {
            "class": "logging.StreamHandler",
            "formatter": "ours",
            "stream": "ext://sys.stderr",
        }
    },
    "root": {"level": "WARNING", "handlers": ["ours"]},
    "loggers": {"gunicorn.error": {"level": "INFO", "handlers": ["ours"], "propagate": False}},
}
tell_of_crashes()
control_socket_disable = True  # nobody speaks to it, and a read-only disk has no place for it
if Path("/dev/shm").is_dir():
    worker_tmp_dir = "/dev/shm"  # in memory: a slow disk must not look like a hanging worker
