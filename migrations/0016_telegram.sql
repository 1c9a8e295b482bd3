-- Files that Telegram has already: a broadcast uploads once, and then names the file.
CREATE TABLE telegram_file (
    outlet_id   uuid NOT NULL,
    channel_id  uuid NOT NULL,             -- a file's id is good for one bot alone
    path        text NOT NULL,             -- its path here: /media/…, /static/…
    shown_as    text NOT NULL CHECK (shown_as IN ('photo', 'video', 'audio', 'document')),
    file_id     text NOT NULL,             -- Telegram's
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, channel_id, path, shown_as),
    FOREIGN KEY (outlet_id, channel_id) REFERENCES channel
);

-- What opened a Mini App, spent: each signed text of Telegram signs in once.
CREATE TABLE telegram_sign_in (
    outlet_id   uuid NOT NULL,
    channel_id  uuid NOT NULL,
    data_hash   bytea NOT NULL,            -- SHA-256 of the signed text
    expires_at  timestamptz NOT NULL,      -- it is too old by itself then
    PRIMARY KEY (outlet_id, channel_id, data_hash),
    FOREIGN KEY (outlet_id, channel_id) REFERENCES channel
);
CREATE INDEX telegram_sign_in_old ON telegram_sign_in (expires_at);

-- Who a web chat's visitor is, where a messenger has told us: the key of their contact there, which
-- may not have written yet. Each has one web chat, however often they open it.
ALTER TABLE web_visitor ADD COLUMN signed_channel_id uuid;
ALTER TABLE web_visitor ADD COLUMN signed_vendor_id text;
ALTER TABLE web_visitor ADD COLUMN signed_name text NOT NULL DEFAULT '';
ALTER TABLE web_visitor ADD FOREIGN KEY (outlet_id, signed_channel_id) REFERENCES channel;
CREATE UNIQUE INDEX web_visitor_signed ON web_visitor
    (outlet_id, channel_id, signed_channel_id, signed_vendor_id) WHERE signed_channel_id IS NOT NULL;

-- A channel's token is named by its variable, or sealed with the installation's key.
ALTER TABLE channel ADD COLUMN secret_sealed bytea;
ALTER TABLE channel ADD COLUMN manages_bots boolean NOT NULL DEFAULT false;  -- Telegram says so
ALTER TABLE channel ADD CHECK (secret_env IS NULL OR secret_sealed IS NULL);
DROP INDEX channel_one_per_secret;
CREATE UNIQUE INDEX channel_one_per_secret ON channel (outlet_id, kind, secret_env) NULLS NOT DISTINCT
    WHERE secret_sealed IS NULL;

-- One tap makes an outlet its bot: who may make it, and the bot that they made.
CREATE TABLE bot_request (
    outlet_id       uuid NOT NULL REFERENCES outlet,  -- the outlet that gets the bot
    id              uuid NOT NULL,
    manager_outlet  uuid NOT NULL,         -- the bot that was asked, which will manage the new one
    manager_channel uuid NOT NULL,
    conversation_id uuid NOT NULL,         -- in which chat of it
    person          text NOT NULL,         -- Telegram's id of who asked
    expires_at      timestamptz NOT NULL,
    bot_id          bigint UNIQUE,         -- spent: the bot that they made
    username        text,
    channel_id      uuid,                  -- connected as
    token_wanted    boolean NOT NULL DEFAULT false,  -- its token is still to be fetched
    token_tries     smallint NOT NULL DEFAULT 0,
    token_at        timestamptz,
    PRIMARY KEY (outlet_id, id),
    FOREIGN KEY (manager_outlet, manager_channel) REFERENCES channel,
    FOREIGN KEY (outlet_id, channel_id) REFERENCES channel
);
CREATE INDEX bot_request_open ON bot_request (manager_channel, person) WHERE bot_id IS NULL;
CREATE INDEX bot_request_token ON bot_request (manager_channel) WHERE token_wanted;

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['telegram_file', 'telegram_sign_in', 'bot_request'] LOOP
        EXECUTE format($p$CREATE POLICY web ON %I TO chatworks_web
            USING (outlet_id = (SELECT current_setting('app.outlet', true)::uuid))
            WITH CHECK (outlet_id = (SELECT current_setting('app.outlet', true)::uuid))$p$, t);
        EXECUTE format('CREATE POLICY engine ON %I TO chatworks_engine USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY owner ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE, DELETE ON telegram_file, telegram_sign_in, bot_request TO chatworks_engine;
