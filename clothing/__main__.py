"""`python -m clothing`."""

import sys

from clothing.cli import main
from clothing.journal import tell_of_crashes

tell_of_crashes()
if hasattr(sys.stdout, "reconfigure"):  # a pipe on Windows has few letters, and no bars
    sys.stdout.reconfigure(errors="replace")
main(prog_name="python -m clothing")
