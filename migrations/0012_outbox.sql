-- Held parts, lanes, what vendors report later, and questions to vendors about parts in doubt.

DROP INDEX outbox_part_open, outbox_part_turn, outbox_part_trouble;
ALTER TABLE outbox_part DROP CONSTRAINT outbox_part_status_check;
ALTER TABLE outbox_part ADD CONSTRAINT outbox_part_status_check CHECK (status IN
    ('queued', 'held', 'leased', 'unknown', 'sent', 'delivered', 'read', 'failed', 'expired'));
ALTER TABLE outbox_part ADD COLUMN lane smallint NOT NULL DEFAULT 1;      -- 0 urgent, 1 normal, 2 bulk
ALTER TABLE outbox_part ADD COLUMN held_for text NOT NULL DEFAULT '';     -- what a held part waits for
ALTER TABLE outbox_part ADD COLUMN looks smallint NOT NULL DEFAULT 0;     -- times the vendor was asked
ALTER TABLE outbox_part ADD COLUMN look_at timestamptz;                   -- ask the vendor not before
UPDATE outbox_part SET lane = 0 WHERE urgent;
ALTER TABLE outbox_part DROP COLUMN urgent;

-- A lease looks at one lane of one channel at a time, and at nothing that waits for its time.
CREATE INDEX outbox_part_lane ON outbox_part (lane, channel_id, ready_at, n) WHERE status = 'queued';
CREATE INDEX outbox_part_turn ON outbox_part (conversation_id, n)
    WHERE status IN ('queued', 'leased') OR look_at IS NOT NULL;
CREATE INDEX outbox_part_bulk ON outbox_part (conversation_id) WHERE status = 'queued' AND lane = 2;
CREATE INDEX outbox_part_held ON outbox_part (outlet_id, conversation_id) WHERE status = 'held';
CREATE INDEX outbox_part_trouble ON outbox_part (outlet_id, n)
    WHERE status IN ('failed', 'unknown', 'expired', 'held');
CREATE INDEX outbox_part_lease ON outbox_part (lease_until) WHERE status = 'leased';
CREATE INDEX outbox_part_expiry ON outbox_part (expires_at) WHERE status IN ('queued', 'held');
CREATE INDEX outbox_part_look ON outbox_part (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX outbox_part_vendor ON outbox_part (outlet_id, channel_id, vendor_id)
    WHERE vendor_id IS NOT NULL;

-- What a vendor said about a message whose id we do not know yet; taken when its send settles.
CREATE TABLE outbox_report (
    outlet_id   uuid NOT NULL,
    channel_id  uuid NOT NULL,
    vendor_id   text NOT NULL,
    status      text NOT NULL CHECK (status IN ('sent', 'delivered', 'read', 'failed')),
    error       text NOT NULL,
    consequence text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, channel_id, vendor_id, status)
);
CREATE INDEX outbox_report_age ON outbox_report (received_at);
CREATE POLICY engine ON outbox_report TO chatworks_engine USING (true) WITH CHECK (true);
CREATE POLICY owner ON outbox_report TO CURRENT_USER USING (true) WITH CHECK (true);
ALTER TABLE outbox_report ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox_report FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox_report TO chatworks_engine;

-- An operator's reply takes a person's bulk messages along, so that order is kept.
GRANT UPDATE (lane) ON outbox_part TO chatworks_web;

-- When the person was last heard: the vendor's window of free text counts from it.
ALTER TABLE conversation ADD COLUMN heard_at timestamptz;
