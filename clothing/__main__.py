"""`python -m clothing`."""

from clothing.cli import main
from clothing.journal import tell_of_crashes

tell_of_crashes()
main(prog_name="python -m clothing")
