-- What a DBA or a shift leader asks in the morning. Each query stands alone: select one and run it.
-- Times are UTC. Written by hand; a test runs every query on the tables of the current schema.

-- 1. The last 24 hours by category, as corrected by people, and how many still wait for one.
SELECT
    c.category,
    COUNT(*) AS photos,
    SUM(CASE WHEN c.needs_review = 1 AND c.reviewed_category IS NULL THEN 1 ELSE 0 END) AS waiting,
    AVG(c.confidence) AS mean_confidence
FROM current_prediction AS c
WHERE c.timestamp >= DATEADD(HOUR, -24, SYSUTCDATETIME())
GROUP BY c.category
ORDER BY photos DESC, c.category;

-- 2. Waiting for review, the least certain first.
SELECT
    c.image_id,
    c.container,
    c.image_filename,
    c.predicted_category,
    c.confidence,
    c.review_reason,
    c.timestamp
FROM current_prediction AS c
WHERE c.needs_review = 1 AND c.reviewed_category IS NULL
ORDER BY c.confidence, c.image_id;

-- 3. The runs of the last 14 days: did every night happen, and how did it go?
SELECT
    r.run_id,
    r.status,
    r.[trigger],
    r.started_at,
    r.finished_at,
    r.model_version,
    r.listed,
    r.classified,
    r.failed,
    r.skipped,
    r.error
FROM batch_run AS r
WHERE r.started_at >= DATEADD(DAY, -14, SYSUTCDATETIME())
ORDER BY r.run_id DESC;

-- 4. Photos that failed in the last 14 days and have had no answer since: their last failure.
SELECT
    f.run_id,
    f.container,
    f.image_filename,
    f.stage,
    f.reason,
    f.timestamp
FROM image_failure AS f
WHERE f.timestamp >= DATEADD(DAY, -14, SYSUTCDATETIME())
    AND NOT EXISTS (
        SELECT p.image_id
        FROM image_prediction AS p
        WHERE p.photo_key = f.photo_key AND p.run_id >= f.run_id
    )
    AND NOT EXISTS ( -- each night tries it again
        SELECT n.failure_id
        FROM image_failure AS n
        WHERE n.photo_key = f.photo_key AND n.failure_id > f.failure_id
    )
ORDER BY f.failure_id DESC;

-- 5. How often reviewers agreed with each model, of its answers that they looked at.
--    Mostly photos that the model was unsure of are reviewed: over all photos it is right more often.
--    What was said of another model's answers says nothing here: a new one may have learned from it.
SELECT
    p.model_version,
    COUNT(*) AS reviewed,
    SUM(CASE WHEN r.reviewed_category = p.predicted_category THEN 1 ELSE 0 END) AS agreed,
    AVG(CASE WHEN r.reviewed_category = p.predicted_category THEN 1.0 ELSE 0.0 END) AS share
FROM image_review AS r
INNER JOIN image_prediction AS p ON p.image_id = r.image_id
WHERE r.review_id = (
        SELECT MAX(r2.review_id)
        FROM image_review AS r2
        WHERE r2.photo_key = r.photo_key AND r2.etag = r.etag
    )
    AND r.reviewed_category NOT IN ('(undone)', '(photograph again)')
GROUP BY p.model_version
ORDER BY p.model_version;

-- 6. What the newest answers were taken for, and what people made of them.
SELECT
    c.predicted_category,
    c.reviewed_category,
    COUNT(*) AS photos
FROM current_prediction AS c
WHERE c.reviewed_category <> c.predicted_category
GROUP BY c.predicted_category, c.reviewed_category
ORDER BY photos DESC, c.predicted_category, c.reviewed_category;
