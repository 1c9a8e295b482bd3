-- Files that came in or will go out, and those that their messengers still have.

CREATE TABLE media (
    outlet_id       uuid NOT NULL REFERENCES outlet,
    id              uuid NOT NULL,
    key             bytea NOT NULL CHECK (length(key) = 16),  -- whoever knows it may read the file
    conversation_id uuid,                  -- whose it is; both NULL: the outlet's own
    visitor_id      uuid,
    origin          text NOT NULL CHECK (origin IN ('inbound', 'visitor', 'operator', 'outlet')),
    sha256          bytea NOT NULL,
    media_type      text NOT NULL,         -- found from the bytes
    size_bytes      bigint NOT NULL,
    name            text NOT NULL,
    alt             text NOT NULL DEFAULT '',
    width           integer,
    height          integer,
    content         bytea NOT NULL,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, id),
    -- Equal bytes are kept once for each owner: what one person's erasure deletes is nobody else's.
    UNIQUE NULLS NOT DISTINCT (outlet_id, sha256, conversation_id, visitor_id),
    FOREIGN KEY (outlet_id, conversation_id) REFERENCES conversation,
    FOREIGN KEY (outlet_id, visitor_id) REFERENCES web_visitor,
    CHECK (conversation_id IS NULL OR visitor_id IS NULL)
);
-- Pictures, sound and films are compressed already, and a slice is read without the rest.
ALTER TABLE media ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE INDEX media_size ON media (outlet_id) INCLUDE (size_bytes);
CREATE INDEX media_of_conversation ON media (outlet_id, conversation_id) WHERE conversation_id IS NOT NULL;
CREATE INDEX media_of_visitor ON media (outlet_id, visitor_id) WHERE visitor_id IS NOT NULL;
CREATE INDEX media_by_address ON media (id);  -- an address names no outlet
CREATE INDEX media_by_age ON media (created_at) WHERE conversation_id IS NOT NULL OR visitor_id IS NOT NULL;

CREATE TABLE media_fetch (
    outlet_id       uuid NOT NULL,
    conversation_id uuid NOT NULL,
    message_seq     integer NOT NULL,
    channel_id      uuid NOT NULL,
    file            jsonb NOT NULL,        -- sdk.inbound.File
    status          text NOT NULL CHECK (status IN ('waiting', 'leased', 'here', 'failed')),
    attempts        smallint NOT NULL DEFAULT 0,
    ready_at        timestamptz NOT NULL,
    lease_until     timestamptz,
    fence           bigint NOT NULL DEFAULT 0,  -- grows with each lease; a late holder's result is refused
    media_id        uuid,                  -- no foreign key: the file may go before the message
    reason          text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL,
    finished_at     timestamptz,
    PRIMARY KEY (outlet_id, conversation_id, message_seq),
    FOREIGN KEY (outlet_id, conversation_id, message_seq) REFERENCES message,
    FOREIGN KEY (outlet_id, channel_id) REFERENCES channel
);
CREATE INDEX media_fetch_open ON media_fetch (ready_at) WHERE status IN ('waiting', 'leased');
CREATE INDEX media_fetch_of ON media_fetch (outlet_id, media_id) WHERE media_id IS NOT NULL;

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['media', 'media_fetch'] LOOP
        EXECUTE format($p$CREATE POLICY web ON %I TO chatworks_web
            USING (outlet_id = (SELECT current_setting('app.outlet', true)::uuid))
            WITH CHECK (outlet_id = (SELECT current_setting('app.outlet', true)::uuid))$p$, t);
        EXECUTE format('CREATE POLICY engine ON %I TO chatworks_engine USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY owner ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE, DELETE ON media, media_fetch TO chatworks_engine;
GRANT SELECT ON media, media_fetch TO chatworks_web;
GRANT INSERT, UPDATE ON media TO chatworks_web;
