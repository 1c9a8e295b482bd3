-- A channel that its messenger refuses is 'broken': what came in is kept, what must go out waits.
ALTER TABLE channel DROP CONSTRAINT channel_status_check;
ALTER TABLE channel ADD CONSTRAINT channel_status_check CHECK (status IN ('active', 'broken', 'off'));
ALTER TABLE channel ADD COLUMN trouble text NOT NULL DEFAULT '';  -- what is wrong, for people
CREATE INDEX channel_broken ON channel (id) WHERE status = 'broken';
