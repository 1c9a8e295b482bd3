-- Keys with which programs call the API for an outlet, and what OAuth 2.1 keeps.

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

-- A program of somebody else, registered by an outlet's operator; any account may let it in.
CREATE TABLE oauth_client (
    outlet_id     uuid NOT NULL REFERENCES outlet,
    id            uuid NOT NULL,
    name          text NOT NULL,
    redirects     text[] NOT NULL,            -- where it is answered, compared letter by letter
    secret_hash   bytea,                      -- NULL: a public client, which can keep no secret
    confidential  boolean NOT NULL GENERATED ALWAYS AS (secret_hash IS NOT NULL) STORED,
    registered_by uuid NOT NULL,
    created_at    timestamptz NOT NULL,
    removed_at    timestamptz,
    PRIMARY KEY (outlet_id, id),
    FOREIGN KEY (outlet_id, registered_by) REFERENCES membership
);
CREATE INDEX oauth_client_id ON oauth_client (id);  -- a request names it before its outlet is known

-- What somebody let a client do for an outlet of theirs. Its outlet and the client's may differ.
CREATE TABLE oauth_grant (
    outlet_id        uuid NOT NULL REFERENCES outlet,
    id               uuid NOT NULL,
    client_outlet_id uuid NOT NULL,
    client_id        uuid NOT NULL,
    membership_id    uuid NOT NULL,           -- who gave it: it can do no more than they can
    scopes           text[] NOT NULL,
    created_at       timestamptz NOT NULL,
    last_used_at     timestamptz,
    revoked_at       timestamptz,
    PRIMARY KEY (outlet_id, id),
    FOREIGN KEY (client_outlet_id, client_id) REFERENCES oauth_client,
    FOREIGN KEY (outlet_id, membership_id) REFERENCES membership
);
CREATE INDEX oauth_grant_of_member ON oauth_grant (outlet_id, membership_id);
CREATE INDEX oauth_grant_of_client ON oauth_grant (client_outlet_id, client_id);

CREATE TABLE oauth_token (
    outlet_id   uuid NOT NULL,
    id          uuid NOT NULL,
    grant_id    uuid NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('code', 'access', 'refresh')),
    secret_hash bytea NOT NULL,
    challenge   text NOT NULL,                -- of a code: whoever redeems it must know its verifier
    redirect    text NOT NULL,                -- of a code: where it was sent
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,                  -- spent, or revoked
    PRIMARY KEY (outlet_id, id),
    FOREIGN KEY (outlet_id, grant_id) REFERENCES oauth_grant
);
CREATE INDEX oauth_token_secret ON oauth_token (secret_hash);
CREATE INDEX oauth_token_grant ON oauth_token (outlet_id, grant_id);
CREATE INDEX oauth_token_old ON oauth_token (expires_at);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['api_key', 'oauth_client'] LOOP
        EXECUTE format($p$CREATE POLICY web ON %I TO chatworks_web
            USING (outlet_id = (SELECT current_setting('app.outlet', true)::uuid))
            WITH CHECK (outlet_id = (SELECT current_setting('app.outlet', true)::uuid))$p$, t);
        EXECUTE format('CREATE POLICY engine ON %I TO chatworks_engine USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY owner ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    END LOOP;
END $$;

-- Pages issue, list and revoke; what a secret hashes to is the engine's alone.
GRANT SELECT, INSERT, UPDATE, DELETE ON api_key, oauth_client TO chatworks_engine;
GRANT INSERT, UPDATE (revoked_at),
    SELECT (outlet_id, id, name, prefix, scopes, membership_id, created_at, expires_at, last_used_at, revoked_at)
    ON api_key TO chatworks_web;
GRANT INSERT, UPDATE (removed_at), SELECT (outlet_id, id, name, redirects, confidential, created_at, removed_at)
    ON oauth_client TO chatworks_web;

-- Grants reach over outlets and secrets come before any is known: no page touches them.
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['oauth_grant', 'oauth_token'] LOOP
        EXECUTE format('CREATE POLICY engine ON %I TO chatworks_engine USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY owner ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO chatworks_engine', t);
    END LOOP;
    PERFORM guard_with_leaf('api_key', 'revoked_at', 'scopes', 'secret_hash', 'expires_at', 'membership_id');
    PERFORM guard_with_leaf('oauth_client');
    PERFORM guard_with_leaf('oauth_grant', 'revoked_at', 'scopes', 'membership_id', 'client_id');
    PERFORM needs_no_leaf('oauth_token', 'secrets of minutes; the grant they belong to has its leaf');
END $$;
