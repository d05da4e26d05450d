"""Writes docs/api.md from the API's own description: `python -m scripts.api_guide`.

Owns the layout; every fact comes from /openapi.json. A test fails when the document is stale.
"""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from clothing.config import PROJECT
from clothing.web import create_app
from clothing.web.developers import description_of
from scripts.files import write

DOCUMENT = PROJECT / "docs" / "api.md"

_HEAD = """\
# The API

Written from `/openapi.json` by `make docs`; a running service shows the same at `/api`, with
examples. Version {version}: it changes when an answer loses a field, not when it gains one.

With a key set, send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`; *wants* says what it
must be allowed (`python -m clothing key new`). Times are UTC, probabilities 0 to 1; of what chooses
photos `least` and `most` are percent, `since` and `until` days in `TZ`. What goes wrong comes as
`application/problem+json` (RFC 9457) with `title`, `status` and `detail`. Pages for people are in
the [README](../README.md#endpoints).

Start a run and wait for it, then ask for its answers that the model was unsure of (without `run`
for all that were ever given):

```sh
curl --fail --silent -X POST "http://127.0.0.1:5000/prediction" -H "Prefer: wait=60"
curl --fail --silent "http://127.0.0.1:5000/api/predictions?run=1&review=true"
curl --fail --silent "http://127.0.0.1:5000/api/classify" \\
  -F "photo=@images/ClothingImages/bag_canvas-tote_on_wood.jpg"
```

"""


def api_guide(description: Mapping[str, Any]) -> str:
    """Return the document for an OpenAPI description."""
    parts = [_HEAD.format(version=description["info"]["version"])]
    parts += ["## Calls\n\n", *_calls(description), "\n## What is in them\n\n"]
    parts += _schemas(description["components"]["schemas"])
    return "".join(parts).rstrip() + "\n"


def description() -> dict[str, Any]:
    """Return the description of an app with a key, as one in service has."""
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{Path(folder).as_posix()}/clothing.db"
        app = create_app({"API_KEY": "only-for-this-document", "DATABASE_URL": database})
        try:
            return description_of(app)
        finally:
            app.extensions["site"].close()


def _calls(description: Mapping[str, Any]) -> Iterator[str]:
    yield "| call | does | takes | answers | wants |\n|---|---|---|---|---|\n"
    for path, methods in description["paths"].items():
        for method, call in methods.items():
            cells = (call["summary"], _takes(call), _answers(call), _wants(call))
            yield f"| `{method.upper()}` `{path}` | {' | '.join(cells)} |\n"


def _takes(call: Mapping[str, Any]) -> str:
    named = [f"`{one['name']}`" for one in call["parameters"] if one["in"] != "path"]
    body = call.get("requestBody", {}).get("content", {})
    return ", ".join([*named, *(f"body: {kind}" for kind in body)])


def _answers(call: Mapping[str, Any]) -> str:
    return ", ".join(f"{status}{_schema_of(answer)}" for status, answer in _told(call))


def _told(call: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return sorted(call["responses"].items())


def _schema_of(answer: Mapping[str, Any]) -> str:
    """Return a link to what an answer holds, if it has a name."""
    for content in answer.get("content", {}).values():
        name = content["schema"].get("$ref", "").rpartition("/")[2]
        if name and name != "Problem":
            return f" [{name}](#{name.lower()})"
    return ""


def _wants(call: Mapping[str, Any]) -> str:
    if call.get("security") == []:
        return "nothing"
    said = call.get("description", "")
    return said.removeprefix("Wants a key that may ").removesuffix(".") or "any key"


def _schemas(schemas: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in schemas.items():
        yield f"### {name}\n\n"
        fields = [f"`{field}` {_kind(kind)}" for field, kind in schema["properties"].items()]
        yield ", ".join(fields) + "\n\n"


def _kind(schema: Mapping[str, Any]) -> str:
    """Return what a field holds, as people say it."""
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]  # type: ignore[no-any-return]
    if "enum" in schema:
        few = schema["enum"] if len(schema["enum"]) < 6 else [*schema["enum"][:2], "…"]
        return f"({' or '.join(few)})"
    if schema.get("type") == "array":
        return "(list)"
    said = schema.get("format") or schema.get("type", "any")
    return f"({' or '.join(said) if isinstance(said, list) else said})"


if __name__ == "__main__":
    write(DOCUMENT, api_guide(description()))
