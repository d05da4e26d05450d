"""The API's description: OpenAPI for programs at /openapi.json, a page for people at /api.

Which calls there are, and what each does, comes from the routes and their docstrings; what goes in
and out stands below, and tests hold real answers to it.
"""

import inspect
import re
from collections.abc import Iterable, Iterator
from typing import Any

from flask import Blueprint, Flask, current_app, jsonify, render_template, request
from werkzeug.routing import Rule
from werkzeug.wrappers import Response

from clothing.export import XLSX
from clothing.labels import ANSWERS, CATEGORIES
from clothing.questions import PILES
from clothing.storage import MAX_NAME
from clothing.web.asked import LONGEST_SECONDS, VERDICTS
from clothing.web.permissions import KNOWN, WHO, is_open
from clothing.web.sessions import MAX_REVIEWER, REVIEWER

blueprint = Blueprint("developers", __name__)

VERSION = "1"
"""Of the API; it changes when an answer loses a field, not when it gains one."""

FOR_PROGRAMS = (
    "/api/",
    "/health/",
    "/metrics",
    "/prediction",
    "/openapi",
    "/export.",
    "/reviewed.",
)
"""How the addresses begin that are described; the others are pages."""


def init_app(app: Flask) -> None:
    """Add /openapi.json and /api."""
    app.register_blueprint(blueprint)


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Return this description."""
    return jsonify(description_of(current_app))


@blueprint.get("/api")
def page() -> str:
    """Show the calls to developers, with examples."""
    return render_template(
        "api.html",
        paths=description_of(current_app)["paths"],
        address=request.url_root.rstrip("/"),
        has_key=_has_keys(current_app),
    )


def description_of(app: Flask) -> dict[str, Any]:
    """Return the OpenAPI description of an app's calls."""
    paths: dict[str, dict[str, Any]] = {}
    for rule, method in _calls(app):
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        paths.setdefault(path, {})[method.lower()] = _operation(app, rule, method)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Clothing returns",
            "version": VERSION,
            "description": "Sorts photos of returned clothing into ten categories.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": SCHEMAS, "securitySchemes": SECURITY},
        "security": [{name: []} for name in SECURITY] if _has_keys(app) else [],
    }


def _has_keys(app: Flask) -> bool:
    return bool(app.extensions["site"].parts.config.keys)


def _calls(app: Flask) -> Iterator[tuple[Rule, str]]:
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(FOR_PROGRAMS):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method


def _operation(app: Flask, rule: Rule, method: str) -> dict[str, Any]:
    view = app.view_functions[rule.endpoint]
    said = inspect.getdoc(view) or ""
    known = CALLS.get(rule.endpoint, {})
    operation: dict[str, Any] = {
        "operationId": rule.endpoint.replace(".", "_"),
        "summary": said.partition("\n")[0],
        "parameters": [*_in_path(rule), *known.get("parameters", [])],
        "responses": {
            **known.get("responses", {"200": _says("As the summary says.")}),
            **_problems(app, rule.endpoint, known.get("problems", ())),
        },
    }
    if "requestBody" in known:
        operation["requestBody"] = known["requestBody"]
    if is_open(rule.endpoint):
        operation["security"] = []
    elif (scopes := WHO[rule.endpoint]) != KNOWN:
        operation["description"] = f"Wants a key that may {' or '.join(sorted(scopes))}."
    return operation


def _problems(app: Flask, endpoint: str, own: Iterable[int]) -> dict[str, Any]:
    """Return the problems that a call may answer with, by their status."""
    statuses = set(own)
    if not is_open(endpoint):
        statuses |= {403} | ({401, 429} if _has_keys(app) else set())
    return {str(status): PROBLEMS[status] for status in sorted(statuses)}


def _in_path(rule: Rule) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _COUNT, "example": 1}
        for name in sorted(rule.arguments)
    ]


# What goes in and out


def _says(text: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"description": text, **({"content": _json(schema)} if schema else {})}


def _file(text: str, kind: str) -> dict[str, Any]:
    return {"description": text, "content": {kind: {"schema": {"type": "string"}}}}


def _json(schema: dict[str, Any], kind: str = "application/json") -> dict[str, Any]:
    return {kind: {"schema": schema}}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(name: str) -> dict[str, Any]:
    return {"type": "array", "items": _ref(name)}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _in_query(name: str, text: str, **schema: Any) -> dict[str, Any]:
    """Return a parameter; a form that leaves a field empty asks for nothing by it."""
    said = {"name": name, "in": "query", "description": text, "schema": schema}
    return {**said, "allowEmptyValue": True}


_TEXT, _NUMBER, _FLAG = {"type": "string"}, {"type": "number"}, {"type": "boolean"}
_COUNT = {"type": "integer", "minimum": 0}
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_TIME = {"type": "string", "format": "date-time"}
_MAYBE_TEXT, _MAYBE_COUNT = {"type": ["string", "null"]}, {"type": ["integer", "null"]}

_CLASSIFICATION = {
    "predicted_category": {"enum": list(CATEGORIES)},
    "confidence": _SHARE,
    "probabilities": _object(**dict.fromkeys(CATEGORIES, _SHARE)),
    "needs_review": _FLAG,
    "review_reason": _TEXT,
}

SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}

_RUN: dict[str, Any] = {
    "run_id": _COUNT,
    "status": {"enum": ["running", "succeeded", "failed", "interrupted"]},
    "trigger": _TEXT,
    "prefix": _TEXT,
    "force": _FLAG,
    "started_at": _TIME,
    "heartbeat_at": _TIME,
    "finished_at": {"type": ["string", "null"], "format": "date-time"},
    "model_version": _MAYBE_TEXT,
    "expected": _MAYBE_COUNT,
    "listed": _COUNT,
    "classified": _COUNT,
    "failed": _COUNT,
    "skipped": _COUNT,
    "photos_per_second": _NUMBER,
    "error": _MAYBE_TEXT,
}

_COMPLAINT = {"type": "string", "description": "Too many photos failed; empty if not."}

SCHEMAS: dict[str, dict[str, Any]] = {
    "Run": _object(**_RUN),
    "Ending": _object(**_RUN, complaint=_COMPLAINT),
    "Answer": _object(image_name=_TEXT, **_CLASSIFICATION, already_classified=_FLAG),
    "Failure": _object(image_name=_TEXT, error=_TEXT),
    "Results": {
        "type": "object",
        "properties": {
            "run": _ref("Ending"),
            "batch_results": {
                "type": "array",
                "items": {"anyOf": [_ref("Answer"), _ref("Failure")]},
            },
            "next": _TEXT,
        },
        "required": ["run", "batch_results"],
    },
    "Prediction": _object(
        image_id=_COUNT,
        run_id=_COUNT,
        image_name=_TEXT,
        etag=_TEXT,
        timestamp=_TIME,
        **_CLASSIFICATION,
        margin=_SHARE,
        model_version=_TEXT,
        preprocessing_version=_TEXT,
    ),
    "Review": _object(
        review_id=_COUNT,
        image_id=_MAYBE_COUNT,
        image_name=_TEXT,
        etag=_TEXT,
        reviewed_category=_TEXT,
        reviewer=_TEXT,
        timestamp=_TIME,
        seconds={"type": ["number", "null"]},
        blind=_FLAG,
    ),
    "Classification": _object(**_CLASSIFICATION, model_version=_TEXT),
    "Problem": _object(type=_TEXT, title=_TEXT, status=_COUNT, detail=_TEXT),
}

_SAID = {
    400: "What was asked cannot be read.",
    401: "The key is missing, or is none.",
    403: "The key may not do this, or the request came from elsewhere.",
    404: "There is no such thing.",
    413: "What was sent is too large.",
    422: "The photo cannot be used.",
    429: "Too many wrong keys came from this address; `Retry-After` says how long to wait.",
    500: "The run failed.",
    503: "Not now: a part of the service is not ready, or it has too much to do. Where "
    "`Retry-After` is there, it may pass.",
}

PROBLEMS = {
    status: {
        "description": f"{said} In words (RFC 9457).",
        "content": _json(_ref("Problem"), "application/problem+json"),
    }
    for status, said in _SAID.items()
}

_DAY = {"type": "string", "format": "date", "pattern": r"^(19[789]\d|[2-8]\d{3})-\d\d-\d\d$"}
_PERCENT = {"type": "number", "minimum": 0, "maximum": 100}
_ROW = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}

_CHOICE = [
    _in_query("run", "Photos that this run opened; else of each the newest answer.", **_ROW),
    _in_query("category", "As a person says, else as the model says.", enum=list(ANSWERS)),
    _in_query("pile", "Where the photo lies.", enum=list(PILES)),
    _in_query("name", "A part of the file's name, in any case.", **_TEXT, maxLength=MAX_NAME),
    _in_query("least", "Least confidence, in percent.", **_PERCENT),
    _in_query("most", "Greatest confidence, in percent.", **_PERCENT),
    _in_query("since", "First day on which the run started.", **_DAY),
    _in_query("until", "Last day on which the run started.", **_DAY),
]

_PREFER = {
    "name": "Prefer",
    "in": "header",
    "description": "`wait=N` waits so many seconds, `respond-async` not at all (RFC 7240).",
    "schema": _TEXT,
}

_REVIEW = {
    "type": "object",
    "description": "One of category and verdict; one of image_id and failure_id. Who is signed in "
    "at a browser need not name a reviewer.",
    "properties": {
        "category": {"enum": list(CATEGORIES)},
        "verdict": {"enum": list(VERDICTS)},
        "image_id": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
        "failure_id": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
        "reviewer": {**_TEXT, "pattern": REVIEWER, "maxLength": MAX_REVIEWER},
        "seconds": {"type": ["number", "null"], "minimum": 0, "maximum": LONGEST_SECONDS},
    },
    "required": ["reviewer"],
    "oneOf": [
        {"required": [said, looked_at]}
        for said in ("category", "verdict")
        for looked_at in ("image_id", "failure_id")
    ],
    "additionalProperties": False,
}

_A_REVIEW = {"image_id": 1, "category": "Coat", "reviewer": "Kim", "seconds": 1.5}

_READINESS = {
    "type": "object",
    "properties": {
        "status": {"enum": ["ready", "not ready"]},
        "checks": _object(model=_TEXT, database=_TEXT, storage=_TEXT),
        "revision": _TEXT,
    },
    "required": ["status", "checks"],
}

CALLS: dict[str, dict[str, Any]] = {
    "api.prediction": {
        "parameters": [_PREFER],
        "requestBody": {
            "required": False,
            "content": _json(
                {
                    "type": "object",
                    "properties": {"prefix": {**_TEXT, "maxLength": MAX_NAME}, "force": _FLAG},
                    "additionalProperties": False,
                }
            ),
        },
        "responses": {
            "200": _says("The run is over; an entry for every photo.", _ref("Results")),
            "202": _says(
                "A run goes on, of this request or another; `Location` says where to ask.",
                _object(run=_ref("Run"), started=_FLAG),
            ),
        },
        "problems": (400, 413, 500, 503),
    },
    "api.runs": {
        "parameters": [_in_query("before", "Only runs before this number.", **_ROW)],
        "responses": {
            "200": _says("Runs.", _object(runs=_list("Run"), next=_MAYBE_TEXT)),
        },
        "problems": (400, 503),
    },
    "api.run": {"responses": {"200": _says("The run.", _ref("Ending"))}, "problems": (404, 503)},
    "api.results": {
        "parameters": [_in_query("after", "Go on after this file name.", **_TEXT)],
        "responses": {"200": _says("What the run says.", _ref("Results"))},
        "problems": (404, 503),
    },
    "api.predictions": {
        "parameters": [
            _in_query("run", "Only those that this run made.", **_ROW),
            _in_query("category", "Only those that the model put there.", enum=list(CATEGORIES)),
            _in_query(
                "review",
                "Only those that the model was unsure of, or was not.",
                **_FLAG,
            ),
            _in_query("after", "Go on after this number.", **_ROW),
        ],
        "responses": {
            "200": _says(
                "Every answer that was ever given, also those that a newer one has replaced.",
                _object(predictions=_list("Prediction"), next=_MAYBE_TEXT),
            ),
        },
        "problems": (400, 503),
    },
    "api.classify": {
        "requestBody": {
            "required": True,
            "content": _json(
                _object(photo={"type": "string", "format": "binary"}), "multipart/form-data"
            ),
        },
        "responses": {"200": _says("What the model says.", _ref("Classification"))},
        "problems": (400, 413, 422, 503),
    },
    "review.save": {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _REVIEW, "example": _A_REVIEW}},
        },
        "responses": {"201": _says("The review as it is stored.", _ref("Review"))},
        "problems": (400, 404, 413, 503),
    },
    "health.ready": {
        "responses": {
            "200": _says("Ready.", _READINESS),
            "503": _says("Not ready, and why.", _READINESS),
        },
    },
    "health.live": {"responses": {"200": _says("Alive.", _object(status=_TEXT))}},
    "metrics.metrics": {
        "responses": {"200": _file("Figures as Prometheus reads them.", "text/plain")},
        "problems": (503,),
    },
    "developers.openapi": {"responses": {"200": _says("This.", {"type": "object"})}},
    "take_away.as_csv": {
        "parameters": _CHOICE,
        "responses": {"200": _file("The photos, a row each.", "text/csv")},
        "problems": (400, 404, 503),
    },
    "take_away.as_xlsx": {
        "parameters": _CHOICE,
        "responses": {"200": _file("The same as a workbook.", XLSX)},
        "problems": (400, 404, 503),
    },
    "take_away.reviewed": {
        "responses": {"200": _file("File and category, a row each.", "text/csv")},
        "problems": (503,),
    },
}
