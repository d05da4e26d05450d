"""Puts the sample photos and the model into the containers of an Azurite: `fill_azurite.py FOLDER`.

For compose.yaml and the hosted tests; what is there already stays as it is.
"""

import os
import sys
from pathlib import Path

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient


def fill(service: BlobServiceClient, project: Path) -> None:
    """Upload the files of the folders `images` and `model` to the containers of these names."""
    for name in ("images", "model"):
        container = service.get_container_client(name)
        if not container.exists():
            container.create_container()
        for file in sorted(path for path in (project / name).rglob("*") if path.is_file()):
            blob = file.relative_to(project / name).as_posix()
            try:
                container.upload_blob(blob, file.read_bytes())
            except ResourceExistsError:
                continue
            print(f"{name}/{blob}")


if __name__ == "__main__":
    fill(
        BlobServiceClient.from_connection_string(os.environ["AZURE_STORAGE_CONNECTION_STRING"]),
        Path(sys.argv[1]),
    )
