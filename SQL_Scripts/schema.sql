-- The tables of the clothing returns, schema 0005, for SQL Server and Azure SQL.
-- Generated from clothing/migrations: do not edit, run `make docs`.
--
-- Run it once, on an empty database, in the portal's Query editor, SSMS or sqlcmd. It is one batch
-- and one transaction: either all of it is there afterwards, or nothing. It does what
-- `python -m clothing db upgrade` does, which on later versions goes on from here.
-- Names and etags compare exactly (Latin1_General_BIN2), whatever the database's collation is.

SET NOCOUNT ON;
SET XACT_ABORT ON;
SET ANSI_NULLS ON;
SET QUOTED_IDENTIFIER ON;

BEGIN TRANSACTION;

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

-- Running upgrade  -> 0001

CREATE TABLE batch_run (
    run_id BIGINT NOT NULL IDENTITY,
    status VARCHAR(16) NOT NULL,
    [trigger] VARCHAR(32) NOT NULL,
    prefix NVARCHAR(2048) COLLATE Latin1_General_BIN2 NOT NULL,
    force BIT NOT NULL,
    started_at DATETIME2(6) NOT NULL,
    heartbeat_at DATETIME2(6) NOT NULL,
    finished_at DATETIME2(6) NULL,
    model_version NVARCHAR(256) NULL,
    preprocessing_version NVARCHAR(128) NULL,
    expected BIGINT NULL,
    listed BIGINT NOT NULL,
    classified BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    skipped BIGINT NOT NULL,
    error NVARCHAR(4000) NULL,
    PRIMARY KEY (run_id)
);

CREATE UNIQUE INDEX one_active_run ON batch_run (status) WHERE status = 'running';

CREATE TABLE image_prediction (
    image_id BIGINT NOT NULL IDENTITY,
    image_filename NVARCHAR(2048) COLLATE Latin1_General_BIN2 NOT NULL,
    predicted_category NVARCHAR(128) NOT NULL,
    timestamp DATETIME2(6) NOT NULL,
    run_id BIGINT NOT NULL,
    container NVARCHAR(126) NOT NULL,
    etag NVARCHAR(256) COLLATE Latin1_General_BIN2 NOT NULL,
    photo_key VARCHAR(64) NOT NULL,
    answer_key VARCHAR(64) NOT NULL,
    forced_run BIGINT NOT NULL,
    confidence FLOAT(53) NOT NULL,
    margin FLOAT(53) NOT NULL,
    needs_review BIT NOT NULL,
    review_reason NVARCHAR(400) NOT NULL,
    model_version NVARCHAR(256) NOT NULL,
    preprocessing_version NVARCHAR(128) NOT NULL,
    PRIMARY KEY (image_id),
    CONSTRAINT one_answer UNIQUE (answer_key, forced_run),
    FOREIGN KEY(run_id) REFERENCES batch_run (run_id)
);

CREATE INDEX predictions_of_photo ON image_prediction (photo_key, image_id);

CREATE INDEX predictions_of_run ON image_prediction (run_id, image_id);

CREATE TABLE image_probabilities (
    probabilities_id BIGINT NOT NULL IDENTITY,
    image_id BIGINT NOT NULL,
    t_shirt FLOAT(53) NOT NULL,
    trouser FLOAT(53) NOT NULL,
    pullover FLOAT(53) NOT NULL,
    dress FLOAT(53) NOT NULL,
    coat FLOAT(53) NOT NULL,
    sandal FLOAT(53) NOT NULL,
    shirt FLOAT(53) NOT NULL,
    sneaker FLOAT(53) NOT NULL,
    bag FLOAT(53) NOT NULL,
    ankle_boot FLOAT(53) NOT NULL,
    PRIMARY KEY (probabilities_id),
    UNIQUE (image_id),
    FOREIGN KEY(image_id) REFERENCES image_prediction (image_id)
);

CREATE TABLE image_failure (
    failure_id BIGINT NOT NULL IDENTITY,
    run_id BIGINT NOT NULL,
    image_filename NVARCHAR(2048) COLLATE Latin1_General_BIN2 NOT NULL,
    timestamp DATETIME2(6) NOT NULL,
    container NVARCHAR(126) NOT NULL,
    etag NVARCHAR(256) COLLATE Latin1_General_BIN2 NOT NULL,
    photo_key VARCHAR(64) NOT NULL,
    stage VARCHAR(16) NOT NULL,
    reason NVARCHAR(1000) NOT NULL,
    PRIMARY KEY (failure_id),
    CONSTRAINT one_failure UNIQUE (run_id, photo_key),
    FOREIGN KEY(run_id) REFERENCES batch_run (run_id)
);

CREATE TABLE image_review (
    review_id BIGINT NOT NULL IDENTITY,
    image_id BIGINT NULL,
    photo_key VARCHAR(64) NOT NULL,
    etag NVARCHAR(256) COLLATE Latin1_General_BIN2 NOT NULL,
    reviewed_category NVARCHAR(128) NOT NULL,
    reviewer NVARCHAR(256) NOT NULL,
    timestamp DATETIME2(6) NOT NULL,
    PRIMARY KEY (review_id),
    FOREIGN KEY(image_id) REFERENCES image_prediction (image_id)
);

CREATE INDEX reviews_of_photo ON image_review (photo_key, review_id);

EXEC sp_executesql N'
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
';

INSERT INTO alembic_version (version_num) VALUES ('0001');

-- Running upgrade 0001 -> 0002

ALTER TABLE image_review ADD seconds FLOAT(53) NULL;

ALTER TABLE image_review ADD blind BIT NOT NULL DEFAULT 0;

CREATE INDEX reviews_of_reviewer ON image_review (reviewer, timestamp);

CREATE INDEX doubtful_predictions ON image_prediction (needs_review, margin, image_id);

CREATE INDEX failures_of_photo ON image_failure (photo_key, failure_id);

CREATE TABLE review_claim (
    photo_key VARCHAR(64) NOT NULL,
    image_id BIGINT NULL,
    failure_id BIGINT NULL,
    holder VARCHAR(64) NOT NULL,
    claimed_at DATETIME2(6) NOT NULL,
    expires_at DATETIME2(6) NOT NULL,
    closed_at DATETIME2(6) NULL,
    skipped BIT NOT NULL,
    blind BIT NOT NULL,
    PRIMARY KEY (photo_key),
    FOREIGN KEY(image_id) REFERENCES image_prediction (image_id),
    FOREIGN KEY(failure_id) REFERENCES image_failure (failure_id)
);

CREATE INDEX claims_of_holder ON review_claim (holder, claimed_at);

EXEC sp_executesql N'
CREATE OR ALTER VIEW current_prediction AS
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
LEFT JOIN image_review AS r ON r.reviewed_category <> ''(undone)'' AND r.review_id = (
    SELECT MAX(newest.review_id)
    FROM image_review AS newest
    WHERE newest.photo_key = p.photo_key AND newest.etag = p.etag
)
WHERE p.image_id = (
    SELECT MAX(newest.image_id)
    FROM image_prediction AS newest
    WHERE newest.photo_key = p.photo_key
)
';

UPDATE alembic_version SET version_num='0002' WHERE alembic_version.version_num = '0001';

-- Running upgrade 0002 -> 0003

DROP INDEX doubtful_predictions ON image_prediction;

CREATE INDEX doubtful_predictions ON image_prediction (needs_review, margin, image_id) INCLUDE (photo_key, etag);

DROP INDEX predictions_of_run ON image_prediction;

CREATE INDEX predictions_of_run ON image_prediction (run_id, image_id) INCLUDE (predicted_category, needs_review, confidence);

CREATE INDEX reviews_of_answer ON image_review (image_id);

CREATE INDEX claims_of_answer ON review_claim (image_id);

CREATE INDEX claims_of_failure ON review_claim (failure_id);

UPDATE alembic_version SET version_num='0003' WHERE alembic_version.version_num = '0002';

-- Running upgrade 0003 -> 0004

EXEC sp_executesql N'
CREATE OR ALTER VIEW current_prediction AS
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
LEFT JOIN image_review AS r ON r.reviewed_category <> ''(undone)'' AND r.review_id = (
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
';

UPDATE alembic_version SET version_num='0004' WHERE alembic_version.version_num = '0003';

-- Running upgrade 0004 -> 0005

UPDATE alembic_version SET version_num='0005' WHERE alembic_version.version_num = '0004';

COMMIT;
