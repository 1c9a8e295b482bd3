-- Second factors, recovery codes, the way back after a lost factor, and proofs for one operation.
-- All but the outlet's demand belong to accounts, which are in no outlet.

-- An authenticator app. last_step is the RFC 6238 step of the last code that was taken: a step is
-- spent by one UPDATE that moves it, so that a code is good once however often and wherever it comes.
CREATE TABLE totp (
    account_id    uuid PRIMARY KEY REFERENCES account,
    id            uuid NOT NULL,              -- of this secret: the seal is bound to it
    secret_sealed bytea NOT NULL,
    last_step     bigint NOT NULL DEFAULT -1,
    created_at    timestamptz NOT NULL,
    confirmed_at  timestamptz                 -- by a first code; until then it counts for nothing
);

CREATE TABLE recovery_code (
    account_id  uuid NOT NULL REFERENCES account,
    id          uuid NOT NULL,
    secret_hash bytea NOT NULL,               -- SHA-256 of 80 random bits
    created_at  timestamptz NOT NULL,
    used_at     timestamptz,
    PRIMARY KEY (account_id, id),
    UNIQUE (account_id, secret_hash)
);

-- Asking for the second factor to be taken away. It waits, or it has two kinds of proof and a code.
CREATE TABLE factor_recovery (
    account_id  uuid NOT NULL REFERENCES account,
    id          uuid NOT NULL,
    proved      text[] NOT NULL DEFAULT '{}', -- kinds of channels over which a code came back
    asked_at    timestamptz NOT NULL,
    due_at      timestamptz,                  -- when the factor goes; NULL: not proved enough yet
    told_at     timestamptz,                  -- when all addresses were last told
    ended_at    timestamptz,
    ended_how   text CHECK (ended_how IN ('done', 'cancelled', 'given up')),
    PRIMARY KEY (account_id, id),
    CHECK ((ended_at IS NULL) = (ended_how IS NULL))
);
CREATE UNIQUE INDEX factor_recovery_open ON factor_recovery (account_id) WHERE ended_at IS NULL;
CREATE INDEX factor_recovery_waits ON factor_recovery (due_at) WHERE ended_at IS NULL AND due_at IS NOT NULL;
CREATE UNIQUE INDEX factor_recovery_by_id ON factor_recovery (id);

-- A fresh factor for one operation of one session. Spent by one UPDATE, with the operation.
CREATE TABLE step_up (
    id          uuid PRIMARY KEY,
    account_id  uuid NOT NULL REFERENCES account,
    session_id  uuid NOT NULL REFERENCES session ON DELETE CASCADE,
    operation   bytea NOT NULL CHECK (octet_length(operation) = 32),  -- SHA-256 of what is asked
    asks        text NOT NULL,                -- the same in words, with fields
    said        jsonb NOT NULL,               -- what stands in the fields
    asked_at    timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    proved_at   timestamptz,
    method      text,
    spent_at    timestamptz,
    CHECK ((proved_at IS NULL) = (method IS NULL))
);
CREATE INDEX step_up_of ON step_up (session_id);
CREATE INDEX step_up_old ON step_up (expires_at);

-- An outlet that demands a second factor of its staff has a row here.
CREATE TABLE factor_demand (
    outlet_id   uuid PRIMARY KEY REFERENCES outlet,
    since       timestamptz NOT NULL
);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['totp', 'recovery_code', 'factor_recovery', 'step_up', 'factor_demand'] LOOP
        EXECUTE format('CREATE POLICY engine ON %I TO chatworks_engine USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY owner ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO chatworks_engine', t);
    END LOOP;
END $$;
CREATE POLICY web ON factor_demand TO chatworks_web
    USING (outlet_id = (SELECT current_setting('app.outlet', true)::uuid))
    WITH CHECK (outlet_id = (SELECT current_setting('app.outlet', true)::uuid));
GRANT SELECT, INSERT, DELETE ON factor_demand TO chatworks_web;

DO $$
BEGIN
    PERFORM guard_with_leaf('totp', 'secret_sealed', 'confirmed_at');
    PERFORM guard_with_leaf('recovery_code');
    PERFORM guard_with_leaf('factor_recovery', 'proved', 'due_at', 'ended_at');
    PERFORM needs_no_leaf('step_up', 'proofs of minutes; what one is spent on has its leaf');
    PERFORM guard_with_leaf('factor_demand');
END $$;
