-- Invitations to work in an outlet, and visits: memberships of the platform's support that end.

ALTER TABLE membership
    ADD COLUMN ends_at timestamptz,                      -- of a visit; NULL: until they leave
    ADD COLUMN is_visit boolean NOT NULL DEFAULT false,  -- somebody of the platform, let in for a time
    ADD CONSTRAINT membership_visit_ends CHECK (is_visit = (ends_at IS NOT NULL));

CREATE TABLE invitation (
    outlet_id    uuid NOT NULL REFERENCES outlet,
    id           uuid NOT NULL,
    email        text NOT NULL,                          -- where the link went
    role         text NOT NULL,
    invited_by   uuid NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    withdrawn_at timestamptz,
    accepted_at  timestamptz,
    membership_id uuid,                                  -- what became of it
    PRIMARY KEY (outlet_id, id),
    FOREIGN KEY (outlet_id, invited_by) REFERENCES membership,
    FOREIGN KEY (outlet_id, membership_id) REFERENCES membership,
    CHECK ((accepted_at IS NULL) = (membership_id IS NULL)),
    CHECK (accepted_at IS NULL OR withdrawn_at IS NULL)
);
CREATE INDEX invitation_invited_by ON invitation (outlet_id, invited_by);

-- The platform's support asks; the outlet lets them in for some hours, or not.
CREATE TABLE visit_request (
    outlet_id     uuid NOT NULL REFERENCES outlet,
    id            uuid NOT NULL,
    account_id    uuid NOT NULL REFERENCES account,
    reason        text NOT NULL,                         -- as the outlet reads it
    asked_at      timestamptz NOT NULL,
    answered_at   timestamptz,
    membership_id uuid,                                  -- NULL once answered: refused
    PRIMARY KEY (outlet_id, id),
    FOREIGN KEY (outlet_id, membership_id) REFERENCES membership,
    CHECK (membership_id IS NULL OR answered_at IS NOT NULL)
);
-- One open request of a person at an outlet.
CREATE UNIQUE INDEX visit_request_open ON visit_request (outlet_id, account_id) WHERE answered_at IS NULL;

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['invitation', 'visit_request'] LOOP
        EXECUTE format('CREATE POLICY engine ON %I TO chatworks_engine USING (true) WITH CHECK (true)', t);
        EXECUTE format('CREATE POLICY owner ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO chatworks_engine', t);
        PERFORM guard_with_leaf(t);
    END LOOP;
END $$;
