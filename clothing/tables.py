"""The tables, for SQLite and Azure SQL alike.

Owns names, columns, types and keys; no connection and no query. `migrations/` brings a database
here step by step, and a test holds that it arrives at exactly these tables. Names and columns of
`image_prediction` and `image_probabilities` are the predecessor's, so its queries go on working.
"""

import sqlalchemy as sa
from sqlalchemy.dialects import mssql

from clothing.labels import COLUMNS

SCHEMA_VERSION = "0001"
"""The newest migration: what `alembic_version` holds in a database that fits this code."""

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite counts up only INTEGER keys
UTC_TIME = sa.DateTime().with_variant(
    mssql.DATETIME2(6),  # type: ignore[no-untyped-call]
    "mssql",
)
NAME = sa.Unicode(1024)  # what Azure Blob Storage allows
ETAG = sa.Unicode(128)
HASH = sa.String(64)  # SHA-256 in hexadecimal: fits an index, which a name does not
PROBABILITY = sa.Float(53)

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
    sa.Column("model_version", sa.Unicode(128)),
    sa.Column("preprocessing_version", sa.Unicode(64)),
    sa.Column("expected", sa.BigInteger),
    sa.Column("listed", sa.BigInteger, nullable=False),
    sa.Column("classified", sa.BigInteger, nullable=False),
    sa.Column("failed", sa.BigInteger, nullable=False),
    sa.Column("skipped", sa.BigInteger, nullable=False),
    sa.Column("error", sa.Unicode(2000)),
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
    sa.Column("predicted_category", sa.Unicode(64), nullable=False),
    sa.Column("timestamp", UTC_TIME, nullable=False),
    sa.Column("run_id", ROW_ID, sa.ForeignKey("batch_run.run_id"), nullable=False),
    sa.Column("container", sa.Unicode(63), nullable=False),
    sa.Column("etag", ETAG, nullable=False),
    sa.Column("photo_key", HASH, nullable=False),
    sa.Column("answer_key", HASH, nullable=False),
    sa.Column("forced_run", sa.BigInteger, nullable=False),  # 0, or the run that asked anew
    sa.Column("confidence", PROBABILITY, nullable=False),
    sa.Column("margin", PROBABILITY, nullable=False),
    sa.Column("needs_review", sa.Boolean, nullable=False),
    sa.Column("review_reason", sa.Unicode(200), nullable=False),
    sa.Column("model_version", sa.Unicode(128), nullable=False),
    sa.Column("preprocessing_version", sa.Unicode(64), nullable=False),
    sa.UniqueConstraint("answer_key", "forced_run", name="one_answer"),
    sa.Index("predictions_of_photo", "photo_key", "image_id"),
    sa.Index("predictions_of_run", "run_id", "image_id"),
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
    sa.Column("container", sa.Unicode(63), nullable=False),
    sa.Column("etag", ETAG, nullable=False),
    sa.Column("photo_key", HASH, nullable=False),
    sa.Column("stage", sa.String(16), nullable=False),
    sa.Column("reason", sa.Unicode(500), nullable=False),
    sa.UniqueConstraint("run_id", "photo_key", name="one_failure"),
)

image_review = sa.Table(
    "image_review",
    metadata,
    sa.Column("review_id", ROW_ID, primary_key=True),
    sa.Column("image_id", ROW_ID, sa.ForeignKey("image_prediction.image_id")),
    sa.Column("photo_key", HASH, nullable=False),
    sa.Column("etag", ETAG, nullable=False),  # a review holds for this content, whichever model
    sa.Column("reviewed_category", sa.Unicode(64), nullable=False),
    sa.Column("reviewer", sa.Unicode(128), nullable=False),
    sa.Column("timestamp", UTC_TIME, nullable=False),
    sa.Index("reviews_of_photo", "photo_key", "review_id"),
)
