-- People and organisations who sign in. Accounts are global: no outlet owns one. A membership is an
-- account in an outlet; it takes the place of the operator and keeps its id.

CREATE TABLE account (
    id                uuid PRIMARY KEY,
    kind              text NOT NULL CHECK (kind IN ('person', 'organisation')),
    name              text NOT NULL,
    organisation_name text,
    language          text NOT NULL DEFAULT 'en',
    time_zone         text NOT NULL DEFAULT 'UTC',
    picture           bytea,
    created_at        timestamptz NOT NULL,
    closed_at         timestamptz,
    CHECK ((kind = 'organisation') = (organisation_name IS NOT NULL))
);

-- A value is one account's only once it is verified: until then it claims nothing.
CREATE TABLE account_address (
    account_id  uuid NOT NULL REFERENCES account,
    id          uuid NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('email', 'phone')),
    value       text NOT NULL,              -- as identity.core.normal_address gives it
    verified_at timestamptz,
    is_main     boolean NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (account_id, id),
    UNIQUE (account_id, kind, value)
);
CREATE UNIQUE INDEX account_address_verified ON account_address (kind, value)
    WHERE verified_at IS NOT NULL;
CREATE INDEX account_address_claimed ON account_address (kind, value);

CREATE TABLE account_password (
    account_id  uuid PRIMARY KEY REFERENCES account,
    hash        text NOT NULL,              -- argon2id, in its own encoding
    changed_at  timestamptz NOT NULL
);

-- Chat identities: a contact is one channel's immutable person, and at most one account's.
CREATE TABLE account_contact (
    account_id  uuid NOT NULL REFERENCES account,
    outlet_id   uuid NOT NULL,
    contact_id  uuid NOT NULL,
    bound_at    timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, contact_id),
    FOREIGN KEY (outlet_id, contact_id) REFERENCES contact
);
CREATE INDEX account_contact_of ON account_contact (account_id);

CREATE TABLE platform_role (
    account_id  uuid NOT NULL REFERENCES account,
    role        text NOT NULL,
    granted_at  timestamptz NOT NULL,
    PRIMARY KEY (account_id, role)
);

-- The operators of today become accounts under their own ids: they are UUIDv7 and collide nowhere.
INSERT INTO account (id, kind, name, language, time_zone, created_at)
SELECT o.id, 'person', o.name, t.languages[1], t.timezone, o.created_at
FROM operator o JOIN outlet t ON t.outlet_id = o.outlet_id;

ALTER TABLE operator RENAME TO membership;
DROP TRIGGER IF EXISTS audit_guard ON membership;  -- said again below; its checks would wait in the way
ALTER TABLE membership RENAME COLUMN created_at TO joined_at;
ALTER TABLE membership DROP CONSTRAINT operator_role_check;
ALTER TABLE membership ADD COLUMN account_id uuid REFERENCES account, ADD COLUMN left_at timestamptz;
UPDATE membership SET account_id = id;
ALTER TABLE membership ALTER COLUMN account_id SET NOT NULL;
-- An account is in an outlet once; who left may come back under a new row.
CREATE UNIQUE INDEX membership_once ON membership (outlet_id, account_id) WHERE left_at IS NULL;
CREATE INDEX membership_of_account ON membership (account_id);

CREATE TABLE device (
    account_id    uuid NOT NULL REFERENCES account,
    id            uuid NOT NULL,
    secret_hash   bytea NOT NULL UNIQUE,    -- of the browser's own long-lived cookie
    user_agent    text NOT NULL DEFAULT '',
    address       text NOT NULL DEFAULT '',
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    confirmed_at  timestamptz,              -- through another channel of the account
    forgotten_at  timestamptz,
    PRIMARY KEY (account_id, id)
);

-- Sessions and codes are remade: both live for days or minutes, and both get another owner.
ALTER TABLE session RENAME TO operator_session;
ALTER TABLE one_time_code RENAME TO operator_code;

CREATE TABLE session (
    id            uuid PRIMARY KEY,
    account_id    uuid NOT NULL REFERENCES account,
    device_id     uuid,
    outlet_id     uuid,                     -- with membership_id: what the console shows
    membership_id uuid,
    secret_hash   bytea NOT NULL,
    created_at    timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    revoked_at    timestamptz,
    user_agent    text NOT NULL DEFAULT '',
    address       text NOT NULL DEFAULT '',
    methods       text[] NOT NULL CHECK (cardinality(methods) > 0),
    fresh_at      timestamptz NOT NULL,     -- when a factor was last shown
    CONSTRAINT session_secret UNIQUE (secret_hash),
    FOREIGN KEY (account_id, device_id) REFERENCES device,
    FOREIGN KEY (outlet_id, membership_id) REFERENCES membership,
    CHECK ((outlet_id IS NULL) = (membership_id IS NULL))
);
CREATE INDEX session_of_account ON session (account_id, created_at);

CREATE TABLE one_time_code (
    id          uuid PRIMARY KEY,
    purpose     text NOT NULL,
    account_id  uuid REFERENCES account,    -- NULL: nobody's; it exists so that asking looks alike
    about       jsonb NOT NULL DEFAULT '{}',
    secret_hash bytea NOT NULL,
    tries_left  smallint NOT NULL CHECK (tries_left >= 0),
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,
    CONSTRAINT one_time_code_secret UNIQUE (secret_hash)
);
CREATE INDEX one_time_code_old ON one_time_code (expires_at);

INSERT INTO session (id, account_id, outlet_id, membership_id, secret_hash, created_at, last_seen_at,
                     expires_at, revoked_at, user_agent, address, methods, fresh_at)
SELECT id, operator_id, outlet_id, operator_id, secret_hash, created_at, last_seen_at, expires_at,
       revoked_at, user_agent, address, '{cli}', created_at
FROM operator_session;
INSERT INTO one_time_code (id, purpose, account_id, about, secret_hash, tries_left, expires_at, used_at)
SELECT id, purpose, operator_id, jsonb_build_object('outlet', replace(outlet_id::text, '-', ''),
           'membership', replace(operator_id::text, '-', '')), secret_hash, 1, expires_at, used_at
FROM operator_code;
DROP TABLE operator_session, operator_code;

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['account', 'account_address', 'account_password', 'account_contact',
        'platform_role', 'device', 'session', 'one_time_code'] LOOP
        EXECUTE format('CREATE POLICY engine ON %I TO chatworks_engine USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY owner ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO chatworks_engine', t);
    END LOOP;
END $$;

DO $$
BEGIN
    PERFORM guard_with_leaf(t) FROM unnest(ARRAY['account', 'account_address', 'account_password',
        'account_contact', 'platform_role', 'membership']) AS t;
    PERFORM guard_with_leaf('device', 'confirmed_at', 'forgotten_at');
    PERFORM guard_with_leaf('session', 'revoked_at', 'outlet_id', 'methods');
    PERFORM needs_no_leaf('one_time_code', 'secrets of minutes; what spending one does has its leaf');
END $$;
