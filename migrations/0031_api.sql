-- Keys with which programs call the API for an outlet.

CREATE TABLE api_key (
    outlet_id     uuid NOT NULL REFERENCES outlet,
    id            uuid NOT NULL,
    name          text NOT NULL,
    prefix        text NOT NULL,              -- public; random enough to be no one else's
    secret_hash   bytea NOT NULL,
    scopes        text[] NOT NULL,
    membership_id uuid NOT NULL,              -- who issued it: it can do no more than they can
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    last_used_at  timestamptz,
    revoked_at    timestamptz,
    PRIMARY KEY (outlet_id, id),
    FOREIGN KEY (outlet_id, membership_id) REFERENCES membership
);
CREATE INDEX api_key_prefix ON api_key (prefix);  -- a key comes before its outlet is known

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['api_key'] LOOP
        EXECUTE format($p$CREATE POLICY web ON %I TO chatworks_web
            USING (outlet_id = (SELECT current_setting('app.outlet', true)::uuid))
            WITH CHECK (outlet_id = (SELECT current_setting('app.outlet', true)::uuid))$p$, t);
        EXECUTE format('CREATE POLICY engine ON %I TO chatworks_engine USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY owner ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    END LOOP;
END $$;

-- Pages issue, list and revoke; what a key hashes to is the engine's alone.
GRANT SELECT, INSERT, UPDATE, DELETE ON api_key TO chatworks_engine;
GRANT INSERT, UPDATE (revoked_at),
    SELECT (outlet_id, id, name, prefix, scopes, membership_id, created_at, expires_at, last_used_at, revoked_at)
    ON api_key TO chatworks_web;
DO $$ BEGIN
    PERFORM guard_with_leaf('api_key', 'revoked_at', 'scopes', 'secret_hash', 'expires_at', 'membership_id');
END $$;
