"""Indexes: what pages count is read from them alone, and no foreign key is without one."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the counted indexes hold what is counted; SQLite has no columns beside the key."""
    op.drop_index("doubtful_predictions", "image_prediction")
    op.create_index(
        "doubtful_predictions",
        "image_prediction",
        ["needs_review", "margin", "image_id"],
        mssql_include=["photo_key", "etag"],
    )
    op.drop_index("predictions_of_run", "image_prediction")
    op.create_index(
        "predictions_of_run",
        "image_prediction",
        ["run_id", "image_id"],
        mssql_include=["predicted_category", "needs_review", "confidence"],
    )
    # To take out a photo, a database looks at all that may refer to it.
    op.create_index("reviews_of_answer", "image_review", ["image_id"])
    op.create_index("claims_of_answer", "review_claim", ["image_id"])
    op.create_index("claims_of_failure", "review_claim", ["failure_id"])
