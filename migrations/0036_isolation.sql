-- What the proof of isolation asked for (decision 0038).

-- A transaction of the web login that named no outlet fails loudly, also on a fresh connection,
-- where the setting was never made: it used to see nothing, and a forgotten outlet looked like an
-- empty one.
DO $$
DECLARE t text;
BEGIN
    FOR t IN SELECT polrelid::regclass FROM pg_policy WHERE polname = 'web' LOOP
        EXECUTE format($p$ALTER POLICY web ON %s
            USING (outlet_id = (SELECT current_setting('app.outlet')::uuid))
            WITH CHECK (outlet_id = (SELECT current_setting('app.outlet')::uuid))$p$, t);
    END LOOP;
END $$;

-- The doors have policies, too: a right given to pages by mistake opens nothing.
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['inbox_event', 'inbox_pending', 'timer', 'rate_limit'] LOOP
        EXECUTE format('CREATE POLICY engine ON %I TO chatworks_engine USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY owner ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    END LOOP;
END $$;

-- It runs as the owner, as a trigger only: nobody has to be able to call it.
REVOKE EXECUTE ON FUNCTION note_leaves() FROM PUBLIC;

-- Slugs and webhooks' paths are unique across outlets. Who could set one would learn from the refusal
-- that another outlet has it; no page needs to.
DO $$
DECLARE t text; columns text;
BEGIN
    FOREACH t IN ARRAY ARRAY['channel', 'outlet'] LOOP
        SELECT string_agg(quote_ident(attname), ', ') INTO columns FROM pg_attribute
        WHERE attrelid = t::regclass AND attnum > 0 AND NOT attisdropped
            AND attname NOT IN ('outlet_id', 'id', 'slug', 'path');
        EXECUTE format('REVOKE UPDATE ON %I FROM chatworks_web', t);
        EXECUTE format('GRANT UPDATE (%s) ON %I TO chatworks_web', columns, t);
    END LOOP;
END $$;
