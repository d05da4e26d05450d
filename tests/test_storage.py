"""Containers: what any of them owes its callers, then what a folder adds.

The first part takes a `shelf`, a container that the test may fill. Another kind of container joins
by a class like `FolderShelf` and one more entry in `SHELVES`.
"""

import os
import pickle
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clothing import storage
from clothing.errors import PhotoError, StorageError
from clothing.photos import Photo
from clothing.storage import MAX_NAME, MAX_PHOTO_BYTES, Container, FolderContainer
from tests.azurite import Azurite
from tests.needs import as_a_user

AWKWARD_NAMES = {
    "space": "summer dress.jpg",
    "spaces around": " dress .jpg",
    "single quote": "o'neill.jpg",
    "double quote": 'size "M".jpg',
    "percent": "100%.jpg",
    "percent code": "a%2Fb.jpg",
    "question mark": "which?.jpg",
    "hash": "return #7.jpg",
    "plus and and": "hat+coat&bag.jpg",
    "semicolon": "a;b=c.jpg",
    "umlaut": "Größe.jpg",
    "combining accent": "e\u0301te.jpg",
    "right to left": "מעיל.jpg",
    "emoji": "👗🏽.jpg",
    "no suffix": "photo",
    "two suffixes": "photo.jpg.txt",
    "folders": "2026/03/01/a.jpg",
    "900 characters": "/".join(["n" * 99] * 9),
    "dash": "-rf",
    "tilde": "~",
    "brackets": "[a]*{b}.jpg",
}

NO_NAMES = {
    "above": "../secret.jpg",
    "above by a folder": "night/../../secret.jpg",
    "above by a folder that does not exist": "nowhere/../../secret.jpg",
    "the folder itself": ".",
    "the folder above": "..",
    "empty": "",
    "NUL": "a.jpg\0",
    "NUL before": "\0/a.jpg",
    "too long": "n" * 5000,
    "longer than a file system takes": "n" * 300,
    "half a character": "\ud800.jpg",
    "a folder": "night",
    "nothing": "nothing.jpg",
    "below a photo": "a.jpg/b.jpg",
}
"""Names under which a container with `a.jpg` and `night/b.jpg` has nothing."""


class Shelf(Protocol):
    """A container, and the hands to fill it."""

    @property
    def container(self) -> Container: ...

    def put(self, name: str, content: bytes) -> None:
        """Lay down a file, over the one of that name."""

    def remove(self, name: str) -> None:
        """Take a file away."""


class FolderShelf:
    """A folder, filled as a camera's software fills it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "images"
        self.folder.mkdir()
        self.container: Container = FolderContainer("images", self.folder)
        self._written = 0

    def put(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self._written += 1  # a test is faster than the clock of some file systems
        os.utime(path, ns=(0, 1_700_000_000_000_000_000 + self._written))

    def remove(self, name: str) -> None:
        (self.folder / name).unlink()


class AzureShelf:
    """A container in Azurite."""

    def __init__(self, azurite: Azurite) -> None:
        self.container: Container = azurite.container()

    def put(self, name: str, content: bytes) -> None:
        self.container.write(name, content)

    def remove(self, name: str) -> None:
        self.container.delete(name)


SHELVES: dict[str, Callable[[pytest.FixtureRequest], Shelf]] = {
    "azure": lambda request: AzureShelf(request.getfixturevalue("azurite")),
    "folder": lambda request: FolderShelf(request.getfixturevalue("tmp_path")),
}


@pytest.fixture(params=sorted(SHELVES))
def shelf(request: pytest.FixtureRequest) -> Shelf:
    """An empty container of each kind."""
    kind: str = request.param
    return SHELVES[kind](request)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a container that holds `a.jpg` and `night/b.jpg`; a secret lies beside it."""
    images = tmp_path / "images"
    (images / "night").mkdir(parents=True)
    (images / "a.jpg").write_bytes(b"a")
    (images / "night" / "b.jpg").write_bytes(b"b")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    return images


def names_in(container: Container, prefix: str = "", after: str = "") -> list[str]:
    return [photo.name for photo in container.list_photos(prefix, after)]


def the_photo(container: Container, name: str) -> Photo:
    """Return a photo as the listing has it."""
    return next(photo for photo in container.list_photos() if photo.name == name)


# Every container


def test_an_empty_container_lists_nothing(shelf: Shelf) -> None:
    assert names_in(shelf.container) == []


def test_a_photo_is_listed_with_all_that_is_known_of_it(shelf: Shelf) -> None:
    shelf.put("night/a.jpg", b"content")

    photos = list(shelf.container.list_photos())

    etag = shelf.container.etag("night/a.jpg")
    assert photos == [Photo(shelf.container.name, "night/a.jpg", str(etag), 7)]


@pytest.mark.parametrize("prefix", ["", "n", "night/", "night/a", "other/"])
def test_as_many_photos_are_counted_as_are_listed(shelf: Shelf, prefix: str) -> None:
    for name in ("a.jpg", "n.jpg", "night/a.jpg", "night/b.jpg", "night/deep/c.jpg", "z/a.jpg"):
        shelf.put(name, b"content")
    shelf.put("night/.hidden", b"content")

    counted = [0, *shelf.container.count_photos(prefix)]

    assert counted[-1] == len(names_in(shelf.container, prefix))


@pytest.mark.parametrize("name", AWKWARD_NAMES.values(), ids=AWKWARD_NAMES)
def test_whatever_its_name_a_photo_is_listed_and_read(shelf: Shelf, name: str) -> None:
    shelf.put(name, b"content")
    shelf.put("other.jpg", b"other")

    photo = the_photo(shelf.container, name)

    assert shelf.container.download(photo) == b"content"
    assert shelf.container.read(name) == b"content"
    assert shelf.container.etag(name) == photo.etag


@pytest.mark.parametrize("content", [b"", b"\0", bytes(range(256)) * 999])
def test_content_comes_back_byte_for_byte(shelf: Shelf, content: bytes) -> None:
    shelf.put("a.jpg", content)

    photo = the_photo(shelf.container, "a.jpg")

    assert photo.size == len(content)
    assert shelf.container.download(photo) == content


def test_photos_come_in_the_order_of_their_names(shelf: Shelf) -> None:
    names = ["B.jpg", "a-b.jpg", "a.jpg", "a/b.jpg", "a/c/d.jpg", "a/c.jpg", "a0.jpg", "é.jpg"]
    for name in reversed(names):
        shelf.put(name, b"")

    assert names_in(shelf.container) == sorted(names)


@pytest.mark.parametrize(
    ("prefix", "listed"),
    [
        ("", ["day/night/e.jpg", "night.jpg", "night/a.jpg", "night/b/c.jpg", "nightly/d.jpg"]),
        ("night/", ["night/a.jpg", "night/b/c.jpg"]),
        ("night", ["night.jpg", "night/a.jpg", "night/b/c.jpg", "nightly/d.jpg"]),
        ("night/b/c.jpg", ["night/b/c.jpg"]),
        ("Night", []),
        ("/night", []),
        ("night/../day/", []),
    ],
)
def test_a_prefix_is_how_the_names_begin(shelf: Shelf, prefix: str, listed: list[str]) -> None:
    for name in ("day/night/e.jpg", "night.jpg", "night/a.jpg", "night/b/c.jpg", "nightly/d.jpg"):
        shelf.put(name, b"")

    assert names_in(shelf.container, prefix) == listed


@pytest.mark.parametrize(
    ("after", "listed"),
    [
        ("", ["a.jpg", "b/c.jpg", "d.jpg"]),
        ("a.jpg", ["b/c.jpg", "d.jpg"]),
        ("b", ["b/c.jpg", "d.jpg"]),
        ("b/c.jpg", ["d.jpg"]),
        ("c", ["d.jpg"]),
        ("d.jpg", []),
    ],
)
def test_after_a_name_the_listing_goes_on_behind_it(
    shelf: Shelf, after: str, listed: list[str]
) -> None:
    for name in ("a.jpg", "b/c.jpg", "d.jpg"):
        shelf.put(name, b"")

    assert names_in(shelf.container, after=after) == listed


def test_prefix_and_after_hold_together(shelf: Shelf) -> None:
    for name in ("a.jpg", "b/a.jpg", "b/b.jpg", "c.jpg"):
        shelf.put(name, b"")

    assert names_in(shelf.container, prefix="b/", after="b/a.jpg") == ["b/b.jpg"]


def test_page_by_page_every_photo_comes_once(shelf: Shelf) -> None:
    names = ["a b.jpg", "a'b.jpg", "a.jpg", "a/b.jpg", "ä.jpg"]
    for name in names:
        shelf.put(name, b"")

    paged: list[str] = []
    while page := names_in(shelf.container, after=paged[-1] if paged else "")[:1]:
        paged += page

    assert paged == sorted(names)


def test_a_photo_that_is_gone_is_refused(shelf: Shelf) -> None:
    shelf.put("a.jpg", b"content")
    photo = the_photo(shelf.container, "a.jpg")
    shelf.remove("a.jpg")

    with pytest.raises(PhotoError, match="no longer in the container"):
        shelf.container.download(photo)


@pytest.mark.parametrize("content", [b"longer content", b"CONTENT"], ids=["size", "same size"])
def test_a_photo_that_changed_since_it_was_listed_is_refused(shelf: Shelf, content: bytes) -> None:
    shelf.put("a.jpg", b"content")
    photo = the_photo(shelf.container, "a.jpg")
    shelf.put("a.jpg", content)

    with pytest.raises(PhotoError, match="changed"):
        shelf.container.download(photo)


def test_an_etag_changes_with_the_content_only(shelf: Shelf) -> None:
    shelf.put("a.jpg", b"content")
    before = shelf.container.etag("a.jpg")

    assert shelf.container.etag("a.jpg") == before

    shelf.put("a.jpg", b"CONTENT")
    assert shelf.container.etag("a.jpg") not in (None, before)


def test_a_photo_that_is_too_large_is_refused_before_it_is_read(shelf: Shelf) -> None:
    photo = Photo(shelf.container.name, "a.jpg", "etag", 65 * 2**20)

    with pytest.raises(PhotoError, match="65 MB; at most 64 MB"):
        shelf.container.download(photo)


def test_what_is_gone_has_no_etag_and_cannot_be_read(shelf: Shelf) -> None:
    shelf.put("model.keras", b"model")
    shelf.remove("model.keras")

    assert shelf.container.etag("model.keras") is None
    with pytest.raises(StorageError, match=r"images has no file 'model\.keras'") as refusal:
        shelf.container.read("model.keras")
    assert refusal.value.permanent


@pytest.mark.parametrize("name", AWKWARD_NAMES.values(), ids=AWKWARD_NAMES)
def test_whatever_its_name_what_is_written_is_read(shelf: Shelf, name: str) -> None:
    shelf.container.write(name, b"content")

    assert shelf.container.read(name) == b"content"
    assert names_in(shelf.container) == [name]


@pytest.mark.parametrize("content", [b"", b"\0", bytes(range(256)) * 999])
def test_content_is_written_byte_for_byte(shelf: Shelf, content: bytes) -> None:
    shelf.container.write("model.keras", content)

    assert shelf.container.read("model.keras") == content


def test_writing_takes_the_place_of_what_was_there(shelf: Shelf) -> None:
    shelf.put("model.keras", b"a long content")

    shelf.container.write("model.keras", b"short")

    assert shelf.container.read("model.keras") == b"short"
    assert names_in(shelf.container) == ["model.keras"]


def test_every_new_content_has_a_new_etag_however_fast_it_comes(shelf: Shelf) -> None:
    etags = []
    for number in range(20):
        shelf.container.write("model.keras", f"{number:02}".encode())
        etags.append(shelf.container.etag("model.keras"))

    assert all(before != after for before, after in pairwise(etags))


def test_whoever_reads_while_it_is_written_gets_the_one_or_the_other(shelf: Shelf) -> None:
    contents = [bytes([letter]) * 300_000 for letter in b"ab"]
    shelf.container.write("model.keras", contents[0])

    with ThreadPoolExecutor(1) as pool:

        def write() -> None:
            for turn in range(20):
                shelf.container.write("model.keras", contents[turn % 2])

        writing = pool.submit(write)
        seen = {shelf.container.read("model.keras")}
        while not writing.done():
            seen.add(shelf.container.read("model.keras"))
    writing.result()

    assert seen <= set(contents)


def test_what_is_deleted_is_gone_and_its_neighbours_are_not(shelf: Shelf) -> None:
    for name in ("night/a.jpg", "night/b.jpg"):
        shelf.container.write(name, b"content")

    shelf.container.delete("night/a.jpg")

    assert shelf.container.etag("night/a.jpg") is None
    assert names_in(shelf.container) == ["night/b.jpg"]


def test_deleting_what_is_not_there_is_fine(shelf: Shelf) -> None:
    shelf.container.delete("nothing.keras")
    shelf.container.delete("nowhere/nothing.keras")

    assert names_in(shelf.container) == []


# A folder

_segments = st.text("ab-.0 é～😀", min_size=1, max_size=3).filter(lambda name: name[0] != ".")
_trees = st.sets(st.lists(_segments, min_size=1, max_size=3).map("/".join), max_size=12)


@settings(max_examples=40, deadline=None)
@given(_trees)
def test_any_tree_is_listed_in_the_order_of_its_names(tree: set[str]) -> None:
    names = [name for name in tree if not any(other.startswith(name + "/") for other in tree)]
    with tempfile.TemporaryDirectory() as folder:
        shelf = FolderShelf(Path(folder))
        for name in names:
            shelf.put(name, b"")

        listed = names_in(shelf.container)

    assert listed == sorted(names)


@pytest.mark.parametrize(
    "hidden",
    [
        *(".gitkeep", ".DS_Store", ".git/a.jpg", "night/.a.jpg.swp"),
        *("Thumbs.db", "night/desktop.ini"),
    ],
)
def test_hidden_files_are_no_photos(folder: Path, hidden: str) -> None:
    (folder / hidden).parent.mkdir(exist_ok=True)
    (folder / hidden).write_bytes(b"hidden")

    assert names_in(FolderContainer("images", folder)) == ["a.jpg", "night/b.jpg"]


@pytest.mark.parametrize("target", ["a.jpg", "../secret.jpg", "night", "..", "nowhere"])
def test_a_symbolic_link_is_listed_and_refused(folder: Path, target: str) -> None:
    (folder / "link").symlink_to(target)
    container = FolderContainer("images", folder)

    photo = the_photo(container, "link")

    assert names_in(container) == ["a.jpg", "link", "night/b.jpg"]
    with pytest.raises(PhotoError, match="symbolic link"):
        container.download(photo)


def test_a_photo_behind_a_link_to_another_folder_is_out_of_reach(folder: Path) -> None:
    (folder / "link").symlink_to(folder.parent)
    _assert_out_of_reach(FolderContainer("images", folder), "link/secret.jpg")


def test_a_container_may_itself_be_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    container = FolderContainer("images", tmp_path / "link")

    assert names_in(container) == ["a.jpg", "night/b.jpg"]
    assert container.download(the_photo(container, "night/b.jpg")) == b"b"


@pytest.mark.parametrize("name", NO_NAMES.values(), ids=NO_NAMES)
def test_a_name_that_is_none_reaches_nothing(folder: Path, name: str) -> None:
    _assert_out_of_reach(FolderContainer("images", folder), name)


def test_an_absolute_name_reaches_nothing(folder: Path) -> None:
    _assert_out_of_reach(FolderContainer("images", folder), str(folder.parent / "secret.jpg"))


def _assert_out_of_reach(container: FolderContainer, name: str) -> None:
    assert container.etag(name) is None
    with pytest.raises(StorageError):
        container.read(name)
    with pytest.raises(PhotoError):
        container.download(Photo("images", name, "etag", 6))


@pytest.fixture
def bytes_folder(folder: Path) -> Path:
    """The same with a photo whose name is Latin-1, where the file system takes such a name."""
    try:
        with open(os.fsencode(folder) + b"/gr\xfcn.jpg", "wb") as file:  # noqa: PTH123 - bytes
            file.write(b"green")
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    return folder


def test_a_name_that_is_not_utf_8_is_listed_as_text_a_database_takes(bytes_folder: Path) -> None:
    names = names_in(FolderContainer("images", bytes_folder))

    assert r"gr\xfcn.jpg" in names
    assert "".join(names).encode()


def test_a_name_that_is_not_utf_8_keeps_its_place_in_the_order(bytes_folder: Path) -> None:
    (bytes_folder / "grün.jpg").write_bytes(b"green")
    (bytes_folder / "gr0n.jpg").write_bytes(b"green")

    names = names_in(FolderContainer("images", bytes_folder))

    assert names == sorted(names)


def test_a_photo_whose_name_is_not_utf_8_is_read_or_its_name_is_blamed(bytes_folder: Path) -> None:
    container = FolderContainer("images", bytes_folder)
    photo = the_photo(container, r"gr\xfcn.jpg")

    try:
        content = container.download(photo)
    except PhotoError as reason:
        assert "not UTF-8" in str(reason)
    else:
        assert content == b"green"


@pytest.mark.parametrize("at_once", [1, 3, 10, 100])
def test_a_folder_too_large_to_be_sorted_at_once_comes_out_sorted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(storage, "NAMES_AT_ONCE", at_once)
    names = [f"{n * 7919 % 100:02}.jpg" for n in range(40)]
    names += ["50/a.jpg", "50/b.jpg", "50-a.jpg", "ö.jpg", "z.jpg"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")

    assert names_in(FolderContainer("images", tmp_path)) == sorted(names)


def test_a_file_that_vanishes_during_the_listing_is_left_out(folder: Path) -> None:
    (folder / "c.jpg").write_bytes(b"c")
    listing = FolderContainer("images", folder).list_photos()

    first = next(listing)
    (folder / "c.jpg").unlink()
    others = list(listing)

    assert [photo.name for photo in (first, *others)] == ["a.jpg", "night/b.jpg"]


def test_a_subfolder_that_vanishes_during_the_listing_is_left_out(folder: Path) -> None:
    (folder / "z.jpg").write_bytes(b"z")
    listing = FolderContainer("images", folder).list_photos()

    first = next(listing)
    shutil.rmtree(folder / "night")
    others = list(listing)

    assert [photo.name for photo in (first, *others)] == ["a.jpg", "z.jpg"]


def test_a_subfolder_that_became_a_file_during_the_listing_is_left_out(folder: Path) -> None:
    listing = FolderContainer("images", folder).list_photos()

    first = next(listing)
    shutil.rmtree(folder / "night")
    (folder / "night").write_bytes(b"")

    assert [photo.name for photo in (first, *listing)] == ["a.jpg"]


@pytest.fixture
def guarded() -> Iterator[Path]:
    """A folder that everybody may enter, with a subfolder whose mode a test sets."""
    with tempfile.TemporaryDirectory() as above:
        folder = Path(above) / "images"
        for name in ("a.jpg", "guarded/b.jpg", "z.jpg"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(b"content")
        Path(above).chmod(0o755)
        yield folder
        (folder / "guarded").chmod(0o755)


@pytest.mark.parametrize(
    ("mode", "name", "reason"),
    [
        (0o000, "guarded/", "could not be listed.*Let this user read and enter it"),
        (0o111, "guarded/", "could not be listed"),
        (0o444, "guarded/b.jpg", "cannot be read: Permission denied"),
    ],
    ids=["closed", "not to be listed", "not to be entered"],
)
def test_what_is_in_a_closed_subfolder_is_neither_lost_nor_costs_the_rest(
    guarded: Path, mode: int, name: str, reason: str
) -> None:
    (guarded / "guarded").chmod(mode)
    container = FolderContainer("images", guarded)

    with as_a_user():
        assert names_in(container) == ["a.jpg", name, "z.jpg"]
        assert names_in(container, prefix="guarded/b") == [name]
        assert names_in(container, prefix="a") == ["a.jpg"]
        assert names_in(container, after=name) == ["z.jpg"]
        assert [*container.count_photos()][-1] == 3
        with pytest.raises(PhotoError, match=reason):
            container.download(the_photo(container, name))


def test_a_container_that_may_not_be_listed_is_out_of_order(guarded: Path) -> None:
    container = FolderContainer("guarded", guarded / "guarded")
    container.folder.chmod(0)

    with as_a_user():
        with pytest.raises(StorageError, match="guarded cannot be listed: Permission denied"):
            names_in(container)
        with pytest.raises(StorageError, match="guarded cannot be listed: Permission denied"):
            list(container.count_photos())


def test_a_container_in_a_closed_folder_is_out_of_order(guarded: Path) -> None:
    (guarded / "guarded").chmod(0)

    with as_a_user(), pytest.raises(StorageError, match="this user may not see it"):
        names_in(FolderContainer("inner", guarded / "guarded" / "inner"))


def test_only_what_may_be_meant_is_looked_at(folder: Path) -> None:
    for name in ("day/a.jpg", "night/a.jpg", "night/late/a.jpg", "night/late/b.jpg", "z/a.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    looked_at: list[str] = []

    def noting(see: Callable[[str], object]) -> Callable[[str], object]:
        def look(path: str) -> object:
            looked_at.append(str(path)[len(str(folder)) :].strip("/"))
            return see(path)

        return look

    with pytest.MonkeyPatch.context() as meanwhile:  # pytest's own cleaning looks, too
        for name in ("lstat", "scandir"):
            meanwhile.setattr(os, name, noting(getattr(os, name)))
        names = names_in(FolderContainer("images", folder), "night/", "night/late/a.jpg")

    assert names == ["night/late/b.jpg"]
    assert set(looked_at) == {"", "night", "night/late", "night/late/b.jpg"}


@pytest.fixture
def unmounted(folder: Path) -> Callable[[], None]:
    """What leaves an empty folder in a container's place, as where a share is unmounted."""

    def unmount() -> None:
        folder.rename(folder.with_name("elsewhere"))
        folder.mkdir()

    return unmount


@pytest.mark.parametrize("travelled", [False, True], ids=["here", "in another process"])
def test_photos_of_a_share_that_is_unmounted_are_not_said_to_be_gone(
    folder: Path, unmounted: Callable[[], None], travelled: bool
) -> None:
    container = FolderContainer("images", folder)
    photos = list(container.list_photos())
    if travelled:
        container = pickle.loads(pickle.dumps(container))
        container.download(photos[0])

    unmounted()

    with pytest.raises(StorageError, match="another folder has taken its place") as refusal:
        container.download(photos[1])
    assert not refusal.value.permanent


def test_the_listing_of_a_share_that_is_unmounted_does_not_just_end(
    folder: Path, unmounted: Callable[[], None]
) -> None:
    listing = FolderContainer("images", folder).list_photos()
    next(listing)

    unmounted()

    with pytest.raises(StorageError, match="another folder has taken its place"):
        list(listing)


def test_a_container_that_travels_may_be_another_folder_there(
    folder: Path, unmounted: Callable[[], None]
) -> None:
    container = FolderContainer("images", folder)
    photos = list(container.list_photos())
    sent = pickle.dumps(container)
    unmounted()

    with pytest.raises(PhotoError, match="no longer in the container"):
        pickle.loads(sent).download(photos[0])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_no_photo_because_reading_it_would_wait_forever(folder: Path) -> None:
    os.mkfifo(folder / "pipe.jpg")

    assert names_in(FolderContainer("images", folder)) == ["a.jpg", "night/b.jpg"]


def test_folders_may_nest_as_deeply_as_a_name_is_long(folder: Path) -> None:
    name = "d/" * ((MAX_NAME - 1) // 2) + "c.jpg"[: MAX_NAME % 2 + 1]
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_bytes(b"deep")
    container = FolderContainer("images", folder)

    assert container.download(the_photo(container, name)) == b"deep"


@pytest.mark.skipif(os.name == "nt", reason="paths on Windows end earlier")
def test_names_that_are_too_long_are_listed_cut_each_its_own_and_refused(folder: Path) -> None:
    deep = folder / ("d/" * 600)  # shutil.rmtree, which cleans up, gives up at 1,000
    deep.mkdir(parents=True)
    (deep / "one.jpg").write_bytes(b"1")
    (deep / "two.jpg").write_bytes(b"2")
    container = FolderContainer("images", folder)

    long = [photo for photo in container.list_photos() if photo.name.startswith("d/")]

    assert len({photo.name for photo in long}) == 2
    assert all(len(photo.name) <= MAX_NAME for photo in long)
    assert list(container.list_photos(after=long[0].name))[0] == long[1]
    after_both = [photo.name for photo in container.list_photos(after=long[1].name)]
    assert after_both == [name for name in names_in(container) if name > "d/e"]
    for photo in long:
        with pytest.raises(PhotoError, match="name is too long"):
            container.download(photo)


def test_a_photo_that_became_a_folder_is_refused_with_a_reason(folder: Path) -> None:
    container = FolderContainer("images", folder)
    photo = the_photo(container, "a.jpg")
    (folder / "a.jpg").unlink()
    (folder / "a.jpg").mkdir()

    with pytest.raises(PhotoError, match=r"cannot be read: \w+"):
        container.download(photo)


def test_a_file_that_is_too_large_is_listed_and_refused(folder: Path) -> None:
    with (folder / "film.mov").open("wb") as file:
        file.truncate(MAX_PHOTO_BYTES + 1)  # takes no room on the disk
    container = FolderContainer("images", folder)

    with pytest.raises(PhotoError, match="at most 64 MB"):
        container.download(the_photo(container, "film.mov"))


def test_a_file_of_just_the_largest_size_is_read(folder: Path) -> None:
    with (folder / "poster.tif").open("wb") as file:
        file.truncate(MAX_PHOTO_BYTES)
    container = FolderContainer("images", folder)

    content = container.download(the_photo(container, "poster.tif"))

    assert len(content) == MAX_PHOTO_BYTES


def test_a_container_that_does_not_exist_is_named_with_a_remedy(tmp_path: Path) -> None:
    container = FolderContainer("images", tmp_path / "nowhere")

    with pytest.raises(StorageError, match="images does not exist.*STORAGE_URL") as refusal:
        names_in(container)
    assert refusal.value.permanent


def test_a_file_is_no_container(folder: Path) -> None:
    with pytest.raises(StorageError, match="does not exist"):
        names_in(FolderContainer("images", folder / "a.jpg"))


def test_a_container_that_does_not_exist_has_nothing_to_read(tmp_path: Path) -> None:
    container = FolderContainer("images", tmp_path / "nowhere")

    with pytest.raises(StorageError, match="images does not exist.*STORAGE_URL"):
        container.etag("a.jpg")
    with pytest.raises(StorageError):
        container.read("a.jpg")
    with pytest.raises(StorageError, match="does not exist"):
        container.download(Photo("images", "a.jpg", "etag", 6))


@pytest.mark.parametrize(
    "name", [name for name in NO_NAMES.values() if name != "nothing.jpg"], ids=str.__repr__
)
def test_a_name_that_is_none_is_not_written(folder: Path, name: str) -> None:
    container = FolderContainer("images", folder)
    before = everything_below(folder.parent)

    with pytest.raises(StorageError, match=r"images (takes no|cannot take the) file"):
        container.write(name, b"planted")
    container.delete(name)

    assert everything_below(folder.parent) == before


def test_writing_through_a_link_does_not_leave_the_container(folder: Path) -> None:
    (folder / "above").symlink_to(folder.parent)
    (folder / "file").symlink_to(folder.parent / "secret.jpg")
    container = FolderContainer("images", folder)

    with pytest.raises(StorageError, match="takes no file under"):
        container.write("above/secret.jpg", b"planted")
    container.write("file", b"planted")
    container.delete("above/secret.jpg")

    assert (folder.parent / "secret.jpg").read_bytes() == b"secret"
    assert (folder / "file").read_bytes() == b"planted"


def test_deleting_a_link_leaves_what_it_points_to(folder: Path) -> None:
    (folder / "file").symlink_to(folder.parent / "secret.jpg")

    FolderContainer("images", folder).delete("file")

    assert not (folder / "file").is_symlink()
    assert (folder.parent / "secret.jpg").read_bytes() == b"secret"


def test_nothing_is_written_to_a_container_that_does_not_exist(tmp_path: Path) -> None:
    container = FolderContainer("model", tmp_path / "nowhere")

    with pytest.raises(StorageError, match="model does not exist.*Create it"):
        container.write("model.keras", b"content")
    container.delete("model.keras")

    assert not (tmp_path / "nowhere").exists()


@pytest.mark.skipif(os.name == "nt", reason="no such limit")
def test_a_disk_that_takes_no_more_leaves_what_was_there(folder: Path) -> None:
    container = FolderContainer("images", folder)
    before = everything_below(folder)

    with (
        files_of_at_most(1000),
        pytest.raises(StorageError, match="cannot take.*Free some disk space") as refusal,
    ):
        container.write("a.jpg", b"n" * 5000)

    assert everything_below(folder) == before
    assert not refusal.value.permanent


@pytest.mark.skipif(os.name == "nt", reason="no modes")
def test_what_is_written_can_be_read_by_those_who_read_its_neighbours(folder: Path) -> None:
    FolderContainer("images", folder).write("model.keras", b"content")

    modes = {stat.S_IMODE((folder / name).stat().st_mode) for name in ("a.jpg", "model.keras")}
    assert len(modes) == 1


def everything_below(folder: Path) -> dict[Path, bytes]:
    """Return the content of every file below a folder, hidden ones too."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@contextmanager
def files_of_at_most(number: int) -> Iterator[None]:
    """Let this process write no file of more bytes, as a full disk would."""
    import resource  # not on Windows

    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (number, kept[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)
