"""Execute a notebook in place, as `make notebook` does.

    python scripts/execute_notebook.py model.ipynb

Progress goes to the terminal. What native libraries write to the terminal on their own (TensorFlow
greets every start) stays out of the notebook, and so do times and the machine's name.
"""

import os
from pathlib import Path

import click
import nbformat
from nbclient import NotebookClient


@click.command()
@click.argument("notebook", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(notebook: Path) -> None:
    """Execute NOTEBOOK with its folder as the working directory; write it only if all went well."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    story = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    client = NotebookClient(
        story,
        timeout=None,
        record_timing=False,
        resources={"metadata": {"path": str(notebook.resolve().parent)}},
        extra_arguments=["--IPKernelApp.capture_fd_output=False"],
        on_cell_executed=lambda cell, cell_index, execute_reply: click.echo(
            f"cell {cell_index + 1} of {len(story.cells)} done"
        ),
    )
    client.execute()
    nbformat.write(story, notebook)  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
