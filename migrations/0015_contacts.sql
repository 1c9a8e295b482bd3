-- Which contacts are one person's, the codes that prove it, consent, and where messages were sent.

-- A contact is a person of its own until a code joins it to others: then all of them have a row here
-- with one person_id.
CREATE TABLE contact_link (
    outlet_id   uuid NOT NULL,
    contact_id  uuid NOT NULL,
    person_id   uuid NOT NULL,
    linked_at   timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, contact_id),
    FOREIGN KEY (outlet_id, contact_id) REFERENCES contact
);
CREATE INDEX contact_link_person ON contact_link (outlet_id, person_id);

-- The one code that a conversation shows now, to be given on the other side. Spent by one UPDATE.
CREATE TABLE link_code (
    outlet_id       uuid NOT NULL,
    conversation_id uuid NOT NULL,
    secret_hash     bytea NOT NULL,
    expires_at      timestamptz NOT NULL,
    used_at         timestamptz,
    PRIMARY KEY (outlet_id, conversation_id),
    UNIQUE (outlet_id, secret_hash),
    FOREIGN KEY (outlet_id, conversation_id) REFERENCES conversation
);

-- What people agreed to, each change a row; the last of a purpose is how it stands. Append only.
CREATE TABLE consent (
    outlet_id   uuid NOT NULL,
    contact_id  uuid NOT NULL,
    n           integer NOT NULL,          -- order of a contact's changes
    purpose     text NOT NULL CHECK (purpose IN ('transactional', 'marketing')),
    given       boolean NOT NULL,
    source      text NOT NULL,             -- chat: their own word; messenger: its opt-out word
    wording     text NOT NULL,             -- what they read when they chose
    version     text NOT NULL,             -- of the wording: a digest of its text in English
    at          timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, contact_id, n),
    FOREIGN KEY (outlet_id, contact_id) REFERENCES contact
);

-- A message to a person, the channels it could take, and why it took the one it did.
CREATE TABLE route (
    outlet_id       uuid NOT NULL,
    id              uuid NOT NULL,
    conversation_id uuid NOT NULL,         -- to whom: the person behind this conversation
    at_home         boolean NOT NULL,      -- it belongs there, if it can be had there
    purpose         text NOT NULL CHECK (purpose IN ('transactional', 'marketing')),
    message         jsonb NOT NULL,        -- sdk.messages.Message
    status          text NOT NULL CHECK (status IN ('held', 'sent', 'nowhere')),
    due_at          timestamptz,           -- held until then: quiet hours
    sent_to         uuid,                  -- the conversation that has it now
    message_seq     integer,               -- its number there
    tried           uuid[] NOT NULL DEFAULT '{}',  -- conversations in which it failed
    decision        jsonb NOT NULL,        -- contacts.models.Decision
    created_at      timestamptz NOT NULL,
    changed_at      timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, id),
    FOREIGN KEY (outlet_id, conversation_id) REFERENCES conversation,
    FOREIGN KEY (outlet_id, sent_to) REFERENCES conversation
);
CREATE INDEX route_due ON route (due_at) WHERE status = 'held';
CREATE INDEX route_of ON route (outlet_id, conversation_id, id);
CREATE INDEX route_sent_to ON route (outlet_id, sent_to, id);

-- A person's conversations are found through their contacts.
CREATE INDEX conversation_of_contact ON conversation (outlet_id, contact_id);

-- A phone number is an attribute with a proof, never a key.
ALTER TABLE contact ADD COLUMN phone_proof text CHECK (phone_proof IN ('messenger'));
ALTER TABLE contact ADD COLUMN phone_proved_at timestamptz;
UPDATE contact SET phone_proof = 'messenger', phone_proved_at = created_at WHERE phone IS NOT NULL;
ALTER TABLE contact ADD CONSTRAINT contact_phone_is_proved
    CHECK ((phone IS NULL) = (phone_proof IS NULL) AND (phone IS NULL) = (phone_proved_at IS NULL));

ALTER TABLE outlet ADD COLUMN quiet jsonb NOT NULL DEFAULT '{}';    -- outlets.models.Quiet
ALTER TABLE outlet ADD COLUMN routing jsonb NOT NULL DEFAULT '{}';  -- outlets.models.Routing

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['contact_link', 'link_code', 'consent', 'route'] LOOP
        EXECUTE format($p$CREATE POLICY web ON %I TO chatworks_web
            USING (outlet_id = (SELECT current_setting('app.outlet', true)::uuid))
            WITH CHECK (outlet_id = (SELECT current_setting('app.outlet', true)::uuid))$p$, t);
        EXECUTE format('CREATE POLICY engine ON %I TO chatworks_engine USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY owner ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE, DELETE ON contact_link, link_code, route TO chatworks_engine;
GRANT SELECT, INSERT ON consent TO chatworks_engine;
GRANT SELECT ON contact_link, consent TO chatworks_web;  -- what the router reads for a page's command
GRANT SELECT, INSERT, UPDATE, DELETE ON route TO chatworks_web;

CREATE TRIGGER consent_append_only BEFORE UPDATE OR DELETE ON consent
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER consent_no_truncate BEFORE TRUNCATE ON consent
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
