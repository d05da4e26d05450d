"""An answer that a later run lost, because it could not read the photo, is no current one."""

from clothing.migrations.views import replace_view

revision = "0004"
down_revision = "0003"

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
AND NOT EXISTS (
    SELECT f.failure_id
    FROM image_failure AS f
    WHERE f.photo_key = p.photo_key AND f.run_id > p.run_id
)
"""


def upgrade() -> None:
    """Leave such answers out of the view."""
    replace_view(CURRENT_PREDICTION)
