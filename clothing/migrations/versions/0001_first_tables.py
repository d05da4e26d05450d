"""The first tables: runs, predictions with their probabilities, failures, reviews."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mssql

revision = "0001"
down_revision = None

# A migration is history: it names its own types and columns, whatever `tables.py` becomes later.
ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
UTC_TIME = sa.DateTime().with_variant(
    mssql.DATETIME2(6),  # type: ignore[no-untyped-call]
    "mssql",
)
EXACTLY = "Latin1_General_BIN2"
PROBABILITIES = (
    "t_shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle_boot",
)

# The newest answer for each photo, corrected by the newest review of the same content.
CURRENT_PREDICTION = """
CREATE VIEW current_prediction AS
SELECT
    p.image_id,
    p.image_filename,
    COALESCE(r.reviewed_category, p.predicted_category) AS category,
    p.predicted_category,
    r.reviewed_category,
    p.confidence,
    p.margin,
    p.needs_review,
    p.review_reason,
    p.timestamp,
    p.run_id,
    p.container,
    p.etag,
    p.model_version,
    p.preprocessing_version
FROM image_prediction AS p
LEFT JOIN image_review AS r ON r.review_id = (
    SELECT MAX(newest.review_id)
    FROM image_review AS newest
    WHERE newest.photo_key = p.photo_key AND newest.etag = p.etag
)
WHERE p.image_id = (
    SELECT MAX(newest.image_id)
    FROM image_prediction AS newest
    WHERE newest.photo_key = p.photo_key
)
"""


def _text(length: int, collation: str | None = None) -> sa.Unicode:
    return sa.Unicode(length).with_variant(sa.Unicode(2 * length, collation), "mssql")


def upgrade() -> None:
    """Create the five tables and the view of current answers."""
    _create_runs()
    _create_predictions()
    _create_failures_and_reviews()
    # In T-SQL a view stands alone in its batch. A script is one batch, and EXEC makes another.
    written = op.get_context().as_sql
    op.execute(f"EXEC sp_executesql N'{CURRENT_PREDICTION}'" if written else CURRENT_PREDICTION)


def _create_runs() -> None:
    op.create_table(
        "batch_run",
        sa.Column("run_id", ROW_ID, primary_key=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("trigger", sa.String(32), nullable=False),
        sa.Column("prefix", _text(1024, EXACTLY), nullable=False),
        sa.Column("force", sa.Boolean, nullable=False),
        sa.Column("started_at", UTC_TIME, nullable=False),
        sa.Column("heartbeat_at", UTC_TIME, nullable=False),
        sa.Column("finished_at", UTC_TIME),
        sa.Column("model_version", _text(128)),
        sa.Column("preprocessing_version", _text(64)),
        sa.Column("expected", sa.BigInteger),
        sa.Column("listed", sa.BigInteger, nullable=False),
        sa.Column("classified", sa.BigInteger, nullable=False),
        sa.Column("failed", sa.BigInteger, nullable=False),
        sa.Column("skipped", sa.BigInteger, nullable=False),
        sa.Column("error", _text(2000)),
    )
    running = sa.text("status = 'running'")
    op.create_index(
        "one_active_run",
        "batch_run",
        ["status"],
        unique=True,
        sqlite_where=running,
        mssql_where=running,
    )


def _create_predictions() -> None:
    op.create_table(
        "image_prediction",
        sa.Column("image_id", ROW_ID, primary_key=True),
        sa.Column("image_filename", _text(1024, EXACTLY), nullable=False),
        sa.Column("predicted_category", _text(64), nullable=False),
        sa.Column("timestamp", UTC_TIME, nullable=False),
        sa.Column("run_id", ROW_ID, sa.ForeignKey("batch_run.run_id"), nullable=False),
        sa.Column("container", _text(63), nullable=False),
        sa.Column("etag", _text(128, EXACTLY), nullable=False),
        sa.Column("photo_key", sa.String(64), nullable=False),
        sa.Column("answer_key", sa.String(64), nullable=False),
        sa.Column("forced_run", sa.BigInteger, nullable=False),
        sa.Column("confidence", sa.Float(53), nullable=False),
        sa.Column("margin", sa.Float(53), nullable=False),
        sa.Column("needs_review", sa.Boolean, nullable=False),
        sa.Column("review_reason", _text(200), nullable=False),
        sa.Column("model_version", _text(128), nullable=False),
        sa.Column("preprocessing_version", _text(64), nullable=False),
        sa.UniqueConstraint("answer_key", "forced_run", name="one_answer"),
    )
    op.create_index("predictions_of_photo", "image_prediction", ["photo_key", "image_id"])
    op.create_index("predictions_of_run", "image_prediction", ["run_id", "image_id"])
    op.create_table(
        "image_probabilities",
        sa.Column("probabilities_id", ROW_ID, primary_key=True),
        sa.Column(
            "image_id",
            ROW_ID,
            sa.ForeignKey("image_prediction.image_id"),
            nullable=False,
            unique=True,
        ),
        *(sa.Column(column, sa.Float(53), nullable=False) for column in PROBABILITIES),
    )


def _create_failures_and_reviews() -> None:
    op.create_table(
        "image_failure",
        sa.Column("failure_id", ROW_ID, primary_key=True),
        sa.Column("run_id", ROW_ID, sa.ForeignKey("batch_run.run_id"), nullable=False),
        sa.Column("image_filename", _text(1024, EXACTLY), nullable=False),
        sa.Column("timestamp", UTC_TIME, nullable=False),
        sa.Column("container", _text(63), nullable=False),
        sa.Column("etag", _text(128, EXACTLY), nullable=False),
        sa.Column("photo_key", sa.String(64), nullable=False),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("reason", _text(500), nullable=False),
        sa.UniqueConstraint("run_id", "photo_key", name="one_failure"),
    )
    op.create_table(
        "image_review",
        sa.Column("review_id", ROW_ID, primary_key=True),
        sa.Column("image_id", ROW_ID, sa.ForeignKey("image_prediction.image_id")),
        sa.Column("photo_key", sa.String(64), nullable=False),
        sa.Column("etag", _text(128, EXACTLY), nullable=False),
        sa.Column("reviewed_category", _text(64), nullable=False),
        sa.Column("reviewer", _text(128), nullable=False),
        sa.Column("timestamp", UTC_TIME, nullable=False),
    )
    op.create_index("reviews_of_photo", "image_review", ["photo_key", "review_id"])
