-- Accounts that hold several senders, what was made there once, and messages approved ahead.
ALTER TABLE channel
    ADD COLUMN account text NOT NULL DEFAULT '',     -- the vendor's id of the account (AC…)
    ADD COLUMN address text NOT NULL DEFAULT '',     -- what messages leave from: a number, a service
    ADD COLUMN webhook text NOT NULL DEFAULT '',     -- what must stand at the vendor
    ADD COLUMN webhook_set boolean,                  -- whether it does; null: the vendor does not tell
    ADD COLUMN checked_at timestamptz;               -- when it was last looked after; null: look now

ALTER TABLE outlet ADD COLUMN sms jsonb NOT NULL DEFAULT '{}';  -- outlets.models.Sms

-- Ids of what was made at the vendor once (Content resources by name); it is found again there.
CREATE TABLE channel_resource (
    outlet_id   uuid NOT NULL,
    channel_id  uuid NOT NULL,
    name        text NOT NULL,
    vendor_id   text NOT NULL,
    PRIMARY KEY (outlet_id, channel_id, name),
    FOREIGN KEY (outlet_id, channel_id) REFERENCES channel
);

CREATE TABLE channel_template (
    outlet_id   uuid NOT NULL,
    channel_id  uuid NOT NULL,
    name        text NOT NULL,
    language    text NOT NULL,
    topic       text NOT NULL,                -- what it is about: 'order.on_its_way', 'reopen'
    body        text NOT NULL,                -- with {{1}}, {{2}} …
    category    text NOT NULL CHECK (category IN ('utility', 'marketing', 'authentication')),
    vendor_id   text NOT NULL DEFAULT '',
    status      text NOT NULL CHECK (status IN ('draft', 'pending', 'approved', 'paused', 'rejected')),
    reason      text NOT NULL DEFAULT '',     -- why it was rejected or paused
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, channel_id, name, language),
    FOREIGN KEY (outlet_id, channel_id) REFERENCES channel
);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['channel_resource', 'channel_template'] LOOP
        EXECUTE format($p$CREATE POLICY web ON %I TO chatworks_web
            USING (outlet_id = (SELECT current_setting('app.outlet', true)::uuid))
            WITH CHECK (outlet_id = (SELECT current_setting('app.outlet', true)::uuid))$p$, t);
        EXECUTE format('CREATE POLICY engine ON %I TO chatworks_engine USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY owner ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    END LOOP;
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON channel_resource, channel_template TO chatworks_engine;
GRANT SELECT ON channel_resource, channel_template TO chatworks_web;
GRANT INSERT, UPDATE, DELETE ON channel_template TO chatworks_web;
GRANT UPDATE ON channel TO chatworks_web;  -- "look again"
