-- Lets the app into the database, with the least that it needs: it reads, adds rows, and keeps its
-- own runs, and who reviews what, up to date. It cannot delete, change an answer, or the schema.
--
-- Run it after schema.sql, and again after each `python -m clothing db upgrade` that added a table, in
-- the app's database and as the server's Entra administrator; what is there already stays. Replace
-- clothing-returns by the name of the Web App, whose system-assigned identity has the same name; for
-- a user-assigned identity, by that one's name.
-- Written by hand; a test holds that it names every table.

IF DATABASE_PRINCIPAL_ID('clothing-returns') IS NULL
    CREATE USER [clothing-returns] FROM EXTERNAL PROVIDER;
-- Where the server's identity may not read the directory (a pipeline, say), use the identity's
-- client id, as bytes:       CREATE USER [clothing-returns] WITH SID = 0x..., TYPE = E;
-- With a password instead:   CREATE USER [clothing-returns] WITH PASSWORD = '...';

IF DATABASE_PRINCIPAL_ID('clothing_app') IS NULL
    CREATE ROLE clothing_app;
ALTER ROLE clothing_app ADD MEMBER [clothing-returns];

GRANT SELECT ON alembic_version TO clothing_app;
GRANT SELECT ON current_prediction TO clothing_app;
GRANT SELECT, INSERT, UPDATE ON batch_run TO clothing_app;
GRANT SELECT, INSERT ON image_prediction TO clothing_app;
GRANT SELECT, INSERT ON image_probabilities TO clothing_app;
GRANT SELECT, INSERT ON image_failure TO clothing_app;
GRANT SELECT, INSERT ON image_review TO clothing_app;
GRANT SELECT, INSERT, UPDATE ON review_claim TO clothing_app;

-- People come into the database first, each of them once:
--     CREATE USER [kim@example.com] FROM EXTERNAL PROVIDER;
-- Whoever runs `python -m clothing db upgrade` needs more, and the app must not be that one:
--     ALTER ROLE db_ddladmin ADD MEMBER [...];
--     ALTER ROLE db_datareader ADD MEMBER [...];
--     ALTER ROLE db_datawriter ADD MEMBER [...];
-- Whoever runs `python -m clothing forget`, a person and not the app:
--     ALTER ROLE db_datareader ADD MEMBER [...];
--     ALTER ROLE db_datawriter ADD MEMBER [...];
-- People who only read the reports:
--     ALTER ROLE db_datareader ADD MEMBER [...];
