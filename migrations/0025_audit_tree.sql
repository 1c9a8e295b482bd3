-- The log's tree: what waits to be sequenced, the sequence, the tree's nodes, what was signed. All
-- of it is the installation's, not an outlet's; only the engine's login reads it, and it cannot
-- change what it wrote.

-- Leaves that have no place yet. Filled by a trigger in the leaf's own transaction, taken by the
-- sequencer: whatever it sees, in whatever order it commits. No index: it is read whole.
CREATE TABLE audit_pending (
    outlet_id   uuid,
    leaf_id     uuid NOT NULL,
    at          timestamptz NOT NULL,
    leaf_hash   bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- A leaf's place. Dense: 0, 1, 2, …
CREATE TABLE audit_entry (
    n           bigint PRIMARY KEY,
    outlet_id   uuid,
    leaf_id     uuid NOT NULL UNIQUE,
    leaf_hash   bytea NOT NULL
);

-- The hash of each complete run of 256^level leaves, from level 1 on: 256 in a row are a tile.
CREATE TABLE audit_node (
    level       smallint NOT NULL CHECK (level BETWEEN 1 AND 7),
    n           bigint NOT NULL,
    hash        bytea NOT NULL,
    PRIMARY KEY (level, n)
);

-- What was signed: one C2SP checkpoint for each size at which the tree was shown.
CREATE TABLE audit_checkpoint (
    size        bigint PRIMARY KEY,
    at          timestamptz NOT NULL,
    note        text NOT NULL
);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['audit_pending', 'audit_entry', 'audit_node', 'audit_checkpoint'] LOOP
        EXECUTE format('CREATE POLICY engine ON %I TO chatworks_engine USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY owner ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        CONTINUE WHEN t = 'audit_pending';
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I'
            ' FOR EACH ROW EXECUTE FUNCTION refuse_change()', t || '_append_only', t);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I'
            ' FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', t || '_no_truncate', t);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO chatworks_engine', t);
    END LOOP;
END $$;
GRANT SELECT, DELETE ON audit_pending TO chatworks_engine;

-- Now a leaf also queues itself. As the owner: no login of the product can queue a leaf that is
-- not there, and a page cannot see what others queue.
CREATE OR REPLACE FUNCTION note_leaves() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.audit_pending SELECT outlet_id, id, at, leaf_hash FROM written;
    PERFORM set_config('audit.leaf', pg_current_xact_id()::text, true);
    RETURN NULL;
END $$;
DROP TRIGGER audit_leaf_noted ON audit_leaf;
CREATE TRIGGER audit_leaf_noted AFTER INSERT ON audit_leaf REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION note_leaves();

INSERT INTO audit_pending SELECT outlet_id, id, at, leaf_hash FROM audit_leaf;

-- Money, rights, and what an outlet says of itself: no change without a leaf.
SELECT guard_with_leaf(t) FROM unnest(ARRAY['outlet', 'applet_install', 'operator', 'staff_chat',
    'product', 'sales_order', 'order_line', 'contact_link']) AS t;
SELECT guard_with_leaf('channel', 'kind', 'path', 'secret_env', 'secret_sealed', 'account', 'address');

SELECT needs_no_leaf(t, why) FROM (VALUES
    ('audit_leaf', 'it is the log'),
    ('audit_pending', 'the log''s own queue'),
    ('audit_entry', 'the log''s own order'),
    ('audit_node', 'the log''s own tree'),
    ('audit_checkpoint', 'what the log signed'),
    ('command_key', 'spent with a command, which leaves the leaf'),
    ('rate_limit', 'counters that move with every request'),
    ('one_time_code', 'a code by itself gives nothing; the command that issues it leaves the leaf'),
    ('session', 'begun by a sign-in code or ended by its owner: the code''s issue is in the log'),
    ('inbox_event', 'only appends: the raw history of what came in'),
    ('inbox_pending', 'the queue of what came in; its raw history stays'),
    ('timer', 'wakes a dialogue, whose journal is its history'),
    ('outbox_part', 'the queue of what leaves; its status is its history'),
    ('outbox_report', 'what a messenger reported, until it is settled'),
    ('contact', 'kept by what a messenger sends, which inbox_event keeps'),
    ('conversation', 'moves with every message'),
    ('message', 'its own history: one row for each message, never changed'),
    ('dialogue', 'moves with every turn; its journal is its history'),
    ('journal', 'its own history: only appends while a dialogue runs'),
    ('web_visitor', 'a browser that opened a chat; what it does comes in by inbox_event'),
    ('outlet_counter', 'numbers orders, each of which leaves a leaf'),
    ('order_step', 'its own history: one row for each step, beside the order''s leaf'),
    ('media', 'files of messages, which are their own history'),
    ('media_fetch', 'files that are still to be fetched'),
    ('channel_resource', 'what was made at a messenger, by a command that leaves the leaf'),
    ('channel_template', 'moves with what a messenger answers; commands leave the leaf'),
    ('link_code', 'a code by itself gives nothing; the link that it makes is guarded'),
    ('consent', 'only appends: its own history of what a person agreed to'),
    ('route', 'which channel a message takes: the engine''s own decision, kept with its reasons'),
    ('telegram_file', 'names of files that Telegram holds'),
    ('telegram_sign_in', 'texts that are spent'),
    ('bot_request', 'a wish; the channel that comes of it is guarded'),
    ('support_case', 'who looks after a conversation: moves with every answer'),
    ('support_answer', 'only measures'),
    ('support_note', 'notes of operators: their own history'),
    ('support_canned', 'words that operators keep at hand'),
    ('broadcast', 'moves by itself while it is sent; commands leave the leaf'),
    ('broadcast_recipient', 'moves by itself while it is sent')
) AS free (t, why);
