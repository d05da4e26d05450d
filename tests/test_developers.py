"""The API's description: it is valid, complete, and what it says is what programs get."""

import html
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from clothing.photos import Counts
from clothing.store import Store
from clothing.web import create_app
from clothing.web.developers import CALLS, FOR_PROGRAMS
from scripts.chromium import served
from tests.nights import a_failure, a_night, a_prediction
from tests.pictures import jpeg


@pytest.fixture
def description(client: FlaskClient) -> dict[str, Any]:
    """The description as programs get it."""
    found: dict[str, Any] = client.get("/openapi.json").get_json()
    return found


def assert_fits(description: dict[str, Any], call: str, answer: Any) -> None:
    """Hold an answer to what the description says of a call such as "GET /api/runs"."""
    method, path = call.lower().split()
    said = description["paths"][path][method]["responses"][str(answer.status_code)]
    schema = said["content"]["application/json"]["schema"]
    whole = {**schema, "components": description["components"]}
    Draft202012Validator(whole).validate(answer.get_json())


def test_it_is_valid(description: dict[str, Any]) -> None:
    validate(description)


def test_it_has_every_call_for_programs(app: Flask, description: dict[str, Any]) -> None:
    rules = {rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith(FOR_PROGRAMS)}

    described = {re.sub(r"{(\w+)}", r"<int:\1>", path) for path in description["paths"]}

    assert described == rules
    for path in description["paths"].values():
        for call in path.values():
            assert call["summary"].endswith(".")


def test_nothing_is_described_that_is_not_there(app: Flask) -> None:
    assert set(CALLS) <= set(app.view_functions)


def test_answers_are_as_described(
    client: FlaskClient, description: dict[str, Any], storage: Path
) -> None:
    (storage / "images" / "broken.jpg").write_bytes(b"")

    run = client.post("/prediction")
    upload = {"photo": (io.BytesIO(jpeg()), "x.jpg")}

    assert_fits(description, "POST /prediction", run)
    assert_fits(description, "GET /api/runs", client.get("/api/runs"))
    assert_fits(description, "GET /api/runs/{run_id}", client.get("/api/runs/1"))
    results = client.get("/api/runs/1/results")
    assert_fits(description, "GET /api/runs/{run_id}/results", results)
    assert_fits(description, "GET /api/predictions", client.get("/api/predictions?category=Bag"))
    assert_fits(description, "POST /api/classify", client.post("/api/classify", data=upload))


def test_a_run_that_goes_on_is_as_described(
    client: FlaskClient, store: Store, description: dict[str, Any]
) -> None:
    run = store.open_run("http")
    store.beat(run.run_id, Counts(2, 1), None)

    assert_fits(description, "POST /prediction", client.post("/prediction"))


def test_problems_are_as_described(client: FlaskClient, description: dict[str, Any]) -> None:
    schema = description["components"]["schemas"]["Problem"]

    Draft202012Validator(schema).validate(client.get("/api/runs/99").get_json())


def test_with_a_key_the_page_says_how_to_send_it(environ: dict[str, str]) -> None:
    app = create_app({**environ, "API_KEY": "opensesame"})
    client = app.test_client()

    page = client.get("/api", headers={"X-API-Key": "opensesame"}).text

    assert "X-API-Key: $API_KEY" in html.unescape(page)
    assert "opensesame" not in page
    app.extensions["site"].close()


def example(page: str, kind: str) -> str:
    """Return an example of the page as a person would copy it."""
    (found,) = re.findall(rf'data-example="{kind}">(.*?)</code>', page, re.DOTALL)
    return html.unescape(found)


@pytest.mark.parametrize("key", ["", "opensesame"])
def test_the_examples_run(environ: dict[str, str], tmp_path: Path, key: str) -> None:
    app = create_app({**environ, "API_KEY": key})
    (tmp_path / "photo.jpg").write_bytes(jpeg())
    with served(app) as address:
        headers = {"X-API-Key": key, "Host": address.removeprefix("http://")}
        page = app.test_client().get("/api", headers=headers).text
        curl = _run(["sh", "-e", "-c", example(page, "curl")], tmp_path, key)
        python = _run([sys.executable, "-c", example(page, "python")], tmp_path, key)
    app.extensions["site"].close()

    assert '"batch_results"' in curl and '"predicted_category"' in curl
    assert (tmp_path / "returns.csv").read_text("utf-8-sig").startswith("image_id,run_id,file")
    assert "succeeded 3 photos" in python
    assert "night/c.jpg" in python


def _run(command: list[str], folder: Path, key: str) -> str:
    """Return what a program prints that succeeds."""
    child = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "API_KEY": key},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    return child.stdout


def test_an_export_is_there_for_programs_too(client: FlaskClient, store: Store) -> None:
    a_night(store, a_prediction(), a_failure())

    assert client.get("/export.csv?pile=unreadable").text.count("\r\n") == 2
