"""How a table calls what the scenarios measure, and what each line is compared with.

Pure words: whoever only shows figures imports no scenario.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table.

    Attributes:
        title: What it is, in words.
        limit: What bounds it, by name; "" if nothing measured does.
        predecessor: The old loop on the same photos, by name, or "".
    """

    title: str
    limit: str = ""
    predecessor: str = ""


LINES: dict[str, Line] = {
    "folder": Line("our run, folder of 400 × 533 photos", "limit", "predecessor"),
    "folder_12mp": Line("our run, folder of 12-megapixel photos", "limit_12mp", "predecessor_12mp"),
    "azurite": Line("our run, from Azurite", "bare_gets", "predecessor_azurite"),
    "rerun": Line("our run, nothing changed since the last"),
    "predecessor": Line("the predecessor's loop, folder", "limit"),
    "predecessor_12mp": Line("the predecessor's loop, 12 megapixels", "limit_12mp"),
    "predecessor_azurite": Line("the predecessor's loop, Azurite", "bare_gets"),
    "ray_data": Line("Ray Data with our functions", "limit", "predecessor"),
    "tf_data": Line("tf.data and Keras `predict`", "limit", "predecessor"),
    "limit": Line("limit: the four steps below, on all cores"),
    "read_alone": Line("reading alone"),
    "decode_alone": Line("decoding and preprocessing alone"),
    "network_alone": Line("the network alone (LiteRT)"),
    "insert_alone": Line("inserting alone (bare SQLite)"),
    "limit_12mp": Line("limit for 12 megapixels"),
    "decode_alone_12mp": Line("decoding and preprocessing alone, 12 megapixels"),
    "bare_gets": Line("bare GETs from Azurite"),
    "openvino": Line("the network alone (OpenVINO, 32 bits)", "network_alone"),
    "openvino_default": Line("the network alone (OpenVINO's default)", "network_alone"),
    "web_start": Line("web app: start to first answer"),
    "run_start": Line("run of one photo: start to end"),
    "pages_at_rest": Line("pages, nothing else going on"),
    "pages_during_run": Line("pages while a run goes on"),
}
"""All that is measured, in the order of the table."""

SPEEDS = tuple(name for name in LINES if not name.endswith("_start") and "pages" not in name)
"""Those whose photos a second mean something."""
