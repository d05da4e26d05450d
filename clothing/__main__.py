"""`python -m clothing`."""

from clothing.cli import main

main(prog_name="python -m clothing")
