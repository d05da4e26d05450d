"""The tables, for SQLite and Azure SQL alike.

Owns names, columns, types and keys; no connection and no query. `migrations/` brings a database
here step by step, and a test holds that it arrives at exactly these tables. Names and columns of
`image_prediction` and `image_probabilities` are the predecessor's, so its queries go on working.

SQL Server counts text in UTF-16 units, two for an emoji, so there it has twice the room; and a
server's own collation may take "Ä" for "ä", so names and etags bring one that compares exactly.
"""

import sqlalchemy as sa
from sqlalchemy.dialects import mssql

from clothing.labels import COLUMNS

SCHEMA_VERSION = "0005"
"""The newest migration: what `alembic_version` holds in a database that fits this code."""

MIGRATION = "migration"
"""The `trigger` of runs that another program carried out and that were copied here."""

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite counts up only INTEGER keys
UTC_TIME = sa.DateTime().with_variant(
    mssql.DATETIME2(6),  # type: ignore[no-untyped-call]
    "mssql",
)
NUMBERED_ONCE = True
"""For tables that `forget` takes rows from: SQLite would give their numbers to other photos, and a
page or a program that still has one would mean the wrong photo. SQL Server never does."""

EXACTLY = "Latin1_General_BIN2"  # by code point: older than any server that is still in use
HASH = sa.String(64)  # SHA-256 in hexadecimal: fits an index, which a name does not
PROBABILITY = sa.Float(53)


def text(length: int, collation: str | None = None) -> sa.Unicode:
    """Return the type of a text with so many characters."""
    return sa.Unicode(length).with_variant(sa.Unicode(2 * length, collation), "mssql")


NAME = text(1024, EXACTLY)  # what Azure Blob Storage allows
ETAG = text(128, EXACTLY)

metadata = sa.MetaData()

batch_run = sa.Table(
    "batch_run",
    metadata,
    sa.Column("run_id", ROW_ID, primary_key=True),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("trigger", sa.String(32), nullable=False),
    sa.Column("prefix", NAME, nullable=False),
    sa.Column("force", sa.Boolean, nullable=False),
    sa.Column("started_at", UTC_TIME, nullable=False),
    sa.Column("heartbeat_at", UTC_TIME, nullable=False),
    sa.Column("finished_at", UTC_TIME),
    sa.Column("model_version", text(128)),
    sa.Column("preprocessing_version", text(64)),
    sa.Column("expected", sa.BigInteger),
    sa.Column("listed", sa.BigInteger, nullable=False),
    sa.Column("classified", sa.BigInteger, nullable=False),
    sa.Column("failed", sa.BigInteger, nullable=False),
    sa.Column("skipped", sa.BigInteger, nullable=False),
    sa.Column("error", text(2000)),
)

RUNNING = sa.text("status = 'running'")
sa.Index(
    "one_active_run",  # the database itself allows one run at a time
    batch_run.c.status,
    unique=True,
    sqlite_where=RUNNING,
    mssql_where=RUNNING,
)

image_prediction = sa.Table(
    "image_prediction",
    metadata,
    sa.Column("image_id", ROW_ID, primary_key=True),
    sa.Column("image_filename", NAME, nullable=False),
    sa.Column("predicted_category", text(64), nullable=False),
    sa.Column("timestamp", UTC_TIME, nullable=False),
    sa.Column("run_id", ROW_ID, sa.ForeignKey("batch_run.run_id"), nullable=False),
    sa.Column("container", text(63), nullable=False),
    sa.Column("etag", ETAG, nullable=False),
    sa.Column("photo_key", HASH, nullable=False),
    sa.Column("answer_key", HASH, nullable=False),
    sa.Column("forced_run", sa.BigInteger, nullable=False),  # 0, or the run that gave it again
    sa.Column("confidence", PROBABILITY, nullable=False),
    sa.Column("margin", PROBABILITY, nullable=False),
    sa.Column("needs_review", sa.Boolean, nullable=False),
    sa.Column("review_reason", text(200), nullable=False),
    sa.Column("model_version", text(128), nullable=False),
    sa.Column("preprocessing_version", text(64), nullable=False),
    sa.UniqueConstraint("answer_key", "forced_run", name="one_answer"),
    sa.Index("predictions_of_photo", "photo_key", "image_id"),
    sa.Index(
        "predictions_of_run",
        "run_id",
        "image_id",
        mssql_include=["predicted_category", "needs_review", "confidence"],
    ),
    sa.Index(
        "doubtful_predictions",
        "needs_review",
        "margin",
        "image_id",
        mssql_include=["photo_key", "etag"],
    ),
    sqlite_autoincrement=NUMBERED_ONCE,
)

image_probabilities = sa.Table(
    "image_probabilities",
    metadata,
    sa.Column("probabilities_id", ROW_ID, primary_key=True),
    sa.Column(
        "image_id",
        ROW_ID,
        sa.ForeignKey("image_prediction.image_id"),
        nullable=False,
        unique=True,
    ),
    *(sa.Column(column, PROBABILITY, nullable=False) for column in COLUMNS),
)

image_failure = sa.Table(
    "image_failure",
    metadata,
    sa.Column("failure_id", ROW_ID, primary_key=True),
    sa.Column("run_id", ROW_ID, sa.ForeignKey("batch_run.run_id"), nullable=False),
    sa.Column("image_filename", NAME, nullable=False),
    sa.Column("timestamp", UTC_TIME, nullable=False),
    sa.Column("container", text(63), nullable=False),
    sa.Column("etag", ETAG, nullable=False),
    sa.Column("photo_key", HASH, nullable=False),
    sa.Column("stage", sa.String(16), nullable=False),
    sa.Column("reason", text(500), nullable=False),
    sa.UniqueConstraint("run_id", "photo_key", name="one_failure"),
    sa.Index("failures_of_photo", "photo_key", "failure_id"),
    sqlite_autoincrement=NUMBERED_ONCE,
)

image_review = sa.Table(
    "image_review",
    metadata,
    sa.Column("review_id", ROW_ID, primary_key=True),
    sa.Column("image_id", ROW_ID, sa.ForeignKey("image_prediction.image_id")),
    sa.Column("photo_key", HASH, nullable=False),
    sa.Column("etag", ETAG, nullable=False),  # a review holds for this content, whichever model
    sa.Column("reviewed_category", text(64), nullable=False),
    sa.Column("reviewer", text(128), nullable=False),
    sa.Column("timestamp", UTC_TIME, nullable=False),
    sa.Column("seconds", sa.Float(53)),  # from seeing the photo to the answer; None if not known
    sa.Column("blind", sa.Boolean, nullable=False, server_default=sa.false()),  # saw no suggestion
    sa.Index("reviews_of_photo", "photo_key", "review_id"),
    sa.Index("reviews_of_reviewer", "reviewer", "timestamp"),
    sa.Index("reviews_of_answer", "image_id"),
    sqlite_autoincrement=NUMBERED_ONCE,
)

review_claim = sa.Table(
    "review_claim",  # who has a photo before them: nobody else is shown it until that runs out
    metadata,
    sa.Column("photo_key", HASH, primary_key=True),
    sa.Column("image_id", ROW_ID, sa.ForeignKey("image_prediction.image_id")),
    sa.Column("failure_id", ROW_ID, sa.ForeignKey("image_failure.failure_id")),
    sa.Column("holder", sa.String(64), nullable=False),  # a person at a browser
    sa.Column("claimed_at", UTC_TIME, nullable=False),
    sa.Column("expires_at", UTC_TIME, nullable=False),
    sa.Column("closed_at", UTC_TIME),  # when the holder answered or skipped
    sa.Column("skipped", sa.Boolean, nullable=False),
    sa.Column("blind", sa.Boolean, nullable=False),
    sa.Index("claims_of_holder", "holder", "claimed_at"),
    sa.Index("claims_of_answer", "image_id"),
    sa.Index("claims_of_failure", "failure_id"),
)
