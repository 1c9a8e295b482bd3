-- The inbox for people: who is given a conversation and who waits in it, what was answered how
-- fast, notes of operators, and answers written beforehand.

CREATE TABLE support_case (
    outlet_id       uuid NOT NULL,
    conversation_id uuid NOT NULL,
    assigned_to     uuid,                  -- whose it is; NULL: nobody's
    waits_since     timestamptz,           -- the oldest word that a person is still to answer
    PRIMARY KEY (outlet_id, conversation_id),
    FOREIGN KEY (outlet_id, conversation_id) REFERENCES conversation,
    FOREIGN KEY (outlet_id, assigned_to) REFERENCES operator
);
CREATE INDEX support_case_waiting ON support_case (outlet_id, waits_since) WHERE waits_since IS NOT NULL;
CREATE INDEX support_case_assigned ON support_case (outlet_id, assigned_to) WHERE assigned_to IS NOT NULL;

CREATE TABLE support_answer (
    outlet_id       uuid NOT NULL,
    id              uuid NOT NULL,
    conversation_id uuid NOT NULL,
    channel_id      uuid NOT NULL,
    operator_id     uuid,
    asked_at        timestamptz NOT NULL,
    answered_at     timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, id),
    FOREIGN KEY (outlet_id, conversation_id) REFERENCES conversation,
    FOREIGN KEY (outlet_id, channel_id) REFERENCES channel
);
CREATE INDEX support_answer_latest ON support_answer (outlet_id, answered_at);

CREATE TABLE support_note (
    outlet_id       uuid NOT NULL,
    id              uuid NOT NULL,
    conversation_id uuid NOT NULL,
    operator_id     uuid,                  -- NULL: the house itself tells what happened
    text            text NOT NULL,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, id),
    FOREIGN KEY (outlet_id, conversation_id) REFERENCES conversation
);
CREATE INDEX support_note_of ON support_note (outlet_id, conversation_id, created_at);

CREATE TABLE support_canned (
    outlet_id       uuid NOT NULL REFERENCES outlet,
    shortcut        text NOT NULL,
    text            text NOT NULL,
    PRIMARY KEY (outlet_id, shortcut)
);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['support_case', 'support_answer', 'support_note', 'support_canned'] LOOP
        EXECUTE format($p$CREATE POLICY web ON %I TO chatworks_web
            USING (outlet_id = (SELECT current_setting('app.outlet', true)::uuid))
            WITH CHECK (outlet_id = (SELECT current_setting('app.outlet', true)::uuid))$p$, t);
        EXECUTE format('CREATE POLICY engine ON %I TO chatworks_engine USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY owner ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE, DELETE ON support_case, support_answer, support_note, support_canned
    TO chatworks_engine;
GRANT SELECT, INSERT ON support_case, support_answer, support_note, support_canned TO chatworks_web;
GRANT UPDATE ON support_case, support_canned TO chatworks_web;
GRANT DELETE ON support_canned TO chatworks_web;
