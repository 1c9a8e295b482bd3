-- Three logins: the owner migrates; chatworks_engine takes turns, sends and resolves paths;
-- chatworks_web serves pages and the API. Neither of the two owns anything, and row-level
-- security is forced: a page sees the one outlet of app.outlet, which is its transaction's first word.

GRANT USAGE ON SCHEMA public TO chatworks_engine, chatworks_web;

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['outlet', 'channel', 'applet_install', 'operator', 'one_time_code', 'session',
        'web_visitor', 'audit_leaf', 'command_key', 'contact', 'conversation', 'message', 'dialogue', 'journal',
        'staff_chat', 'product', 'outlet_counter', 'sales_order', 'order_line', 'order_step', 'outbox_part'] LOOP
        EXECUTE format($p$CREATE POLICY web ON %I TO chatworks_web
            USING (outlet_id = (SELECT current_setting('app.outlet', true)::uuid))
            WITH CHECK (outlet_id = (SELECT current_setting('app.outlet', true)::uuid))$p$, t);
        -- The engine works for all outlets at once and names them by key (decision 0007).
        EXECUTE format('CREATE POLICY engine ON %I TO chatworks_engine USING (true) WITH CHECK (true)', t);
        -- The owner migrates and backs up; forced policies would hide the rows from it too.
        EXECUTE format('CREATE POLICY owner ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO chatworks_engine;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO chatworks_engine, chatworks_web;

GRANT SELECT ON outlet, channel, applet_install, operator, contact, conversation, message, dialogue, journal,
    staff_chat, product, outlet_counter, sales_order, order_line, order_step, outbox_part, audit_leaf, command_key,
    one_time_code, session TO chatworks_web;
GRANT INSERT ON message, product, outlet_counter, sales_order, order_line, order_step, outbox_part, audit_leaf,
    command_key, one_time_code, staff_chat TO chatworks_web;
GRANT UPDATE ON outlet, applet_install, conversation, contact, product, outlet_counter, sales_order, dialogue,
    command_key, session TO chatworks_web;
GRANT DELETE ON staff_chat TO chatworks_web;

-- Append only, for every login that is not a superuser, whatever is granted later.
REVOKE UPDATE, DELETE, TRUNCATE ON audit_leaf, inbox_event FROM chatworks_engine, chatworks_web;
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% only appends', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_leaf_append_only BEFORE UPDATE OR DELETE ON audit_leaf
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_leaf_no_truncate BEFORE TRUNCATE ON audit_leaf
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
