-- E-mail that the installation sends to accounts: theirs, not an outlet's. What it says is sealed
-- with the installation's key, because it carries codes and links, and goes when its fate is known.

CREATE TABLE mail_message (
    id          uuid PRIMARY KEY,
    recipient   text NOT NULL,              -- in its one form
    content     bytea,                      -- sealed: subject and texts; NULL once it is over
    status      text NOT NULL CHECK (status IN ('queued', 'leased', 'sent', 'unknown', 'failed', 'expired')),
    attempts    smallint NOT NULL DEFAULT 0,
    doubts      smallint NOT NULL DEFAULT 0, -- tries of which nobody knows whether they arrived
    ready_at    timestamptz NOT NULL,       -- while it is leased: until when
    expires_at  timestamptz NOT NULL,
    fence       bigint NOT NULL DEFAULT 0,  -- grows with each lease; a late holder's result is refused
    error       text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL,
    finished_at timestamptz,
    CHECK ((status IN ('queued', 'leased')) = (content IS NOT NULL)),
    CHECK ((finished_at IS NULL) = (content IS NOT NULL))
);
CREATE INDEX mail_message_open ON mail_message (ready_at) WHERE status IN ('queued', 'leased');
CREATE INDEX mail_message_over ON mail_message (finished_at) WHERE finished_at IS NOT NULL;

CREATE POLICY engine ON mail_message TO chatworks_engine USING (true) WITH CHECK (true);
CREATE POLICY owner ON mail_message TO CURRENT_USER USING (true) WITH CHECK (true);
ALTER TABLE mail_message ENABLE ROW LEVEL SECURITY;
ALTER TABLE mail_message FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON mail_message TO chatworks_engine;
DO $$
BEGIN
    PERFORM needs_no_leaf('mail_message', 'a queue; what a mail tells of has its leaf');
END $$;
