-- Outlets (tenants), the people who run them, and the log of what they did.
-- Every tenant table starts with outlet_id; its key is (outlet_id, id); its foreign keys carry both.

CREATE TABLE outlet (
    outlet_id       uuid PRIMARY KEY,
    slug            text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{1,39}$'),
    name            text NOT NULL,
    brand           jsonb NOT NULL,        -- outlets.models.Brand
    languages       text[] NOT NULL CHECK (cardinality(languages) > 0),
    currency        text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    timezone        text NOT NULL,
    hours           jsonb NOT NULL,        -- outlets.models.Hours
    delivery        jsonb NOT NULL,        -- outlets.models.Delivery
    privacy         jsonb NOT NULL,        -- outlets.models.PrivacyNotice
    widget_origins  text[] NOT NULL DEFAULT '{}',
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL
);

-- One connected account on a messenger: one bot, one number, one web chat.
CREATE TABLE channel (
    outlet_id   uuid NOT NULL REFERENCES outlet,
    id          uuid NOT NULL,
    kind        text NOT NULL,             -- telegram, webchat, terminal
    path        text NOT NULL UNIQUE,      -- the random last part of its webhook's address
    name        text NOT NULL,             -- what its messenger calls it: a bot's user name
    secret_env  text,                      -- the environment variable that holds its token; never the token
    mode        text NOT NULL DEFAULT 'webhook' CHECK (mode IN ('webhook', 'polling')),
    status      text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'off')),
    cursor      bigint NOT NULL DEFAULT 0, -- long polling: the next update id to ask for
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, id)
);
CREATE UNIQUE INDEX channel_one_per_secret ON channel (outlet_id, kind, secret_env) NULLS NOT DISTINCT;

CREATE TABLE applet_install (
    outlet_id   uuid NOT NULL REFERENCES outlet,
    applet      text NOT NULL,
    version     text NOT NULL,
    settings    jsonb NOT NULL,            -- checked against the applet's own Config
    enabled     boolean NOT NULL DEFAULT true,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, applet)
);

-- A person who signs in to an outlet's console.
CREATE TABLE operator (
    outlet_id   uuid NOT NULL REFERENCES outlet,
    id          uuid NOT NULL,
    name        text NOT NULL,
    role        text NOT NULL CHECK (role IN ('owner', 'operator')),
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, id)
);

-- One-time secrets: sign-in links and staff-chat codes. Spent by one atomic UPDATE.
CREATE TABLE one_time_code (
    outlet_id   uuid NOT NULL,
    id          uuid NOT NULL,
    purpose     text NOT NULL CHECK (purpose IN ('sign_in', 'staff_chat')),
    operator_id uuid NOT NULL,
    secret_hash bytea NOT NULL UNIQUE,
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,
    PRIMARY KEY (outlet_id, id),
    FOREIGN KEY (outlet_id, operator_id) REFERENCES operator
);

CREATE TABLE session (
    outlet_id    uuid NOT NULL,
    id           uuid NOT NULL,
    operator_id  uuid NOT NULL,
    secret_hash  bytea NOT NULL UNIQUE,
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz,
    user_agent   text NOT NULL DEFAULT '',
    address      text NOT NULL DEFAULT '',
    PRIMARY KEY (outlet_id, id),
    FOREIGN KEY (outlet_id, operator_id) REFERENCES operator
);

-- Leaves only append, by grant and by trigger (0005).
CREATE TABLE audit_leaf (
    outlet_id   uuid NOT NULL REFERENCES outlet,
    id          uuid NOT NULL,
    at          timestamptz NOT NULL,
    actor_kind  text NOT NULL CHECK (actor_kind IN
                    ('customer', 'provider', 'operator', 'platform', 'system', 'agent')),
    actor_id    text NOT NULL,
    action      text NOT NULL,             -- the command's name: orders.PlaceOrder
    object_kind text NOT NULL,
    object_id   text NOT NULL,
    payload     bytea NOT NULL,            -- canonical bytes; no personal data
    leaf_hash   bytea NOT NULL,            -- SHA-256(0x00 || payload), RFC 6962
    PRIMARY KEY (outlet_id, id)
);

-- Idempotency keys of commands that pages and the API submit.
CREATE TABLE command_key (
    outlet_id   uuid NOT NULL REFERENCES outlet,
    key         text NOT NULL,
    request_hash bytea NOT NULL,
    result      jsonb,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, key)
);

-- Limits that every process shares: the theoretical arrival time of GCRA.
CREATE TABLE rate_limit (
    scope       text PRIMARY KEY,          -- 'tg:<channel>', 'tg:<channel>:<chat>', 'web:<address hash>'
    arrival_at  timestamptz NOT NULL
);
