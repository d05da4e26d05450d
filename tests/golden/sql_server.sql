-- schema_version

SELECT CAST(SERVERPROPERTY('ProductVersion') AS VARCHAR);

SELECT schema_name();

SELECT name FROM sys.system_views WHERE name IN ('dm_exec_sessions', 'dm_pdw_nodes_exec_sessions');

SELECT CASE transaction_isolation_level
                    WHEN 0 THEN NULL
                    WHEN 1 THEN 'READ UNCOMMITTED'
                    WHEN 2 THEN 'READ COMMITTED'
                    WHEN 3 THEN 'REPEATABLE READ'
                    WHEN 4 THEN 'SERIALIZABLE'
                    WHEN 5 THEN 'SNAPSHOT' END
                    AS TRANSACTION_ISOLATION_LEVEL
                    FROM sys.dm_exec_sessions
                    where session_id = @@SPID;

SELECT CAST('test max support' AS NVARCHAR(max));

SELECT 1 FROM fn_listextendedproperty(default, default, default, default, default, default, default);

SELECT sys.objects.name
FROM sys.objects JOIN sys.schemas ON sys.objects.schema_id = sys.schemas.schema_id
WHERE sys.schemas.name = CAST(? AS NVARCHAR(max)) AND sys.objects.type IN (?, …) AND sys.objects.name IN (CAST(? AS NVARCHAR(max)));


-- upgrade

SELECT 1;

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

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
);

INSERT INTO alembic_version (version_num) OUTPUT inserted.version_num VALUES ('0001');

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
LEFT JOIN image_review AS r ON r.reviewed_category <> '(undone)' AND r.review_id = (
    SELECT MAX(newest.review_id)
    FROM image_review AS newest
    WHERE newest.photo_key = p.photo_key AND newest.etag = p.etag
)
WHERE p.image_id = (
    SELECT MAX(newest.image_id)
    FROM image_prediction AS newest
    WHERE newest.photo_key = p.photo_key
);

UPDATE alembic_version SET version_num='0002' WHERE alembic_version.version_num = '0001';

DROP INDEX doubtful_predictions ON image_prediction;

CREATE INDEX doubtful_predictions ON image_prediction (needs_review, margin, image_id) INCLUDE (photo_key, etag);

DROP INDEX predictions_of_run ON image_prediction;

CREATE INDEX predictions_of_run ON image_prediction (run_id, image_id) INCLUDE (predicted_category, needs_review, confidence);

CREATE INDEX reviews_of_answer ON image_review (image_id);

CREATE INDEX claims_of_answer ON review_claim (image_id);

CREATE INDEX claims_of_failure ON review_claim (failure_id);

UPDATE alembic_version SET version_num='0003' WHERE alembic_version.version_num = '0002';

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
);

UPDATE alembic_version SET version_num='0004' WHERE alembic_version.version_num = '0003';

UPDATE alembic_version SET version_num='0005' WHERE alembic_version.version_num = '0004';


-- ready

SELECT version_num FROM alembic_version;


-- clock

SELECT sysutcdatetime() AS sysutcdatetime_1;


-- empty_log


-- open_run

SELECT batch_run.run_id
FROM batch_run
WHERE batch_run.status = ? AND batch_run.heartbeat_at NOT BETWEEN ? AND ?;

INSERT INTO batch_run (status, [trigger], prefix, force, started_at, heartbeat_at, listed, classified, failed, skipped) OUTPUT inserted.run_id VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

SELECT batch_run.run_id, batch_run.status, batch_run.[trigger], batch_run.prefix, batch_run.force, batch_run.started_at, batch_run.heartbeat_at, batch_run.finished_at, batch_run.model_version, batch_run.preprocessing_version, batch_run.expected, batch_run.listed, batch_run.classified, batch_run.failed, batch_run.skipped, batch_run.error
FROM batch_run
WHERE batch_run.run_id = ?;


-- interrupt_stale_runs


-- describe_run

UPDATE batch_run SET model_version=?, preprocessing_version=? WHERE batch_run.run_id = ? AND batch_run.status = ?;


-- beat

UPDATE batch_run SET heartbeat_at=?, expected=?, listed=CASE WHEN (batch_run.listed < ?) THEN ? ELSE batch_run.listed END, classified=CASE WHEN (batch_run.classified < ?) THEN ? ELSE batch_run.classified END, failed=CASE WHEN (batch_run.failed < ?) THEN ? ELSE batch_run.failed END, skipped=CASE WHEN (batch_run.skipped < ?) THEN ? ELSE batch_run.skipped END WHERE batch_run.run_id = ? AND batch_run.status = ?;


-- save

SELECT image_prediction.answer_key, image_prediction.image_id, image_prediction.run_id, image_prediction.forced_run
FROM image_prediction
WHERE image_prediction.answer_key IN (?, …);

INSERT INTO image_prediction (image_filename, predicted_category, timestamp, run_id, container, etag, photo_key, answer_key, forced_run, confidence, margin, needs_review, review_reason, model_version, preprocessing_version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

INSERT INTO image_probabilities (image_id, t_shirt, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle_boot) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

SELECT image_failure.photo_key
FROM image_failure
WHERE image_failure.run_id = ? AND image_failure.photo_key IN (?, …);

INSERT INTO image_failure (run_id, image_filename, timestamp, container, etag, photo_key, stage, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

UPDATE batch_run SET heartbeat_at=?, listed=?, classified=?, failed=?, skipped=? WHERE batch_run.run_id = ? AND batch_run.status = ?;


-- run


-- active_run

SELECT batch_run.run_id, batch_run.status, batch_run.[trigger], batch_run.prefix, batch_run.force, batch_run.started_at, batch_run.heartbeat_at, batch_run.finished_at, batch_run.model_version, batch_run.preprocessing_version, batch_run.expected, batch_run.listed, batch_run.classified, batch_run.failed, batch_run.skipped, batch_run.error
FROM batch_run
WHERE batch_run.status = ?;


-- close_run

SELECT batch_run.status, batch_run.finished_at
FROM batch_run
WHERE batch_run.run_id = ?;

UPDATE batch_run SET status=?, heartbeat_at=?, finished_at=?, expected=?, listed=?, classified=?, failed=?, skipped=?, error=? WHERE batch_run.run_id = ? AND batch_run.status = ?;


-- runs

SELECT TOP n batch_run.run_id, batch_run.status, batch_run.[trigger], batch_run.prefix, batch_run.force, batch_run.started_at, batch_run.heartbeat_at, batch_run.finished_at, batch_run.model_version, batch_run.preprocessing_version, batch_run.expected, batch_run.listed, batch_run.classified, batch_run.failed, batch_run.skipped, batch_run.error
FROM batch_run ORDER BY batch_run.run_id DESC;

SELECT TOP n batch_run.run_id, batch_run.status, batch_run.[trigger], batch_run.prefix, batch_run.force, batch_run.started_at, batch_run.heartbeat_at, batch_run.finished_at, batch_run.model_version, batch_run.preprocessing_version, batch_run.expected, batch_run.listed, batch_run.classified, batch_run.failed, batch_run.skipped, batch_run.error
FROM batch_run
WHERE batch_run.run_id < ? ORDER BY batch_run.run_id DESC;


-- first_run

SELECT TOP n batch_run.run_id, batch_run.status, batch_run.[trigger], batch_run.prefix, batch_run.force, batch_run.started_at, batch_run.heartbeat_at, batch_run.finished_at, batch_run.model_version, batch_run.preprocessing_version, batch_run.expected, batch_run.listed, batch_run.classified, batch_run.failed, batch_run.skipped, batch_run.error
FROM batch_run ORDER BY batch_run.run_id;


-- last_success

SELECT TOP n batch_run.run_id, batch_run.status, batch_run.[trigger], batch_run.prefix, batch_run.force, batch_run.started_at, batch_run.heartbeat_at, batch_run.finished_at, batch_run.model_version, batch_run.preprocessing_version, batch_run.expected, batch_run.listed, batch_run.classified, batch_run.failed, batch_run.skipped, batch_run.error
FROM batch_run
WHERE batch_run.status = ? ORDER BY CASE WHEN (batch_run.prefix = ?) THEN ? ELSE ? END, batch_run.run_id DESC;


-- runs_by_status

SELECT batch_run.status, count(*) AS number
FROM batch_run GROUP BY batch_run.status;


-- answered

SELECT image_prediction.photo_key, image_prediction.answer_key
FROM image_prediction
WHERE NOT (EXISTS (SELECT newer.image_id
FROM image_prediction AS newer
WHERE newer.photo_key = image_prediction.photo_key AND newer.image_id > image_prediction.image_id)) AND NOT (EXISTS (SELECT image_failure.failure_id
FROM image_failure
WHERE image_failure.photo_key = image_prediction.photo_key AND image_failure.run_id > image_prediction.run_id)) AND image_prediction.photo_key IN (?, …);


-- answers

SELECT image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id
WHERE image_prediction.answer_key IN (?, …) AND image_prediction.run_id <= ? ORDER BY image_prediction.image_id;


-- failures

SELECT image_failure.failure_id, image_failure.run_id, image_failure.image_filename, image_failure.timestamp, image_failure.container, image_failure.etag, image_failure.photo_key, image_failure.stage, image_failure.reason
FROM image_failure
WHERE image_failure.run_id = ? AND image_failure.photo_key IN (?, …);


-- new_failures

SELECT count(*) AS number
FROM image_failure
WHERE image_failure.run_id = ? AND NOT (EXISTS (SELECT earlier.failure_id
FROM image_failure AS earlier JOIN batch_run ON batch_run.run_id = earlier.run_id
WHERE earlier.photo_key = image_failure.photo_key AND earlier.etag = image_failure.etag AND earlier.run_id < image_failure.run_id AND batch_run.status = ?));


-- predictions

SELECT TOP n image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id
WHERE image_prediction.image_id > ? ORDER BY image_prediction.image_id;

SELECT TOP n image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id
WHERE image_prediction.image_id > ? AND image_prediction.run_id = ? ORDER BY image_prediction.image_id;

SELECT TOP n image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id
WHERE image_prediction.image_id > ? AND image_prediction.predicted_category = ? ORDER BY image_prediction.image_id;

SELECT TOP n image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id
WHERE image_prediction.image_id > ? AND image_prediction.needs_review = 1 ORDER BY image_prediction.image_id;

SELECT TOP n image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id
WHERE image_prediction.image_id > ? AND image_prediction.needs_review = 0 ORDER BY image_prediction.image_id;

SELECT TOP n image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id
WHERE image_prediction.image_id > ? AND image_prediction.run_id = ? AND image_prediction.predicted_category = ? AND image_prediction.needs_review = 1 ORDER BY image_prediction.image_id;


-- prediction

SELECT image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id
WHERE image_prediction.image_id = ?;


-- read


-- write


-- open_run, over a dead one

UPDATE batch_run SET status=?, finished_at=?, error=? WHERE batch_run.status = ? AND batch_run.heartbeat_at NOT BETWEEN ? AND ?;


-- close_run, without counts

UPDATE batch_run SET status=?, heartbeat_at=?, finished_at=?, error=? WHERE batch_run.run_id = ? AND batch_run.status = ?;


-- review_queue: left

SELECT TOP n batch_run.run_id
FROM batch_run
WHERE batch_run.classified > ? AND batch_run.[trigger] != ? ORDER BY batch_run.run_id DESC;

SELECT count(image_failure.failure_id) AS count_1
FROM image_failure
WHERE NOT (EXISTS (SELECT newer.failure_id
FROM image_failure AS newer
WHERE newer.photo_key = image_failure.photo_key AND newer.failure_id > image_failure.failure_id)) AND NOT (EXISTS (SELECT image_prediction.image_id
FROM image_prediction
WHERE image_prediction.photo_key = image_failure.photo_key AND image_prediction.run_id >= image_failure.run_id)) AND NOT (EXISTS (SELECT image_review.review_id
FROM image_review
WHERE image_review.photo_key = image_failure.photo_key AND image_review.etag = image_failure.etag AND image_review.reviewed_category != ? AND NOT (EXISTS (SELECT newer.review_id
FROM image_review AS newer
WHERE newer.photo_key = image_review.photo_key AND newer.etag = image_review.etag AND newer.review_id > image_review.review_id))));

SELECT count(image_prediction.image_id) AS count_1
FROM image_prediction
WHERE NOT (EXISTS (SELECT newer.image_id
FROM image_prediction AS newer
WHERE newer.photo_key = image_prediction.photo_key AND newer.image_id > image_prediction.image_id)) AND NOT (EXISTS (SELECT image_failure.failure_id
FROM image_failure
WHERE image_failure.photo_key = image_prediction.photo_key AND image_failure.run_id > image_prediction.run_id)) AND NOT (EXISTS (SELECT image_review.review_id
FROM image_review
WHERE image_review.photo_key = image_prediction.photo_key AND image_review.etag = image_prediction.etag AND image_review.reviewed_category != ? AND NOT (EXISTS (SELECT newer.review_id
FROM image_review AS newer
WHERE newer.photo_key = image_review.photo_key AND newer.etag = image_review.etag AND newer.review_id > image_review.review_id)))) AND image_prediction.needs_review = 1;

SELECT count(image_prediction.image_id) AS count_1
FROM image_prediction
WHERE NOT (EXISTS (SELECT newer.image_id
FROM image_prediction AS newer
WHERE newer.photo_key = image_prediction.photo_key AND newer.image_id > image_prediction.image_id)) AND NOT (EXISTS (SELECT image_failure.failure_id
FROM image_failure
WHERE image_failure.photo_key = image_prediction.photo_key AND image_failure.run_id > image_prediction.run_id)) AND NOT (EXISTS (SELECT image_review.review_id
FROM image_review
WHERE image_review.photo_key = image_prediction.photo_key AND image_review.etag = image_prediction.etag AND image_review.reviewed_category != ? AND image_review.blind = 1 AND NOT (EXISTS (SELECT newer.review_id
FROM image_review AS newer
WHERE newer.photo_key = image_review.photo_key AND newer.etag = image_review.etag AND newer.review_id > image_review.review_id AND (newer.blind = 1 OR newer.reviewed_category = ?))))) AND image_prediction.answer_key < ? AND image_prediction.needs_review != 1 AND image_prediction.run_id >= ?;


-- review_queue: look

SELECT review_claim.photo_key
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id JOIN review_claim ON review_claim.image_id = image_prediction.image_id
WHERE review_claim.holder = ? AND review_claim.closed_at IS NULL AND (NOT (EXISTS (SELECT image_review.review_id
FROM image_review
WHERE image_review.photo_key = image_prediction.photo_key AND image_review.etag = image_prediction.etag AND image_review.reviewed_category != ? AND NOT (EXISTS (SELECT newer.review_id
FROM image_review AS newer
WHERE newer.photo_key = image_review.photo_key AND newer.etag = image_review.etag AND newer.review_id > image_review.review_id)))) OR review_claim.blind = 1 AND NOT (EXISTS (SELECT image_review.review_id
FROM image_review
WHERE image_review.photo_key = image_prediction.photo_key AND image_review.etag = image_prediction.etag AND image_review.reviewed_category != ? AND image_review.blind = 1 AND NOT (EXISTS (SELECT newer.review_id
FROM image_review AS newer
WHERE newer.photo_key = image_review.photo_key AND newer.etag = image_review.etag AND newer.review_id > image_review.review_id AND (newer.blind = 1 OR newer.reviewed_category = ?)))))) UNION ALL SELECT review_claim.photo_key
FROM image_failure JOIN review_claim ON review_claim.failure_id = image_failure.failure_id
WHERE review_claim.holder = ? AND review_claim.closed_at IS NULL AND NOT (EXISTS (SELECT image_review.review_id
FROM image_review
WHERE image_review.photo_key = image_failure.photo_key AND image_review.etag = image_failure.etag AND image_review.reviewed_category != ? AND NOT (EXISTS (SELECT newer.review_id
FROM image_review AS newer
WHERE newer.photo_key = image_review.photo_key AND newer.etag = image_review.etag AND newer.review_id > image_review.review_id))));

SELECT TOP n image_failure.photo_key, image_failure.failure_id AS number
FROM image_failure
WHERE NOT (EXISTS (SELECT newer.failure_id
FROM image_failure AS newer
WHERE newer.photo_key = image_failure.photo_key AND newer.failure_id > image_failure.failure_id)) AND NOT (EXISTS (SELECT image_prediction.image_id
FROM image_prediction
WHERE image_prediction.photo_key = image_failure.photo_key AND image_prediction.run_id >= image_failure.run_id)) AND NOT (EXISTS (SELECT image_review.review_id
FROM image_review
WHERE image_review.photo_key = image_failure.photo_key AND image_review.etag = image_failure.etag AND image_review.reviewed_category != ? AND NOT (EXISTS (SELECT newer.review_id
FROM image_review AS newer
WHERE newer.photo_key = image_review.photo_key AND newer.etag = image_review.etag AND newer.review_id > image_review.review_id)))) AND NOT (EXISTS (SELECT *
FROM review_claim
WHERE review_claim.photo_key = image_failure.photo_key AND (review_claim.closed_at IS NULL AND review_claim.expires_at > ? OR review_claim.skipped = 1 AND review_claim.failure_id = image_failure.failure_id))) ORDER BY image_failure.failure_id DESC;

SELECT image_failure.photo_key, image_failure.failure_id AS number
FROM image_failure
WHERE NOT (EXISTS (SELECT newer.failure_id
FROM image_failure AS newer
WHERE newer.photo_key = image_failure.photo_key AND newer.failure_id > image_failure.failure_id)) AND NOT (EXISTS (SELECT image_prediction.image_id
FROM image_prediction
WHERE image_prediction.photo_key = image_failure.photo_key AND image_prediction.run_id >= image_failure.run_id)) AND NOT (EXISTS (SELECT image_review.review_id
FROM image_review
WHERE image_review.photo_key = image_failure.photo_key AND image_review.etag = image_failure.etag AND image_review.reviewed_category != ? AND NOT (EXISTS (SELECT newer.review_id
FROM image_review AS newer
WHERE newer.photo_key = image_review.photo_key AND newer.etag = image_review.etag AND newer.review_id > image_review.review_id)))) AND image_failure.failure_id = ? AND NOT (EXISTS (SELECT *
FROM review_claim
WHERE review_claim.photo_key = image_failure.photo_key AND (review_claim.closed_at IS NULL AND review_claim.expires_at > ? OR review_claim.skipped = 1 AND review_claim.failure_id = image_failure.failure_id)));

UPDATE review_claim SET image_id=?, failure_id=?, holder=?, claimed_at=?, expires_at=?, closed_at=?, skipped=?, blind=? WHERE review_claim.photo_key = ? AND (review_claim.closed_at IS NOT NULL OR review_claim.expires_at <= ?);

INSERT INTO review_claim (photo_key, image_id, failure_id, holder, claimed_at, expires_at, closed_at, skipped, blind) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

SELECT TOP n image_prediction.photo_key, image_prediction.image_id AS number
FROM image_prediction
WHERE NOT (EXISTS (SELECT newer.image_id
FROM image_prediction AS newer
WHERE newer.photo_key = image_prediction.photo_key AND newer.image_id > image_prediction.image_id)) AND NOT (EXISTS (SELECT image_failure.failure_id
FROM image_failure
WHERE image_failure.photo_key = image_prediction.photo_key AND image_failure.run_id > image_prediction.run_id)) AND NOT (EXISTS (SELECT image_review.review_id
FROM image_review
WHERE image_review.photo_key = image_prediction.photo_key AND image_review.etag = image_prediction.etag AND image_review.reviewed_category != ? AND NOT (EXISTS (SELECT newer.review_id
FROM image_review AS newer
WHERE newer.photo_key = image_review.photo_key AND newer.etag = image_review.etag AND newer.review_id > image_review.review_id)))) AND image_prediction.needs_review = 1 AND NOT (EXISTS (SELECT *
FROM review_claim
WHERE review_claim.photo_key = image_prediction.photo_key AND (review_claim.closed_at IS NULL AND review_claim.expires_at > ? OR review_claim.skipped = 1 AND review_claim.image_id = image_prediction.image_id))) ORDER BY image_prediction.margin, image_prediction.image_id;

SELECT image_prediction.photo_key, image_prediction.image_id AS number
FROM image_prediction
WHERE NOT (EXISTS (SELECT newer.image_id
FROM image_prediction AS newer
WHERE newer.photo_key = image_prediction.photo_key AND newer.image_id > image_prediction.image_id)) AND NOT (EXISTS (SELECT image_failure.failure_id
FROM image_failure
WHERE image_failure.photo_key = image_prediction.photo_key AND image_failure.run_id > image_prediction.run_id)) AND NOT (EXISTS (SELECT image_review.review_id
FROM image_review
WHERE image_review.photo_key = image_prediction.photo_key AND image_review.etag = image_prediction.etag AND image_review.reviewed_category != ? AND NOT (EXISTS (SELECT newer.review_id
FROM image_review AS newer
WHERE newer.photo_key = image_review.photo_key AND newer.etag = image_review.etag AND newer.review_id > image_review.review_id)))) AND image_prediction.needs_review = 1 AND image_prediction.image_id = ? AND NOT (EXISTS (SELECT *
FROM review_claim
WHERE review_claim.photo_key = image_prediction.photo_key AND (review_claim.closed_at IS NULL AND review_claim.expires_at > ? OR review_claim.skipped = 1 AND review_claim.image_id = image_prediction.image_id)));

UPDATE review_claim SET expires_at=? WHERE review_claim.holder = ? AND review_claim.closed_at IS NULL;

SELECT image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot, review_claim.blind, review_claim.claimed_at
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id JOIN review_claim ON review_claim.image_id = image_prediction.image_id
WHERE review_claim.holder = ? AND review_claim.closed_at IS NULL AND (NOT (EXISTS (SELECT image_review.review_id
FROM image_review
WHERE image_review.photo_key = image_prediction.photo_key AND image_review.etag = image_prediction.etag AND image_review.reviewed_category != ? AND NOT (EXISTS (SELECT newer.review_id
FROM image_review AS newer
WHERE newer.photo_key = image_review.photo_key AND newer.etag = image_review.etag AND newer.review_id > image_review.review_id)))) OR review_claim.blind = 1 AND NOT (EXISTS (SELECT image_review.review_id
FROM image_review
WHERE image_review.photo_key = image_prediction.photo_key AND image_review.etag = image_prediction.etag AND image_review.reviewed_category != ? AND image_review.blind = 1 AND NOT (EXISTS (SELECT newer.review_id
FROM image_review AS newer
WHERE newer.photo_key = image_review.photo_key AND newer.etag = image_review.etag AND newer.review_id > image_review.review_id AND (newer.blind = 1 OR newer.reviewed_category = ?))))));

SELECT image_failure.failure_id, image_failure.run_id, image_failure.image_filename, image_failure.timestamp, image_failure.container, image_failure.etag, image_failure.photo_key, image_failure.stage, image_failure.reason, review_claim.claimed_at
FROM image_failure JOIN review_claim ON review_claim.failure_id = image_failure.failure_id
WHERE review_claim.holder = ? AND review_claim.closed_at IS NULL AND NOT (EXISTS (SELECT image_review.review_id
FROM image_review
WHERE image_review.photo_key = image_failure.photo_key AND image_review.etag = image_failure.etag AND image_review.reviewed_category != ? AND NOT (EXISTS (SELECT newer.review_id
FROM image_review AS newer
WHERE newer.photo_key = image_review.photo_key AND newer.etag = image_review.etag AND newer.review_id > image_review.review_id))));


-- review_queue: answer

SELECT review_claim.photo_key, review_claim.image_id, review_claim.failure_id, review_claim.holder, review_claim.claimed_at, review_claim.expires_at, review_claim.closed_at, review_claim.skipped, review_claim.blind
FROM review_claim
WHERE review_claim.photo_key = ? AND review_claim.holder = ?;

SELECT NULL AS image_id, image_failure.photo_key, image_failure.container, image_failure.image_filename, image_failure.etag
FROM image_failure
WHERE image_failure.failure_id = ?;

INSERT INTO image_review (image_id, photo_key, etag, reviewed_category, reviewer, timestamp, seconds, blind) OUTPUT inserted.review_id VALUES (?, ?, ?, ?, ?, ?, ?, ?);

UPDATE review_claim SET closed_at=?, skipped=? WHERE review_claim.photo_key = ?;

SELECT TOP n image_prediction.photo_key, image_prediction.image_id AS number
FROM image_prediction
WHERE NOT (EXISTS (SELECT newer.image_id
FROM image_prediction AS newer
WHERE newer.photo_key = image_prediction.photo_key AND newer.image_id > image_prediction.image_id)) AND NOT (EXISTS (SELECT image_failure.failure_id
FROM image_failure
WHERE image_failure.photo_key = image_prediction.photo_key AND image_failure.run_id > image_prediction.run_id)) AND NOT (EXISTS (SELECT image_review.review_id
FROM image_review
WHERE image_review.photo_key = image_prediction.photo_key AND image_review.etag = image_prediction.etag AND image_review.reviewed_category != ? AND image_review.blind = 1 AND NOT (EXISTS (SELECT newer.review_id
FROM image_review AS newer
WHERE newer.photo_key = image_review.photo_key AND newer.etag = image_review.etag AND newer.review_id > image_review.review_id AND (newer.blind = 1 OR newer.reviewed_category = ?))))) AND image_prediction.answer_key < ? AND image_prediction.needs_review != 1 AND image_prediction.run_id >= ? AND NOT (EXISTS (SELECT *
FROM review_claim
WHERE review_claim.photo_key = image_prediction.photo_key AND (review_claim.closed_at IS NULL AND review_claim.expires_at > ? OR review_claim.skipped = 1 AND review_claim.image_id = image_prediction.image_id))) ORDER BY image_prediction.answer_key;

SELECT image_prediction.photo_key, image_prediction.image_id AS number
FROM image_prediction
WHERE NOT (EXISTS (SELECT newer.image_id
FROM image_prediction AS newer
WHERE newer.photo_key = image_prediction.photo_key AND newer.image_id > image_prediction.image_id)) AND NOT (EXISTS (SELECT image_failure.failure_id
FROM image_failure
WHERE image_failure.photo_key = image_prediction.photo_key AND image_failure.run_id > image_prediction.run_id)) AND NOT (EXISTS (SELECT image_review.review_id
FROM image_review
WHERE image_review.photo_key = image_prediction.photo_key AND image_review.etag = image_prediction.etag AND image_review.reviewed_category != ? AND image_review.blind = 1 AND NOT (EXISTS (SELECT newer.review_id
FROM image_review AS newer
WHERE newer.photo_key = image_review.photo_key AND newer.etag = image_review.etag AND newer.review_id > image_review.review_id AND (newer.blind = 1 OR newer.reviewed_category = ?))))) AND image_prediction.answer_key < ? AND image_prediction.needs_review != 1 AND image_prediction.run_id >= ? AND image_prediction.image_id = ? AND NOT (EXISTS (SELECT *
FROM review_claim
WHERE review_claim.photo_key = image_prediction.photo_key AND (review_claim.closed_at IS NULL AND review_claim.expires_at > ? OR review_claim.skipped = 1 AND review_claim.image_id = image_prediction.image_id)));


-- review_queue: skip

SELECT TOP n image_failure.photo_key, image_failure.failure_id AS number
FROM image_failure JOIN review_claim ON review_claim.photo_key = image_failure.photo_key AND review_claim.skipped = 1 AND review_claim.failure_id = image_failure.failure_id
WHERE NOT (EXISTS (SELECT newer.failure_id
FROM image_failure AS newer
WHERE newer.photo_key = image_failure.photo_key AND newer.failure_id > image_failure.failure_id)) AND NOT (EXISTS (SELECT image_prediction.image_id
FROM image_prediction
WHERE image_prediction.photo_key = image_failure.photo_key AND image_prediction.run_id >= image_failure.run_id)) AND NOT (EXISTS (SELECT image_review.review_id
FROM image_review
WHERE image_review.photo_key = image_failure.photo_key AND image_review.etag = image_failure.etag AND image_review.reviewed_category != ? AND NOT (EXISTS (SELECT newer.review_id
FROM image_review AS newer
WHERE newer.photo_key = image_review.photo_key AND newer.etag = image_review.etag AND newer.review_id > image_review.review_id)))) ORDER BY review_claim.closed_at;

SELECT TOP n image_prediction.photo_key, image_prediction.image_id AS number
FROM image_prediction JOIN review_claim ON review_claim.photo_key = image_prediction.photo_key AND review_claim.skipped = 1 AND review_claim.image_id = image_prediction.image_id
WHERE NOT (EXISTS (SELECT newer.image_id
FROM image_prediction AS newer
WHERE newer.photo_key = image_prediction.photo_key AND newer.image_id > image_prediction.image_id)) AND NOT (EXISTS (SELECT image_failure.failure_id
FROM image_failure
WHERE image_failure.photo_key = image_prediction.photo_key AND image_failure.run_id > image_prediction.run_id)) AND NOT (EXISTS (SELECT image_review.review_id
FROM image_review
WHERE image_review.photo_key = image_prediction.photo_key AND image_review.etag = image_prediction.etag AND image_review.reviewed_category != ? AND image_review.blind = 1 AND NOT (EXISTS (SELECT newer.review_id
FROM image_review AS newer
WHERE newer.photo_key = image_review.photo_key AND newer.etag = image_review.etag AND newer.review_id > image_review.review_id AND (newer.blind = 1 OR newer.reviewed_category = ?))))) AND image_prediction.answer_key < ? AND image_prediction.needs_review != 1 AND image_prediction.run_id >= ? ORDER BY review_claim.closed_at;

SELECT TOP n image_prediction.photo_key, image_prediction.image_id AS number
FROM image_prediction JOIN review_claim ON review_claim.photo_key = image_prediction.photo_key AND review_claim.skipped = 1 AND review_claim.image_id = image_prediction.image_id
WHERE NOT (EXISTS (SELECT newer.image_id
FROM image_prediction AS newer
WHERE newer.photo_key = image_prediction.photo_key AND newer.image_id > image_prediction.image_id)) AND NOT (EXISTS (SELECT image_failure.failure_id
FROM image_failure
WHERE image_failure.photo_key = image_prediction.photo_key AND image_failure.run_id > image_prediction.run_id)) AND NOT (EXISTS (SELECT image_review.review_id
FROM image_review
WHERE image_review.photo_key = image_prediction.photo_key AND image_review.etag = image_prediction.etag AND image_review.reviewed_category != ? AND NOT (EXISTS (SELECT newer.review_id
FROM image_review AS newer
WHERE newer.photo_key = image_review.photo_key AND newer.etag = image_review.etag AND newer.review_id > image_review.review_id)))) AND image_prediction.needs_review = 1 ORDER BY review_claim.closed_at;


-- review_queue: undo

SELECT TOP n review_claim.photo_key, review_claim.image_id, review_claim.failure_id, review_claim.holder, review_claim.claimed_at, review_claim.expires_at, review_claim.closed_at, review_claim.skipped, review_claim.blind
FROM review_claim
WHERE review_claim.holder = ? AND review_claim.closed_at IS NOT NULL ORDER BY review_claim.closed_at DESC, review_claim.claimed_at DESC;

SELECT TOP n image_review.review_id, image_review.timestamp
FROM image_review
WHERE image_review.photo_key = ? AND image_review.etag = ? ORDER BY image_review.review_id DESC;

SELECT TOP n review_claim.claimed_at
FROM review_claim
WHERE review_claim.holder = ? AND review_claim.closed_at IS NULL ORDER BY review_claim.claimed_at;

UPDATE review_claim SET claimed_at=?, expires_at=?, closed_at=?, skipped=? WHERE review_claim.photo_key = ?;


-- review_queue: release


-- review_queue: answer, nothing left

SELECT image_prediction.image_id, image_prediction.photo_key, image_prediction.container, image_prediction.image_filename, image_prediction.etag
FROM image_prediction
WHERE image_prediction.image_id = ?;


-- review_queue: review


-- review_queue: come second

SELECT review_claim.expires_at, review_claim.closed_at
FROM review_claim
WHERE review_claim.holder = ? AND (review_claim.expires_at > ? OR review_claim.closed_at > ?);


-- review_queue: review, its first try lost


-- review_queue: done

SELECT count(*) AS count_1
FROM (SELECT DISTINCT image_review.photo_key AS photo_key, image_review.etag AS etag
FROM image_review
WHERE image_review.reviewer = ? AND image_review.timestamp >= ? AND image_review.reviewed_category != ? AND NOT (EXISTS (SELECT *
FROM image_review AS later
WHERE later.photo_key = image_review.photo_key AND later.etag = image_review.etag AND later.review_id > image_review.review_id AND later.reviewed_category = ?))) AS answered;


-- questions: photos

SELECT TOP n image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_prediction.photo_key AND newest.etag = image_prediction.etag)
WHERE NOT (EXISTS (SELECT newer.image_id
FROM image_prediction AS newer
WHERE newer.photo_key = image_prediction.photo_key AND newer.image_id > image_prediction.image_id)) AND NOT (EXISTS (SELECT image_failure.failure_id
FROM image_failure
WHERE image_failure.photo_key = image_prediction.photo_key AND image_failure.run_id > image_prediction.run_id)) ORDER BY image_prediction.image_id DESC;

SELECT TOP n image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_prediction.photo_key AND newest.etag = image_prediction.etag)
WHERE image_prediction.run_id = ? ORDER BY image_prediction.image_id DESC;

SELECT TOP n image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_prediction.photo_key AND newest.etag = image_prediction.etag)
WHERE NOT (EXISTS (SELECT newer.image_id
FROM image_prediction AS newer
WHERE newer.photo_key = image_prediction.photo_key AND newer.image_id > image_prediction.image_id)) AND NOT (EXISTS (SELECT image_failure.failure_id
FROM image_failure
WHERE image_failure.photo_key = image_prediction.photo_key AND image_failure.run_id > image_prediction.run_id)) AND (image_prediction.predicted_category = ? OR image_prediction.photo_key IN (SELECT image_review.photo_key
FROM image_review
WHERE image_review.reviewed_category = ?)) AND coalesce(nullif(image_review.reviewed_category, ?), image_prediction.predicted_category) = ? ORDER BY image_prediction.image_id DESC;

SELECT TOP n image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_prediction.photo_key AND newest.etag = image_prediction.etag)
WHERE NOT (EXISTS (SELECT newer.image_id
FROM image_prediction AS newer
WHERE newer.photo_key = image_prediction.photo_key AND newer.image_id > image_prediction.image_id)) AND NOT (EXISTS (SELECT image_failure.failure_id
FROM image_failure
WHERE image_failure.photo_key = image_prediction.photo_key AND image_failure.run_id > image_prediction.run_id)) AND CASE WHEN (image_prediction.needs_review = 1) THEN ? ELSE ? END = ? ORDER BY image_prediction.image_id DESC;

SELECT TOP n image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_prediction.photo_key AND newest.etag = image_prediction.etag)
WHERE NOT (EXISTS (SELECT newer.image_id
FROM image_prediction AS newer
WHERE newer.photo_key = image_prediction.photo_key AND newer.image_id > image_prediction.image_id)) AND NOT (EXISTS (SELECT image_failure.failure_id
FROM image_failure
WHERE image_failure.photo_key = image_prediction.photo_key AND image_failure.run_id > image_prediction.run_id)) AND CASE WHEN (image_prediction.needs_review = 1) THEN ? ELSE ? END != ? ORDER BY image_prediction.image_id DESC;

SELECT TOP n image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_prediction.photo_key AND newest.etag = image_prediction.etag)
WHERE NOT (EXISTS (SELECT newer.image_id
FROM image_prediction AS newer
WHERE newer.photo_key = image_prediction.photo_key AND newer.image_id > image_prediction.image_id)) AND NOT (EXISTS (SELECT image_failure.failure_id
FROM image_failure
WHERE image_failure.photo_key = image_prediction.photo_key AND image_failure.run_id > image_prediction.run_id)) AND lower(image_prediction.image_filename) LIKE lower(?) ESCAPE '/' ORDER BY image_prediction.image_id DESC;

SELECT TOP n image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_prediction.photo_key AND newest.etag = image_prediction.etag)
WHERE NOT (EXISTS (SELECT newer.image_id
FROM image_prediction AS newer
WHERE newer.photo_key = image_prediction.photo_key AND newer.image_id > image_prediction.image_id)) AND NOT (EXISTS (SELECT image_failure.failure_id
FROM image_failure
WHERE image_failure.photo_key = image_prediction.photo_key AND image_failure.run_id > image_prediction.run_id)) AND image_prediction.confidence >= ? ORDER BY image_prediction.image_id DESC;

SELECT TOP n image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_prediction.photo_key AND newest.etag = image_prediction.etag)
WHERE NOT (EXISTS (SELECT newer.image_id
FROM image_prediction AS newer
WHERE newer.photo_key = image_prediction.photo_key AND newer.image_id > image_prediction.image_id)) AND NOT (EXISTS (SELECT image_failure.failure_id
FROM image_failure
WHERE image_failure.photo_key = image_prediction.photo_key AND image_failure.run_id > image_prediction.run_id)) AND image_prediction.confidence <= ? ORDER BY image_prediction.image_id DESC;

SELECT min(batch_run.run_id) AS first, max(batch_run.run_id) AS last
FROM batch_run
WHERE batch_run.started_at >= ?;

SELECT min(image_prediction.image_id) AS first, max(image_prediction.image_id) AS last
FROM image_prediction
WHERE image_prediction.run_id >= ? AND image_prediction.run_id <= ?;

SELECT TOP n image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_prediction.photo_key AND newest.etag = image_prediction.etag)
WHERE image_prediction.image_id >= ? AND image_prediction.image_id <= ? AND NOT (EXISTS (SELECT newer.image_id
FROM image_prediction AS newer
WHERE newer.photo_key = image_prediction.photo_key AND newer.image_id > image_prediction.image_id)) AND NOT (EXISTS (SELECT image_failure.failure_id
FROM image_failure
WHERE image_failure.photo_key = image_prediction.photo_key AND image_failure.run_id > image_prediction.run_id)) ORDER BY image_prediction.image_id DESC;

SELECT min(batch_run.run_id) AS first, max(batch_run.run_id) AS last
FROM batch_run
WHERE batch_run.started_at < ?;

SELECT TOP n image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_prediction.photo_key AND newest.etag = image_prediction.etag)
WHERE 0 = 1 ORDER BY image_prediction.image_id DESC;

SELECT TOP n image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_prediction.photo_key AND newest.etag = image_prediction.etag)
WHERE NOT (EXISTS (SELECT newer.image_id
FROM image_prediction AS newer
WHERE newer.photo_key = image_prediction.photo_key AND newer.image_id > image_prediction.image_id)) AND NOT (EXISTS (SELECT image_failure.failure_id
FROM image_failure
WHERE image_failure.photo_key = image_prediction.photo_key AND image_failure.run_id > image_prediction.run_id)) AND image_prediction.image_id < ? ORDER BY image_prediction.image_id DESC;

SELECT min(batch_run.run_id) AS first, max(batch_run.run_id) AS last
FROM batch_run
WHERE batch_run.started_at >= ? AND batch_run.started_at < ?;

SELECT TOP n image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_prediction.photo_key AND newest.etag = image_prediction.etag)
WHERE image_prediction.image_id >= ? AND image_prediction.image_id <= ? AND NOT (EXISTS (SELECT newer.image_id
FROM image_prediction AS newer
WHERE newer.photo_key = image_prediction.photo_key AND newer.image_id > image_prediction.image_id)) AND NOT (EXISTS (SELECT image_failure.failure_id
FROM image_failure
WHERE image_failure.photo_key = image_prediction.photo_key AND image_failure.run_id > image_prediction.run_id)) AND (image_prediction.predicted_category = ? OR image_prediction.photo_key IN (SELECT image_review.photo_key
FROM image_review
WHERE image_review.reviewed_category = ?)) AND coalesce(nullif(image_review.reviewed_category, ?), image_prediction.predicted_category) = ? AND CASE WHEN (image_prediction.needs_review = 1) THEN ? ELSE ? END = ? AND lower(image_prediction.image_filename) LIKE lower(?) ESCAPE '/' AND image_prediction.confidence >= ? AND image_prediction.confidence <= ? AND image_prediction.image_id < ? ORDER BY image_prediction.image_id DESC;

SELECT TOP n image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_prediction.photo_key AND newest.etag = image_prediction.etag)
WHERE image_prediction.image_id >= ? AND image_prediction.image_id <= ? AND image_prediction.run_id = ? AND (image_prediction.predicted_category = ? OR image_prediction.photo_key IN (SELECT image_review.photo_key
FROM image_review
WHERE image_review.reviewed_category = ?)) AND coalesce(nullif(image_review.reviewed_category, ?), image_prediction.predicted_category) = ? AND CASE WHEN (image_prediction.needs_review = 1) THEN ? ELSE ? END = ? AND lower(image_prediction.image_filename) LIKE lower(?) ESCAPE '/' AND image_prediction.confidence >= ? AND image_prediction.confidence <= ? AND image_prediction.image_id < ? ORDER BY image_prediction.image_id DESC;


-- questions: failures

SELECT TOP n image_failure.failure_id, image_failure.run_id, image_failure.image_filename, image_failure.timestamp, image_failure.container, image_failure.etag, image_failure.photo_key, image_failure.stage, image_failure.reason, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_failure LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_failure.photo_key AND newest.etag = image_failure.etag)
WHERE NOT (EXISTS (SELECT newer.failure_id
FROM image_failure AS newer
WHERE newer.photo_key = image_failure.photo_key AND newer.failure_id > image_failure.failure_id)) AND NOT (EXISTS (SELECT image_prediction.image_id
FROM image_prediction
WHERE image_prediction.photo_key = image_failure.photo_key AND image_prediction.run_id >= image_failure.run_id)) ORDER BY image_failure.failure_id DESC;

SELECT TOP n image_failure.failure_id, image_failure.run_id, image_failure.image_filename, image_failure.timestamp, image_failure.container, image_failure.etag, image_failure.photo_key, image_failure.stage, image_failure.reason, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_failure LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_failure.photo_key AND newest.etag = image_failure.etag)
WHERE image_failure.run_id = ? ORDER BY image_failure.failure_id DESC;

SELECT TOP n image_failure.failure_id, image_failure.run_id, image_failure.image_filename, image_failure.timestamp, image_failure.container, image_failure.etag, image_failure.photo_key, image_failure.stage, image_failure.reason, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_failure LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_failure.photo_key AND newest.etag = image_failure.etag)
WHERE NOT (EXISTS (SELECT newer.failure_id
FROM image_failure AS newer
WHERE newer.photo_key = image_failure.photo_key AND newer.failure_id > image_failure.failure_id)) AND NOT (EXISTS (SELECT image_prediction.image_id
FROM image_prediction
WHERE image_prediction.photo_key = image_failure.photo_key AND image_prediction.run_id >= image_failure.run_id)) AND image_review.reviewed_category = ? ORDER BY image_failure.failure_id DESC;

SELECT TOP n image_failure.failure_id, image_failure.run_id, image_failure.image_filename, image_failure.timestamp, image_failure.container, image_failure.etag, image_failure.photo_key, image_failure.stage, image_failure.reason, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_failure LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_failure.photo_key AND newest.etag = image_failure.etag)
WHERE NOT (EXISTS (SELECT newer.failure_id
FROM image_failure AS newer
WHERE newer.photo_key = image_failure.photo_key AND newer.failure_id > image_failure.failure_id)) AND NOT (EXISTS (SELECT image_prediction.image_id
FROM image_prediction
WHERE image_prediction.photo_key = image_failure.photo_key AND image_prediction.run_id >= image_failure.run_id)) AND lower(image_failure.image_filename) LIKE lower(?) ESCAPE '/' ORDER BY image_failure.failure_id DESC;

SELECT TOP n image_failure.failure_id, image_failure.run_id, image_failure.image_filename, image_failure.timestamp, image_failure.container, image_failure.etag, image_failure.photo_key, image_failure.stage, image_failure.reason, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_failure LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_failure.photo_key AND newest.etag = image_failure.etag)
WHERE NOT (EXISTS (SELECT newer.failure_id
FROM image_failure AS newer
WHERE newer.photo_key = image_failure.photo_key AND newer.failure_id > image_failure.failure_id)) AND NOT (EXISTS (SELECT image_prediction.image_id
FROM image_prediction
WHERE image_prediction.photo_key = image_failure.photo_key AND image_prediction.run_id >= image_failure.run_id)) AND image_failure.run_id >= ? AND image_failure.run_id <= ? ORDER BY image_failure.failure_id DESC;

SELECT TOP n image_failure.failure_id, image_failure.run_id, image_failure.image_filename, image_failure.timestamp, image_failure.container, image_failure.etag, image_failure.photo_key, image_failure.stage, image_failure.reason, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_failure LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_failure.photo_key AND newest.etag = image_failure.etag)
WHERE NOT (EXISTS (SELECT newer.failure_id
FROM image_failure AS newer
WHERE newer.photo_key = image_failure.photo_key AND newer.failure_id > image_failure.failure_id)) AND NOT (EXISTS (SELECT image_prediction.image_id
FROM image_prediction
WHERE image_prediction.photo_key = image_failure.photo_key AND image_prediction.run_id >= image_failure.run_id)) AND image_failure.failure_id < ? ORDER BY image_failure.failure_id DESC;

SELECT TOP n image_failure.failure_id, image_failure.run_id, image_failure.image_filename, image_failure.timestamp, image_failure.container, image_failure.etag, image_failure.photo_key, image_failure.stage, image_failure.reason, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_failure LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_failure.photo_key AND newest.etag = image_failure.etag)
WHERE NOT (EXISTS (SELECT newer.failure_id
FROM image_failure AS newer
WHERE newer.photo_key = image_failure.photo_key AND newer.failure_id > image_failure.failure_id)) AND NOT (EXISTS (SELECT image_prediction.image_id
FROM image_prediction
WHERE image_prediction.photo_key = image_failure.photo_key AND image_prediction.run_id >= image_failure.run_id)) AND image_failure.run_id >= ? AND image_failure.run_id <= ? AND lower(image_failure.image_filename) LIKE lower(?) ESCAPE '/' AND image_failure.failure_id < ? ORDER BY image_failure.failure_id DESC;

SELECT TOP n image_failure.failure_id, image_failure.run_id, image_failure.image_filename, image_failure.timestamp, image_failure.container, image_failure.etag, image_failure.photo_key, image_failure.stage, image_failure.reason, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_failure LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_failure.photo_key AND newest.etag = image_failure.etag)
WHERE image_failure.run_id = ? AND image_failure.run_id >= ? AND image_failure.run_id <= ? AND lower(image_failure.image_filename) LIKE lower(?) ESCAPE '/' AND image_failure.failure_id < ? ORDER BY image_failure.failure_id DESC;


-- questions: now

SELECT (SELECT max(image_prediction.image_id) AS max_1
FROM image_prediction) AS image_id, (SELECT max(image_failure.failure_id) AS max_2
FROM image_failure) AS failure_id, (SELECT max(image_review.review_id) AS max_3
FROM image_review) AS review_id;


-- questions: all_photos

SELECT TOP n image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_prediction.photo_key AND newest.etag = image_prediction.etag AND newest.review_id <= ?)
WHERE image_prediction.image_id <= ? AND NOT (EXISTS (SELECT newer.image_id
FROM image_prediction AS newer
WHERE newer.photo_key = image_prediction.photo_key AND newer.image_id > image_prediction.image_id AND newer.image_id <= ?)) AND NOT (EXISTS (SELECT image_failure.failure_id
FROM image_failure
WHERE image_failure.photo_key = image_prediction.photo_key AND image_failure.run_id > image_prediction.run_id AND image_failure.failure_id <= ?)) ORDER BY image_prediction.image_id DESC;

SELECT TOP n image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_prediction.photo_key AND newest.etag = image_prediction.etag AND newest.review_id <= ?)
WHERE image_prediction.image_id <= ? AND NOT (EXISTS (SELECT newer.image_id
FROM image_prediction AS newer
WHERE newer.photo_key = image_prediction.photo_key AND newer.image_id > image_prediction.image_id AND newer.image_id <= ?)) AND NOT (EXISTS (SELECT image_failure.failure_id
FROM image_failure
WHERE image_failure.photo_key = image_prediction.photo_key AND image_failure.run_id > image_prediction.run_id AND image_failure.failure_id <= ?)) AND image_prediction.image_id < ? ORDER BY image_prediction.image_id DESC;


-- questions: all_failures

SELECT TOP n image_failure.failure_id, image_failure.run_id, image_failure.image_filename, image_failure.timestamp, image_failure.container, image_failure.etag, image_failure.photo_key, image_failure.stage, image_failure.reason, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_failure LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_failure.photo_key AND newest.etag = image_failure.etag AND newest.review_id <= ?)
WHERE image_failure.failure_id <= ? AND NOT (EXISTS (SELECT newer.failure_id
FROM image_failure AS newer
WHERE newer.photo_key = image_failure.photo_key AND newer.failure_id > image_failure.failure_id AND newer.failure_id <= ?)) AND NOT (EXISTS (SELECT image_prediction.image_id
FROM image_prediction
WHERE image_prediction.photo_key = image_failure.photo_key AND image_prediction.run_id >= image_failure.run_id AND image_prediction.image_id <= ?)) ORDER BY image_failure.failure_id DESC;

SELECT TOP n image_failure.failure_id, image_failure.run_id, image_failure.image_filename, image_failure.timestamp, image_failure.container, image_failure.etag, image_failure.photo_key, image_failure.stage, image_failure.reason, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_failure LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_failure.photo_key AND newest.etag = image_failure.etag AND newest.review_id <= ?)
WHERE image_failure.failure_id <= ? AND NOT (EXISTS (SELECT newer.failure_id
FROM image_failure AS newer
WHERE newer.photo_key = image_failure.photo_key AND newer.failure_id > image_failure.failure_id AND newer.failure_id <= ?)) AND NOT (EXISTS (SELECT image_prediction.image_id
FROM image_prediction
WHERE image_prediction.photo_key = image_failure.photo_key AND image_prediction.run_id >= image_failure.run_id AND image_prediction.image_id <= ?)) AND image_failure.failure_id < ? ORDER BY image_failure.failure_id DESC;


-- questions: photo

SELECT image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_prediction.photo_key AND newest.etag = image_prediction.etag)
WHERE image_prediction.image_id = ?;


-- questions: history

SELECT TOP n image_prediction.image_id, image_prediction.image_filename, image_prediction.predicted_category, image_prediction.timestamp, image_prediction.run_id, image_prediction.container, image_prediction.etag, image_prediction.photo_key, image_prediction.answer_key, image_prediction.forced_run, image_prediction.confidence, image_prediction.margin, image_prediction.needs_review, image_prediction.review_reason, image_prediction.model_version, image_prediction.preprocessing_version, image_probabilities.t_shirt, image_probabilities.trouser, image_probabilities.pullover, image_probabilities.dress, image_probabilities.coat, image_probabilities.sandal, image_probabilities.shirt, image_probabilities.sneaker, image_probabilities.bag, image_probabilities.ankle_boot, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_prediction JOIN image_probabilities ON image_probabilities.image_id = image_prediction.image_id LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_prediction.photo_key AND newest.etag = image_prediction.etag)
WHERE image_prediction.photo_key = ? ORDER BY image_prediction.image_id DESC;

SELECT TOP n image_failure.failure_id, image_failure.run_id, image_failure.image_filename, image_failure.timestamp, image_failure.container, image_failure.etag, image_failure.photo_key, image_failure.stage, image_failure.reason, image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_failure LEFT OUTER JOIN image_review ON image_review.review_id = (SELECT max(newest.review_id) AS max_1
FROM image_review AS newest
WHERE newest.photo_key = image_failure.photo_key AND newest.etag = image_failure.etag)
WHERE image_failure.photo_key = ? ORDER BY image_failure.failure_id DESC;


-- questions: reviews

SELECT TOP n image_review.review_id AS said_review_id, image_review.reviewed_category AS said_reviewed_category, image_review.reviewer AS said_reviewer, image_review.timestamp AS said_timestamp, image_review.blind AS said_blind
FROM image_review
WHERE image_review.photo_key = ? AND image_review.etag = ? ORDER BY image_review.review_id DESC;


-- questions: reasons

SELECT TOP n image_failure.reason, count(*) AS number
FROM image_failure
WHERE image_failure.run_id = ? GROUP BY image_failure.reason ORDER BY number DESC, image_failure.reason;


-- questions: answers_left

SELECT image_prediction.run_id, count(*) AS number
FROM image_prediction
WHERE image_prediction.run_id IN (?, …) GROUP BY image_prediction.run_id;


-- questions: tallies

SELECT image_prediction.run_id, image_prediction.predicted_category, image_prediction.needs_review, count(*) AS number, sum(image_prediction.confidence) AS sum
FROM image_prediction
WHERE image_prediction.run_id IN (?, …) GROUP BY image_prediction.run_id, image_prediction.predicted_category, image_prediction.needs_review;


-- questions: checked

SELECT count(*) AS number
FROM image_prediction
WHERE image_prediction.run_id = ? AND CASE WHEN (image_prediction.needs_review = 1) THEN ? ELSE ? END = ? AND (EXISTS (SELECT image_review.review_id
FROM image_review
WHERE image_review.photo_key = image_prediction.photo_key AND image_review.etag = image_prediction.etag AND image_review.reviewed_category != ? AND NOT (EXISTS (SELECT newer.review_id
FROM image_review AS newer
WHERE newer.photo_key = image_review.photo_key AND newer.etag = image_review.etag AND newer.review_id > image_review.review_id))));


-- questions: verdicts

SELECT image_prediction.run_id, image_prediction.predicted_category, image_review.reviewed_category, count(*) AS number
FROM image_review JOIN image_prediction ON image_prediction.image_id = image_review.image_id
WHERE image_prediction.model_version = ? AND NOT (EXISTS (SELECT newer.review_id
FROM image_review AS newer
WHERE newer.photo_key = image_review.photo_key AND newer.etag = image_review.etag AND newer.review_id > image_review.review_id)) AND image_review.reviewed_category != ? GROUP BY image_prediction.run_id, image_prediction.predicted_category, image_review.reviewed_category;


-- questions: verdicts, blind

SELECT image_prediction.run_id, image_prediction.predicted_category, image_review.reviewed_category, count(*) AS number
FROM image_review JOIN image_prediction ON image_prediction.image_id = image_review.image_id
WHERE image_prediction.model_version = ? AND image_review.blind = 1 AND NOT (EXISTS (SELECT newer.review_id
FROM image_review AS newer
WHERE newer.photo_key = image_review.photo_key AND newer.etag = image_review.etag AND newer.review_id > image_review.review_id AND (newer.blind = 1 OR newer.reviewed_category = ?))) AND image_review.reviewed_category != ? GROUP BY image_prediction.run_id, image_prediction.predicted_category, image_review.reviewed_category;


-- questions: reviewed_photos

SELECT TOP n image_review.review_id, image_review.reviewed_category, image_prediction.image_filename
FROM image_review JOIN image_prediction ON image_review.photo_key = image_prediction.photo_key AND image_review.etag = image_prediction.etag
WHERE image_review.review_id > ? AND NOT (EXISTS (SELECT newer.review_id
FROM image_review AS newer
WHERE newer.photo_key = image_review.photo_key AND newer.etag = image_review.etag AND newer.review_id > image_review.review_id)) AND NOT (EXISTS (SELECT newer.image_id
FROM image_prediction AS newer
WHERE newer.photo_key = image_prediction.photo_key AND newer.image_id > image_prediction.image_id)) AND NOT (EXISTS (SELECT image_failure.failure_id
FROM image_failure
WHERE image_failure.photo_key = image_prediction.photo_key AND image_failure.run_id > image_prediction.run_id)) ORDER BY image_review.review_id;


-- forgetting: known

SELECT DISTINCT image_prediction.photo_key, image_prediction.image_filename, image_prediction.etag
FROM image_prediction
WHERE image_prediction.container = ? AND image_prediction.image_filename LIKE ? ESCAPE '/';

SELECT DISTINCT image_failure.photo_key, image_failure.image_filename, image_failure.etag
FROM image_failure
WHERE image_failure.container = ? AND image_failure.image_filename LIKE ? ESCAPE '/';

SELECT count(*) AS count_1
FROM review_claim
WHERE review_claim.photo_key IN (?, …);

SELECT count(*) AS count_1
FROM image_review
WHERE image_review.photo_key IN (?, …);

SELECT count(*) AS count_1
FROM image_probabilities
WHERE image_probabilities.image_id IN (SELECT image_prediction.image_id
FROM image_prediction
WHERE image_prediction.photo_key IN (?, …));

SELECT count(*) AS count_1
FROM image_prediction
WHERE image_prediction.photo_key IN (?, …);

SELECT count(*) AS count_1
FROM image_failure
WHERE image_failure.photo_key IN (?, …);

SELECT batch_run.run_id, batch_run.prefix
FROM batch_run
WHERE batch_run.prefix LIKE ? ESCAPE '/';


-- forgetting: forget

SELECT batch_run.run_id
FROM batch_run
WHERE batch_run.status = ?;

DELETE FROM review_claim WHERE review_claim.photo_key IN (?, …);

DELETE FROM image_review WHERE image_review.photo_key IN (?, …);

DELETE FROM image_probabilities WHERE image_probabilities.image_id IN (SELECT image_prediction.image_id
FROM image_prediction
WHERE image_prediction.photo_key IN (?, …));

DELETE FROM image_prediction WHERE image_prediction.photo_key IN (?, …);

DELETE FROM image_failure WHERE image_failure.photo_key IN (?, …);

UPDATE batch_run SET prefix=? WHERE batch_run.run_id IN (?, …);


-- dispose
