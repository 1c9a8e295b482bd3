-- People as a channel knows them, what was said, and the dialogues that answer.

CREATE TABLE contact (
    outlet_id   uuid NOT NULL,
    id          uuid NOT NULL,
    channel_id  uuid NOT NULL,
    vendor_id   text NOT NULL,             -- the messenger's scoped id of the person or group
    name        text NOT NULL DEFAULT '',
    username    text NOT NULL DEFAULT '',
    phone       text,                      -- only where the messenger itself vouches for it
    language    text NOT NULL,
    status      text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'stopped', 'blocked')),
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, id),
    UNIQUE (outlet_id, channel_id, vendor_id),
    FOREIGN KEY (outlet_id, channel_id) REFERENCES channel
);

-- One contact on one channel.
CREATE TABLE conversation (
    outlet_id       uuid NOT NULL,
    id              uuid NOT NULL,
    channel_id      uuid NOT NULL,
    contact_id      uuid NOT NULL,
    thread          text NOT NULL,         -- the vendor's id of the chat: where answers go
    thread_key      bigint NOT NULL,
    is_group        boolean NOT NULL DEFAULT false,
    speaker         text NOT NULL DEFAULT 'bot' CHECK (speaker IN ('bot', 'human')),
    operator_id     uuid,                  -- who took it over
    speaker_until   timestamptz,           -- when it goes back to the bot by itself
    dialogue_id     uuid,                  -- the dialogue that waits, if any
    last_seq        integer NOT NULL DEFAULT 0,
    read_seq        integer NOT NULL DEFAULT 0,  -- up to where an operator has read
    last_at         timestamptz NOT NULL,
    last_text       text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, id),
    UNIQUE (outlet_id, channel_id, thread),
    FOREIGN KEY (outlet_id, contact_id) REFERENCES contact,
    FOREIGN KEY (outlet_id, channel_id) REFERENCES channel
) WITH (fillfactor = 70);
CREATE INDEX conversation_latest ON conversation (outlet_id, last_at DESC);

CREATE TABLE message (
    outlet_id       uuid NOT NULL,
    conversation_id uuid NOT NULL,
    seq             integer NOT NULL,
    direction       text NOT NULL CHECK (direction IN ('in', 'out')),
    author          text NOT NULL,         -- customer, bot, system, operator:<id>
    content         jsonb NOT NULL,        -- channels.models.Message or Inbound
    event_id        bigint,                -- inbox_event.id of what came in
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, conversation_id, seq),
    FOREIGN KEY (outlet_id, conversation_id) REFERENCES conversation
);

-- One run of an applet in a conversation.
CREATE TABLE dialogue (
    outlet_id       uuid NOT NULL,
    id              uuid NOT NULL,
    conversation_id uuid NOT NULL,
    applet          text NOT NULL,
    version         text NOT NULL,
    command         text NOT NULL,
    language        text NOT NULL,
    settings        jsonb NOT NULL,        -- snapshot
    start           jsonb,                 -- arguments, or what restart() carried over
    status          text NOT NULL CHECK (status IN ('waiting', 'done', 'cancelled', 'failed')),
    pages           integer NOT NULL DEFAULT 0,
    steps           integer NOT NULL DEFAULT 0,  -- journal entries
    asked_seq       integer NOT NULL DEFAULT 0,  -- message that carries the open question
    started_at      timestamptz NOT NULL,
    ended_at        timestamptz,
    PRIMARY KEY (outlet_id, id),
    FOREIGN KEY (outlet_id, conversation_id) REFERENCES conversation
) WITH (fillfactor = 70);
CREATE INDEX dialogue_of_conversation ON dialogue (outlet_id, conversation_id, started_at);

-- What each await returned; one row per turn, append only while the dialogue runs.
CREATE TABLE journal (
    outlet_id   uuid NOT NULL,
    dialogue_id uuid NOT NULL,
    page        integer NOT NULL,
    entries     jsonb NOT NULL,            -- [[fingerprint, answer], ...]
    PRIMARY KEY (outlet_id, dialogue_id, page),
    FOREIGN KEY (outlet_id, dialogue_id) REFERENCES dialogue
);

-- Which conversations reach an operator away from the console.
CREATE TABLE staff_chat (
    outlet_id       uuid NOT NULL,
    operator_id     uuid NOT NULL,
    conversation_id uuid NOT NULL,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, operator_id, conversation_id),
    FOREIGN KEY (outlet_id, operator_id) REFERENCES operator,
    FOREIGN KEY (outlet_id, conversation_id) REFERENCES conversation
);

-- A web chat visitor's browser: the token's hash names the thread.
CREATE TABLE web_visitor (
    outlet_id   uuid NOT NULL,
    id          uuid NOT NULL,             -- the thread
    channel_id  uuid NOT NULL,
    secret_hash bytea NOT NULL UNIQUE,
    language    text NOT NULL,
    user_agent  text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, id),
    FOREIGN KEY (outlet_id, channel_id) REFERENCES channel
);
