"""Containers: where photos and models lie.

Owns listing, reading and, for models, writing. It never decodes, and no photo is written here.
"""

import errno
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from clothing.errors import PhotoError, StorageError
from clothing.photos import Photo

MAX_PHOTO_BYTES = 64 * 2**20
"""A larger file is not read: the largest phone photos have about 40 MB."""

MAX_NAME = 1024
"""Characters in a name, as in Azure Blob Storage."""

NAMES_AT_ONCE = 100_000
"""Names of one folder that are sorted at once; with as many to choose from, some 20 MB."""


_OF_WINDOWS = {"thumbs.db", "desktop.ini"}
"""What Explorer writes into folders of pictures; there an attribute hides it."""


class Container(Protocol):
    """A place with names, each with content and an etag that changes when the content does."""

    name: str

    def list_photos(self, prefix: str = "", after: str = "") -> Iterator[Photo]:
        """Yield the photos whose names start with `prefix` and come after `after`, by name.

        Raises:
            StorageError: The container cannot be listed.
        """

    def count_photos(self, prefix: str = "") -> Iterator[int]:
        """Yield how many photos were counted so far, again and again; the last number is all.

        Raises:
            StorageError: The container cannot be listed.
        """

    def download(self, photo: Photo) -> bytes:
        """Return the content of a photo just as it was listed.

        Raises:
            PhotoError: This photo is gone, changed, locked or too large.
            StorageError: The container cannot be read at all.
        """

    def etag(self, name: str) -> str | None:
        """Return the etag of what lies under a name, or None if nothing does."""

    def read(self, name: str) -> bytes:
        """Return what lies under a name.

        Raises:
            StorageError: Nothing does, or it cannot be read.
        """

    def write(self, name: str, content: bytes) -> None:
        """Put content under a name, over what lies there: whole or not at all.

        Whoever reads meanwhile gets all of the new content or all of what was there before.

        Raises:
            StorageError: It cannot be written; what was there before is there still.
        """

    def delete(self, name: str) -> None:
        """Take away what lies under a name; nothing there is fine.

        Raises:
            StorageError: It is there still.
        """


class FolderContainer:
    """A folder as a container: files are photos, `/` in a name is a subfolder.

    Hidden files (`.gitkeep`, `.DS_Store`, Windows' `Thumbs.db`) are not photos. Symbolic links are
    listed but never followed: what they point to lies outside the container. A subfolder that may
    not be listed stands in the listing itself, with a `/` at the end, and cannot be downloaded:
    nobody knows what is missed in it.

    Args:
        name: What the container is called in the tables.
        folder: The folder itself.
    """

    _place: "_Place | None" = None  # of the folder when it was last listed, or else first read

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder

    def list_photos(self, prefix: str = "", after: str = "") -> Iterator[Photo]:
        """Yield the photos in the order of their names, as Azure lists blobs."""
        self._place = place = _place_of(self.folder)
        if place is None:
            raise self._missing()
        for name, status in _files_after(self.folder, prefix, after):
            if status:
                yield Photo(self.name, _fitting(name), _etag(status), status.st_size)
            else:
                yield Photo(self.name, _fitting(name), _UNSEEN, 0)
        self._check(place)

    def count_photos(self, prefix: str = "") -> Iterator[int]:
        """Yield how many photos were counted so far; neither sorted nor asked for their size."""
        number = 0
        folders = [("", self.folder)]
        while folders:
            above, folder = folders.pop()
            try:
                for name in _names_in(folder):
                    inner = above + _text(name)
                    if inner.endswith("/"):
                        if _may_hold(inner, prefix, ""):
                            folders.append((inner, folder / name))
                    elif inner.startswith(prefix):
                        number += 1
            except OSError as error:
                if not above:
                    raise _unlisted(folder, error) from error
                number += not _is_gone(error)  # as it stands in the listing
            yield number

    def download(self, photo: Photo) -> bytes:
        """Return the content of a photo, if it is still the one that was listed."""
        check_size(photo)
        if not _is_name(photo.name):
            raise PhotoError("a name that leads out of the container")
        if photo.name.endswith("/"):
            raise PhotoError(
                "the folder could not be listed, and what is in it is not classified. Let this "
                "user read and enter it, or move it out of the container"
            )
        self._place = self._place or _place_of(self.folder)
        try:
            number = _open_below(self.folder, photo.name)
            try:
                content = _read_all(number, photo.size)
                etag = _etag(os.fstat(number))
            finally:
                os.close(number)
        except OSError as error:
            self._check(self._place)
            if isinstance(error, FileNotFoundError):
                raise PhotoError(_gone(photo.name)) from error
            raise PhotoError(f"the file cannot be read: {error.strerror}") from error
        if etag != photo.etag:
            raise PhotoError("the photo changed while it was read; the next run reads it anew")
        return content

    def etag(self, name: str) -> str | None:
        """Return the etag of a file, or None if there is none; the container must be there."""
        path = self._path(name)
        try:
            if path and path.is_file():
                return _etag(path.stat())
        except OSError:  # such as a name that is longer than the file system takes
            return None
        if not self.folder.is_dir():
            raise self._missing()
        return None

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        path = self._path(name)
        try:
            if path is None:
                raise FileNotFoundError(name)
            return path.read_bytes()
        except OSError as error:
            raise StorageError(
                f"The container {self.name} has no file {name!r} that can be read: "
                f"{error.strerror or 'no such name'}.",
                permanent=True,
            ) from error

    def write(self, name: str, content: bytes) -> None:
        """Write a file and its folders; the container itself must be there."""
        path = self._path(name)
        if path is None:
            raise StorageError(
                f"The container {self.name} takes no file under {name!r}: that is no name within "
                "it. Use another name.",
                permanent=True,
            )
        if not self.folder.is_dir():
            raise self._missing()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(path, content, self.etag(name))
        except OSError as error:
            raise StorageError(
                f"The container {self.name} cannot take the file {name!r}: {error.strerror}. Free "
                "some disk space, or let this user write to the folder.",
                permanent=False,
            ) from error

    def delete(self, name: str) -> None:
        """Remove a file; its folder stays."""
        path = self._path(name)
        if path is None or not self.folder.is_dir() or self.etag(name) is None:
            return
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(
                f"The container {self.name} cannot let go of the file {name!r}: {error.strerror}. "
                "Let this user write to the folder.",
                permanent=False,
            ) from error

    def __getstate__(self) -> dict[str, Any]:
        """Travel without the place, which has other numbers on another computer."""
        return {key: value for key, value in self.__dict__.items() if key != "_place"}

    def _check(self, place: "_Place | None") -> None:
        """Make sure that the folder is where it was: of a share that is unmounted one is left.

        Raises:
            StorageError: It is gone, or another one is there.
        """
        now = _place_of(self.folder)
        if now is None:
            raise self._missing()
        if place and now != place:
            raise StorageError(
                f"The container {self.name} is gone: another folder has taken its place. If it is "
                "a share, mount it again; what was there before is read by the next run.",
                permanent=False,
            )

    def _missing(self) -> StorageError:
        return StorageError(
            f"The container {self.name} does not exist: there is no such folder, or this user may "
            "not see it. Create it, or set STORAGE_URL.",
            permanent=True,
        )

    def _path(self, name: str) -> Path | None:
        """Return where a name lies, or None if it would lie outside the folder."""
        if not _is_name(name):
            return None
        path = self.folder / name
        if path.parent == self.folder:
            return path
        parent, root = path.parent.resolve(), self.folder.resolve()
        return path if parent == root or root in parent.parents else None


def _is_name(name: str) -> bool:
    """Return True if a text may be a file's name, False if no file system takes it."""
    return bool(name) and "\0" not in name and (name.isascii() or _is_whole(name))


def _is_whole(name: str) -> bool:
    """Return True if a text has no half of a character."""
    return name == name.encode(errors="replace").decode()


_ON_THE_WAY = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_AT_THE_END = (
    getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
)


def _open_below(folder: Path, name: str) -> int:
    """Open a file below a folder, and follow no link on the way, nor one at its end.

    It goes down step by step where the system can, so nobody can put a link into the way meanwhile;
    and it makes no `Path`, which would take longer than to read a photo.

    Raises:
        PhotoError: There is a link, or the name leads up.
        OSError: As `os.open` does.
    """
    *above, last = name.split("/")
    if ".." in (*above, last):
        raise PhotoError("a name that leads out of the container")
    if os.open not in os.supports_dir_fd:
        return _open_checked(folder, name)
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in above:
            below = os.open(part, os.O_RDONLY | _ON_THE_WAY, dir_fd=place)
            os.close(place)
            place = below
        return os.open(last, os.O_RDONLY | _AT_THE_END, dir_fd=place)
    except NotADirectoryError as error:  # a link, or a file that was a folder
        raise PhotoError("a name that leads out of the container") from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise PhotoError("a symbolic link; put the photo itself into the folder") from error
        raise
    finally:
        os.close(place)


def _open_checked(folder: Path, name: str) -> int:
    """Open a file below a folder on Windows, where links are looked for before."""
    path = folder / name
    if path.is_symlink():
        raise PhotoError("a symbolic link; put the photo itself into the folder")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise PhotoError("a name that leads out of the container")
    return os.open(path, os.O_RDONLY | _AT_THE_END)


def _read_all(number: int, size: int) -> bytes:
    """Return the content of an open file, most likely of a size, and no more than is read."""
    content = os.read(number, min(size, MAX_PHOTO_BYTES) + 1)
    while more := os.read(number, MAX_PHOTO_BYTES + 1 - len(content)):
        content += more
    return content


def _write_whole(path: Path, content: bytes, etag_before: str | None) -> None:
    """Write a file beside its place, then move it there in one step; on the disk when it returns.

    Args:
        path: Its place.
        content: All of it.
        etag_before: Of what is there now, if anything: what comes must have another, even if it
            has the same size and the clock has not moved on.
    """
    partial = path.with_name(f".{secrets.token_hex(8)}.partial")  # hidden: it is never listed
    try:
        with partial.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        status = partial.stat()
        if _etag(status) == etag_before:
            os.utime(partial, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))
        partial.replace(path)
        _sync_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Bring a folder's names to the disk where the system can; Windows opens no folder."""
    with suppress(OSError):  # the file has its place already: this is no reason to fail
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def check_size(photo: Photo) -> None:
    """Refuse a photo that is too large to be read, with a PhotoError, before it is."""
    if photo.size > MAX_PHOTO_BYTES:
        raise PhotoError(
            f"the file has {photo.size / 2**20:.0f} MB; "
            f"at most {MAX_PHOTO_BYTES / 2**20:.0f} MB are read"
        )


_Place = tuple[int, int]
"""Which folder it is, whatever its name: device and number."""

_WHOLE = MAX_NAME - 17  # so much of a name that is too long stays as it is
_UNSEEN = "unseen"  # the etag of what is listed and may not be looked at


def _place_of(folder: Path) -> _Place | None:
    """Return which folder lies under a path, or None if none does or nobody may see it."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISDIR(status.st_mode) else None


def _files_after(
    folder: Path, prefix: str, after: str
) -> Iterator[tuple[str, os.stat_result | None]]:
    """Yield files as `_files_below`; the name they come after may be one that was cut.

    Where that one lies only its beginning tells: what begins so is passed over, up to itself.
    """
    if not _may_be_cut(after):
        yield from _files_below(folder, prefix, after)
        return
    start = after[:_WHOLE]
    files = _files_below(folder, prefix, start)
    for name, status in files:
        if _fitting(name) == after:
            break
        if not name.startswith(start):
            yield name, status
            break
    yield from files


def _files_below(
    folder: Path, prefix: str, after: str
) -> Iterator[tuple[str, os.stat_result | None]]:
    """Yield name and status of the files below a folder, sorted by name, however deep they lie.

    What may not be looked at has no status; that may be a subfolder, with a `/` at its end.

    Args:
        folder: Where to begin.
        prefix: How the names start.
        after: They come after this one; what does not is neither listed nor looked at.

    Raises:
        StorageError: The folder itself cannot be listed.
    """
    above = [("", f"{folder}{os.sep}", _sorted_names(folder))]
    while above:
        inside, place, names = above[-1]
        try:
            name = next(names, None)
        except OSError as error:
            if not inside:
                raise _unlisted(folder, error) from error
            above.pop()
            if not _is_gone(error) and inside > after:
                yield inside, None
            continue
        if name is None:
            above.pop()
            continue
        inner = inside + _text(name)
        if inner.endswith("/"):
            if _may_hold(inner, prefix, after):
                below = place + name[:-1] + os.sep
                above.append((inner, below, _sorted_names(Path(below))))
        elif inner.startswith(prefix) and inner > after:
            yield from _looked_at(inner, place + name)


def _looked_at(name: str, path: str) -> Iterator[tuple[str, os.stat_result | None]]:
    """Yield a file's name and status; nothing if it vanished since its folder was listed."""
    try:
        status = os.lstat(path)  # a Path for each would take longer than this
    except OSError as error:
        if not _is_gone(error):
            yield name, None
    else:
        yield name, status


def _may_hold(folder: str, prefix: str, after: str) -> bool:
    """Return True if names in a folder may start with `prefix` and come after `after`.

    >>> _may_hold("night/", "night/a", ""), _may_hold("night/", "", "night0")
    (True, False)
    """
    fits = folder.startswith(prefix) or prefix.startswith(folder)
    return fits and (folder > after or after.startswith(folder))


def _is_gone(error: OSError) -> bool:
    """Return True if nothing lies there any more, or no folder, False if it may not be seen."""
    return isinstance(error, FileNotFoundError | NotADirectoryError)


def _unlisted(folder: Path, error: OSError) -> StorageError:
    return StorageError(
        f"The folder {folder.name} cannot be listed: {error.strerror}.", permanent=False
    )


def _sorted_names(folder: Path) -> Iterator[str]:
    """Yield what lies in a folder so that names come out sorted, subfolders with a `/` at the end.

    A large folder is read several times, and never all of it kept: memory stays flat, and a million
    names take seconds longer.
    """
    after = ""
    while names := _smallest(_names_in(folder), after):
        yield from names
        after = _text(names[-1])


def _smallest(names: Iterable[str], after: str) -> list[str]:
    """Return the first `NAMES_AT_ONCE` of the names that come after one, sorted."""
    kept: list[str] = []
    bound = ""
    for name in names:
        text = _text(name)
        if text > after and (not bound or text < bound):
            kept.append(name)
            if len(kept) == 2 * NAMES_AT_ONCE:
                kept = sorted(kept, key=_text)[:NAMES_AT_ONCE]
                bound = _text(kept[-1])
    return sorted(kept, key=_text)[:NAMES_AT_ONCE]


def _names_in(folder: Path) -> Iterator[str]:
    """Yield files, links, and subfolders with a `/` at the end; what is hidden is none of them.

    Raises:
        OSError: The folder cannot be listed, or is gone.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name.lower() in _OF_WINDOWS:
                continue
            if entry.is_dir(follow_symlinks=False):
                yield entry.name + "/"
            elif entry.is_file(follow_symlinks=False) or entry.is_symlink():
                yield entry.name


def _fitting(name: str) -> str:
    """Return a name that the tables take; one that is cut ends in a hash, so it stays its own."""
    if len(name) <= MAX_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{name[:_WHOLE]}…{digest}"


def _may_be_cut(name: str) -> bool:
    return len(name) == MAX_NAME and name[_WHOLE] == "…"


def _etag(status: os.stat_result) -> str:
    return f"{status.st_mtime_ns:x}-{status.st_size:x}"


def _gone(name: str) -> str:
    """Say why nothing lies under a name that was listed."""
    if _may_be_cut(name):
        return f"the name is too long; at most {MAX_NAME} characters are read"
    if re.search(r"\\x[0-9a-f]{2}", name):
        return "the file's name is not UTF-8; give it a plain one"
    return "the photo is no longer in the container"


def _text(name: str) -> str:
    r"""Return a file's name as text that a database takes: bytes that are no UTF-8 as `\xff`."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "backslashreplace")
