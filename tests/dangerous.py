"""Containers whose photos are slow, or kill whoever opens them: for workers, which unpickle them.

Never let a process that matters download from one that kills.
"""

import os
import signal
import time
from pathlib import Path

from clothing.errors import StorageError
from clothing.photos import Photo
from clothing.storage import FolderContainer


class Slow(FolderContainer):
    """A folder that takes its time, so that something can happen meanwhile."""

    def download(self, photo: Photo) -> bytes:
        time.sleep(0.01)
        return super().download(photo)


class Deadly(FolderContainer):
    """A folder whose photos called `poison` take the process with them that opens them."""

    def download(self, photo: Photo) -> bytes:
        if "poison" in photo.name:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().download(photo)


class Down(FolderContainer):
    """A folder that is listed and gives nothing."""

    def download(self, photo: Photo) -> bytes:
        raise StorageError("The storage does not answer.", permanent=False)


class Elsewhere(FolderContainer):
    """A folder that no other process can see."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name, folder)
        self._pid = os.getpid()

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__ |= {**state, "folder": Path("/nowhere")}


class Lethal(FolderContainer):
    """A folder that kills whoever only asks how much is in it, but for the process it is from."""

    def __setstate__(self, state: dict[str, object]) -> None:
        os.kill(os.getpid(), signal.SIGKILL)
