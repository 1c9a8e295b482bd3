-- Passkeys (Web Authentication, level 3), and the challenges that they sign.

CREATE TABLE passkey (
    account_id    uuid NOT NULL REFERENCES account,
    id            uuid NOT NULL,
    credential_id bytea NOT NULL,
    public_key    bytea NOT NULL,             -- COSE
    sign_count    bigint NOT NULL,            -- 0 where its authenticator does not count
    name          text NOT NULL,
    transports    text[] NOT NULL DEFAULT '{}',
    synced        boolean NOT NULL,           -- its maker keeps a copy for the person's other devices
    created_at    timestamptz NOT NULL,
    last_used_at  timestamptz,
    doubted_at    timestamptz,                -- its count went back: somebody may hold a copy
    PRIMARY KEY (account_id, id),
    CONSTRAINT passkey_credential UNIQUE (credential_id)
);

-- Its owner asks for a passkey after a password or a code.
CREATE TABLE passkey_second (
    account_id  uuid PRIMARY KEY REFERENCES account,
    since       timestamptz NOT NULL
);

-- Spent by one UPDATE, by the session that it was made for; signing in has none yet.
CREATE TABLE passkey_challenge (
    id          uuid PRIMARY KEY,
    purpose     text NOT NULL CHECK (purpose IN ('sign_in', 'register', 'prove')),
    session_id  uuid REFERENCES session ON DELETE CASCADE,
    challenge   bytea NOT NULL,
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,
    CHECK ((purpose = 'sign_in') = (session_id IS NULL))
);
CREATE INDEX passkey_challenge_of ON passkey_challenge (session_id);
CREATE INDEX passkey_challenge_old ON passkey_challenge (expires_at);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['passkey', 'passkey_second', 'passkey_challenge'] LOOP
        EXECUTE format('CREATE POLICY engine ON %I TO chatworks_engine USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY owner ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO chatworks_engine', t);
    END LOOP;
END $$;

DO $$
BEGIN
    PERFORM guard_with_leaf('passkey', 'credential_id', 'public_key', 'name', 'doubted_at');
    PERFORM guard_with_leaf('passkey_second');
    PERFORM needs_no_leaf('passkey_challenge', 'random bytes of minutes; what signing one does has its leaf');
END $$;
