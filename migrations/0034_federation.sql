-- Identities that other providers prove, and the ways to them and back.

CREATE TABLE account_identity (
    account_id  uuid NOT NULL REFERENCES account,
    id          uuid NOT NULL,
    provider    text NOT NULL,              -- which button: 'oidc', 'cognito'
    issuer      text NOT NULL,
    subject     text NOT NULL,
    linked_at   timestamptz NOT NULL,
    used_at     timestamptz,
    PRIMARY KEY (account_id, id),
    CONSTRAINT account_identity_once UNIQUE (issuer, subject)
);

-- One row for each way that is open. Spending it deletes it: exactly one caller gets it.
CREATE TABLE federation_attempt (
    state_hash   bytea PRIMARY KEY,
    browser_hash bytea NOT NULL,            -- of the cookie of the browser that began it
    provider     text NOT NULL,
    purpose      text NOT NULL CHECK (purpose IN ('sign_in', 'link')),
    account_id   uuid REFERENCES account,   -- whose, where an identity is to be connected
    back         text NOT NULL,             -- a path of ours to go on with
    language     text NOT NULL,             -- of the page where it began
    expires_at   timestamptz NOT NULL,
    CHECK ((purpose = 'link') = (account_id IS NOT NULL))
);
CREATE INDEX federation_attempt_old ON federation_attempt (expires_at);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['account_identity', 'federation_attempt'] LOOP
        EXECUTE format('CREATE POLICY engine ON %I TO chatworks_engine USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY owner ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO chatworks_engine', t);
    END LOOP;
    PERFORM guard_with_leaf('account_identity', 'account_id', 'issuer', 'subject');
    PERFORM needs_no_leaf('federation_attempt', 'secrets of minutes; what spending one does has its leaf');
END $$;
