"""Reviews: how long one took, whether it was blind, taking it back, and who has which photo."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mssql

from clothing.migrations.views import replace_view

revision = "0002"
down_revision = "0001"

ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
UTC_TIME = sa.DateTime().with_variant(
    mssql.DATETIME2(6),  # type: ignore[no-untyped-call]
    "mssql",
)

# As before, but an answer that was taken back corrects nothing.
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
LEFT JOIN image_review AS r ON r.reviewed_category <> '(undone)' AND r.review_id = (
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


def upgrade() -> None:
    """Add what the review queue needs."""
    op.add_column("image_review", sa.Column("seconds", sa.Float(53)))
    blind = sa.Column("blind", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("image_review", blind)
    op.create_index("reviews_of_reviewer", "image_review", ["reviewer", "timestamp"])
    doubtful = ["needs_review", "margin", "image_id"]
    op.create_index("doubtful_predictions", "image_prediction", doubtful)
    op.create_index("failures_of_photo", "image_failure", ["photo_key", "failure_id"])
    _create_claims()
    replace_view(CURRENT_PREDICTION)


def _create_claims() -> None:
    op.create_table(
        "review_claim",
        sa.Column("photo_key", sa.String(64), primary_key=True),
        sa.Column("image_id", ROW_ID, sa.ForeignKey("image_prediction.image_id")),
        sa.Column("failure_id", ROW_ID, sa.ForeignKey("image_failure.failure_id")),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("claimed_at", UTC_TIME, nullable=False),
        sa.Column("expires_at", UTC_TIME, nullable=False),
        sa.Column("closed_at", UTC_TIME),
        sa.Column("skipped", sa.Boolean, nullable=False),
        sa.Column("blind", sa.Boolean, nullable=False),
    )
    op.create_index("claims_of_holder", "review_claim", ["holder", "claimed_at"])
