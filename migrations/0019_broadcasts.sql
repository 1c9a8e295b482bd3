-- One message to many people, and how far it has come with each of them.

CREATE TABLE broadcast (
    outlet_id   uuid NOT NULL REFERENCES outlet,
    id          uuid NOT NULL,
    name        text NOT NULL,             -- for operators
    topic       text NOT NULL,             -- which template may carry it where a window is closed
    texts       jsonb NOT NULL,            -- language -> what people read
    segment     jsonb NOT NULL,            -- broadcasts.models.Segment
    counted     jsonb NOT NULL,            -- broadcasts.models.Counted: whom it would reach
    counted_at  timestamptz NOT NULL,
    status      text NOT NULL CHECK (status IN
                    ('draft', 'scheduled', 'sending', 'paused', 'cancelled', 'done')),
    step_at     timestamptz,               -- when it begins, or its next step is due
    created_at  timestamptz NOT NULL,
    started_at  timestamptz,
    ended_at    timestamptz,
    PRIMARY KEY (outlet_id, id)
);
CREATE INDEX broadcast_due ON broadcast (step_at) WHERE status IN ('scheduled', 'sending');

-- Everybody of the segment as it was at the start, each person once. Conversations are no foreign
-- keys here: writing one would lock the conversation ahead of its turn, thousands at a time.
CREATE TABLE broadcast_recipient (
    outlet_id       uuid NOT NULL,
    broadcast_id    uuid NOT NULL,
    person_id       uuid NOT NULL,         -- contact_link.person_id, else the contact's own id
    conversation_id uuid NOT NULL,         -- one of theirs, by which they are found
    status          text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'sent', 'left_out')),
    due_at          timestamptz NOT NULL,  -- not before: quiet hours, or a channel that is full
    why             text NOT NULL DEFAULT '',  -- they were left out
    sent_to         uuid,                  -- the conversation that got it
    message_seq     integer,               -- its number there
    sent_at         timestamptz,
    PRIMARY KEY (outlet_id, broadcast_id, person_id),
    FOREIGN KEY (outlet_id, broadcast_id) REFERENCES broadcast,
    CHECK ((status = 'sent') = (sent_to IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX broadcast_recipient_due ON broadcast_recipient (outlet_id, broadcast_id, due_at, person_id)
    WHERE status = 'waiting';
CREATE INDEX broadcast_recipient_of ON broadcast_recipient (outlet_id, conversation_id, broadcast_id);
CREATE UNIQUE INDEX broadcast_recipient_once ON broadcast_recipient (outlet_id, sent_to, broadcast_id)
    WHERE sent_to IS NOT NULL;

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['broadcast', 'broadcast_recipient'] LOOP
        EXECUTE format($p$CREATE POLICY web ON %I TO chatworks_web
            USING (outlet_id = (SELECT current_setting('app.outlet', true)::uuid))
            WITH CHECK (outlet_id = (SELECT current_setting('app.outlet', true)::uuid))$p$, t);
        EXECUTE format('CREATE POLICY engine ON %I TO chatworks_engine USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY owner ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE, DELETE ON broadcast, broadcast_recipient TO chatworks_engine;
GRANT SELECT, INSERT, UPDATE ON broadcast TO chatworks_web;
GRANT SELECT, INSERT ON broadcast_recipient TO chatworks_web;  -- a count reads; the same query freezes
