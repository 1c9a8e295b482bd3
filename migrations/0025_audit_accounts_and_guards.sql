-- Leaves of acts that belong to no outlet (on an account, or on the platform), and guards: a change
-- that must leave a trace is refused where its transaction wrote no leaf.

ALTER TABLE audit_leaf DROP CONSTRAINT audit_leaf_pkey;
ALTER TABLE audit_leaf ALTER COLUMN outlet_id DROP NOT NULL;
ALTER TABLE audit_leaf ADD CONSTRAINT audit_leaf_key UNIQUE NULLS NOT DISTINCT (outlet_id, id);
ALTER TABLE audit_leaf DROP CONSTRAINT audit_leaf_actor_kind_check;
ALTER TABLE audit_leaf ADD CONSTRAINT audit_leaf_actor_kind_check CHECK (actor_kind IN
    ('account', 'customer', 'provider', 'operator', 'platform', 'system', 'agent'));
-- The policies stay as they are: "outlet_id = app.outlet" is never true of NULL, so a page neither
-- sees nor writes a leaf without an outlet; the engine does both.

-- What was done to one thing, newest last.
CREATE INDEX audit_leaf_object ON audit_leaf (outlet_id, object_kind, object_id, id);

-- The transaction's mark: set by each insert of leaves, read by the guards, gone with the
-- transaction (and with a savepoint that is rolled back).
CREATE FUNCTION note_leaves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('audit.leaf', pg_current_xact_id()::text, true);
    RETURN NULL;
END $$;
CREATE TRIGGER audit_leaf_noted AFTER INSERT ON audit_leaf
    FOR EACH STATEMENT EXECUTE FUNCTION note_leaves();

-- Deferred to the commit, because leaves are written last. Reads no table, so that it does not
-- matter that PostgreSQL 18 runs it as the role that queued it and 15 as the role at the commit. The
-- owner is let through: it migrates and repairs, and could drop the guard.
CREATE FUNCTION leaf_or_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('audit.leaf', true) IS NOT DISTINCT FROM pg_current_xact_id()::text THEN
        RETURN NULL;
    END IF;
    IF NOT pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN
        RAISE EXCEPTION 'a change of % needs a leaf in the audit log', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;

-- One line of a migration guards a table, or says why it needs no guard. With columns, only an
-- UPDATE that sets one of them is guarded: what moves by itself (a cursor, a time last seen) is not.
-- The catalogue is the one place that knows: a trigger, or a comment. A test demands one of them of
-- every table; `chatworks audit verify` finds a guard that somebody took away.
CREATE FUNCTION guard_with_leaf(guarded text, VARIADIC columns text[] DEFAULT '{}')
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    listed text := (SELECT string_agg(quote_ident(c), ', ') FROM unnest(columns) AS c);
BEGIN
    EXECUTE format('CREATE CONSTRAINT TRIGGER audit_guard AFTER INSERT OR DELETE OR UPDATE %s ON %I'
        ' DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION leaf_or_refuse()',
        coalesce('OF ' || listed, ''), guarded);
END $$;
CREATE FUNCTION needs_no_leaf(free text, why text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('COMMENT ON TABLE %I IS %L', free, 'needs no leaf: ' || why);
END $$;
REVOKE ALL ON FUNCTION guard_with_leaf(text, text[]), needs_no_leaf(text, text) FROM PUBLIC;
