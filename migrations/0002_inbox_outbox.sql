-- The two doors. Both stand outside tenant policies; only the engine's login reads them.

-- The raw log of everything that came in: insert only, unique on (source, event id).
CREATE TABLE inbox_event (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    outlet_id   uuid NOT NULL,
    source      uuid NOT NULL,             -- channel id; the timer and console sources are fixed ids
    event_id    text NOT NULL,             -- the vendor's id of the event
    thread      text NOT NULL,             -- the vendor's id of the chat
    received_at timestamptz NOT NULL,
    headers     jsonb NOT NULL,            -- redacted
    payload     bytea NOT NULL,            -- the event's own JSON
    UNIQUE (source, event_id)
);

-- What is still to be done. A turn deletes its rows; a parked row waits for an operator.
CREATE TABLE inbox_pending (
    id          bigint PRIMARY KEY,        -- inbox_event.id
    outlet_id   uuid NOT NULL,
    source      uuid NOT NULL,
    thread_key  bigint NOT NULL,           -- hash of (source, thread): the conversation's lock
    lane        smallint NOT NULL,         -- 0 vendor deadline of seconds, 1 tapped buttons, 2 messages, 3 the rest
    rank        bigint NOT NULL,           -- the vendor's own order inside a chat (update_id); 0 where it has none
    ready_at    timestamptz NOT NULL,
    attempts    smallint NOT NULL DEFAULT 0,
    parked_at   timestamptz,
    reason      text
);
CREATE INDEX inbox_pending_next ON inbox_pending (lane, id) WHERE parked_at IS NULL;
CREATE INDEX inbox_pending_thread ON inbox_pending (thread_key) WHERE parked_at IS NULL;
CREATE INDEX inbox_pending_parked ON inbox_pending (outlet_id, id) WHERE parked_at IS NOT NULL;

-- Wakes a dialogue at a time. A due timer becomes an inbox event.
CREATE TABLE timer (
    outlet_id   uuid NOT NULL,
    id          uuid NOT NULL,
    source      uuid NOT NULL,             -- the conversation's channel
    thread      text NOT NULL,
    dialogue_id uuid NOT NULL,
    step        integer NOT NULL,          -- the question it times: length of the journal when asked
    due_at      timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, id)
);
CREATE INDEX timer_due ON timer (due_at);

-- One row per wire part.
CREATE TABLE outbox_part (
    outlet_id       uuid NOT NULL,
    id              uuid NOT NULL,
    n               bigint GENERATED ALWAYS AS IDENTITY,  -- order of queueing
    channel_id      uuid NOT NULL,
    conversation_id uuid NOT NULL,
    thread          text NOT NULL,
    message_seq     integer NOT NULL,      -- 0: not a message (a callback's answer, an edit)
    part            smallint NOT NULL,
    urgent          boolean NOT NULL DEFAULT false,  -- overtakes: answers with a vendor deadline
    payload         jsonb NOT NULL,        -- the wire part: {"method": ..., "params": {...}}
    status          text NOT NULL CHECK (status IN
                        ('queued', 'leased', 'unknown', 'sent', 'delivered', 'read', 'failed', 'expired')),
    attempts        smallint NOT NULL DEFAULT 0,
    ready_at        timestamptz NOT NULL,
    expires_at      timestamptz,
    lease_until     timestamptz,
    fence           bigint NOT NULL DEFAULT 0,  -- grows with each lease; a late holder's result is refused
    vendor_id       text,                  -- the vendor's id of the sent message
    error           text,
    created_at      timestamptz NOT NULL,
    finished_at     timestamptz,
    PRIMARY KEY (outlet_id, id)
);
CREATE INDEX outbox_part_open ON outbox_part (urgent DESC, n) WHERE status IN ('queued', 'leased');
CREATE INDEX outbox_part_turn ON outbox_part (conversation_id, n) WHERE status IN ('queued', 'leased');
CREATE INDEX outbox_part_message ON outbox_part (outlet_id, conversation_id, message_seq);
CREATE INDEX outbox_part_trouble ON outbox_part (outlet_id, n) WHERE status IN ('failed', 'unknown', 'expired');
