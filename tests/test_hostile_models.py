"""Models that wish the service ill: refused in the child, in words, before anything is unpacked.

What TensorFlow has to look at first is in `test_compile.py`.
"""

import io
import json
import os
import stat
import struct
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from clothing.card import Card
from clothing.compile import MOST_BYTES, compile_in_child
from clothing.config import PROJECT
from clothing.errors import ModelError
from clothing.model import load_classifier
from clothing.storage import FolderContainer
from tests.alive import children
from tests.make_models import archive_of, parts_of

SHIPPED = parts_of((PROJECT / "model" / "clothing_model.keras").read_bytes())


def linked() -> bytes:
    """Return an archive in which a part is a link to a file outside."""
    written = io.BytesIO(archive_of(SHIPPED))
    with zipfile.ZipFile(written, "a") as archive:
        link = zipfile.ZipInfo("assets/link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return written.getvalue()


def doubled() -> bytes:
    """Return an archive with two configs: who checks one may open the other."""
    written = io.BytesIO(archive_of(SHIPPED))
    with zipfile.ZipFile(written, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("config.json", "{}")
    return written.getvalue()


def a_gigabyte_of_zeros() -> bytes:
    """Return an archive of a megabyte that unpacks to a thousand."""
    written = io.BytesIO()
    with (
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("model.weights.h5", "w", force_zip64=True) as part,
    ):
        for _ in range(1024):
            part.write(bytes(2**20))
    return written.getvalue()


def a_lie_about_its_size() -> bytes:
    """Return that archive, saying of itself that it holds a hundred bytes."""
    content = bytearray(a_gigabyte_of_zeros())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = struct.pack("<I", 100)
    return bytes(content)


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "a way out": (lambda: archive_of({**SHIPPED, "../../owned": b"x"}), "'../../owned'"),
    "a way out of assets": (lambda: archive_of({**SHIPPED, "assets/../../owned": b"x"}), "owned"),
    "a place of its own": (lambda: archive_of({**SHIPPED, "/tmp/owned": b"x"}), "'/tmp/owned'"),
    "a way out on Windows": (
        lambda: archive_of({**SHIPPED, "assets/..\\..\\owned": b"x"}),
        "nothing else",
    ),
    "a program": (lambda: archive_of({**SHIPPED, "setup.py": b"x"}), "'setup.py'"),
    "a link": (linked, "'assets/link'"),
    "a part twice": (doubled, "a part twice"),
    "a gigabyte of zeros": (a_gigabyte_of_zeros, "Received one that holds 1,024 MB"),
    "no archive": (lambda: b"PK\x03\x04" + bytes(999), "cannot be opened as a .keras file"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused_in_the_child(tmp_path: Path, name: str) -> None:
    build, reason = HOSTILE[name]
    (tmp_path / "m.keras").write_bytes(build())

    with pytest.raises(ModelError) as refused:
        compile_in_child(tmp_path / "m.keras", tmp_path / "m.tflite", Card())

    assert reason in str(refused.value)
    assert [file.name for file in tmp_path.iterdir()] == ["m.keras"]
    assert not Path("/tmp/owned").exists()


@pytest.mark.keras
def test_an_archive_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.keras").write_bytes(a_lie_about_its_size())

    with pytest.raises(ModelError, match="cannot be opened"):
        compile_in_child(tmp_path / "m.keras", tmp_path / "m.tflite", Card())


@pytest.mark.keras
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_a_layer_of_a_billion_weights_ends_the_child_only(tmp_path: Path) -> None:
    config = json.loads(SHIPPED["config.json"])
    for layer in config["config"]["layers"]:
        if layer["class_name"] == "Dense":
            layer["config"]["units"] = 2**31
    (tmp_path / "m.keras").write_bytes(
        archive_of({**SHIPPED, "config.json": json.dumps(config).encode()})
    )

    with pytest.raises(ModelError, match="cannot be opened|too much memory|ended with"):
        compile_in_child(tmp_path / "m.keras", tmp_path / "m.tflite", Card())


def test_a_refused_model_is_never_loaded_into_the_service(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "clothing_model.keras").write_bytes(archive_of({**SHIPPED, "run.py": b"x"}))
    before = set(sys.modules)

    with pytest.raises(ModelError, match="'run.py'"):
        load_classifier(FolderContainer("model", folder), "clothing_model.keras", tmp_path / "kept")

    loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
    assert not loaded & {"keras", "tensorflow", "h5py"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_the_child_is_told_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `.keras` on a pipe that nobody fills keeps the child waiting while we look at it."""
    monkeypatch.setenv("API_KEY", "planted-secret")
    os.mkfifo(tmp_path / "m.keras")
    refused: list[ModelError] = []

    def compile_it() -> None:
        try:
            compile_in_child(tmp_path / "m.keras", tmp_path / "m.tflite", Card())
        except ModelError as error:
            refused.append(error)

    waiting = threading.Thread(target=compile_it)
    waiting.start()
    with (tmp_path / "m.keras").open("wb"):  # the child has opened it, too
        (child,) = children("clothing.compile")
        environment = child.environ()
    waiting.join(60)

    assert "PATH" in environment
    assert "planted-secret" not in str(environment)
    assert "cannot be opened" in str(refused[0])


def test_what_keras_writes_is_far_below_the_bound() -> None:
    assert 20 * sum(len(part) for part in SHIPPED.values()) < MOST_BYTES
