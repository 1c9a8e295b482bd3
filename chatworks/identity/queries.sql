-- name: add_operator
INSERT INTO operator (outlet_id, id, name, role, created_at)
SELECT %(outlet_id)s, %(id)s, %(name)s, 'owner', %(now)s
WHERE NOT EXISTS (SELECT 1 FROM operator WHERE outlet_id = %(outlet_id)s)

-- name: operators
SELECT outlet_id, id, name, role FROM operator WHERE outlet_id = %(outlet_id)s ORDER BY created_at

-- name: add_code
INSERT INTO one_time_code (outlet_id, id, purpose, operator_id, secret_hash, expires_at)
VALUES (%(outlet_id)s, %(id)s, %(purpose)s, %(operator_id)s, %(hash)s, %(expires_at)s)

-- name: spend_code
UPDATE one_time_code SET used_at = %(now)s
WHERE secret_hash = %(hash)s AND purpose = %(purpose)s AND used_at IS NULL AND expires_at > %(now)s
  AND (%(outlet_id)s::uuid IS NULL OR outlet_id = %(outlet_id)s)
RETURNING outlet_id, operator_id

-- name: add_session
INSERT INTO session (outlet_id, id, operator_id, secret_hash, created_at, last_seen_at, expires_at,
                     user_agent, address)
VALUES (%(outlet_id)s, %(id)s, %(operator_id)s, %(hash)s, %(now)s, %(now)s, %(expires_at)s,
        %(user_agent)s, %(address)s)

-- name: session
UPDATE session s
SET last_seen_at = CASE WHEN s.last_seen_at < %(now)s - interval '1 minute' THEN %(now)s
                        ELSE s.last_seen_at END
FROM operator o
WHERE s.secret_hash = %(hash)s AND s.revoked_at IS NULL AND s.expires_at > %(now)s
  AND s.last_seen_at > %(idle_since)s
  AND o.outlet_id = s.outlet_id AND o.id = s.operator_id
RETURNING s.outlet_id, s.id, o.id, o.name, o.role, s.created_at, s.last_seen_at, s.user_agent

-- name: revoke
UPDATE session SET revoked_at = %(now)s
WHERE secret_hash = %(hash)s AND revoked_at IS NULL

-- name: bind_staff
INSERT INTO staff_chat (outlet_id, operator_id, conversation_id, created_at)
VALUES (%(outlet_id)s, %(operator_id)s, %(conversation_id)s, %(now)s)
ON CONFLICT DO NOTHING

-- name: unbind_staff
DELETE FROM staff_chat WHERE outlet_id = %(outlet_id)s AND operator_id = %(operator_id)s

-- name: staff_chats
SELECT s.outlet_id, s.conversation_id, p.language
FROM staff_chat s
JOIN conversation c ON c.outlet_id = s.outlet_id AND c.id = s.conversation_id
JOIN contact p ON p.outlet_id = c.outlet_id AND p.id = c.contact_id
WHERE s.outlet_id = ANY(%(outlets)s::uuid[])
ORDER BY s.outlet_id, s.conversation_id

-- name: try
-- GCRA in one statement: a try is allowed, or nothing changes and no row comes back.
INSERT INTO rate_limit AS r (scope, arrival_at)
VALUES (%(scope)s, %(now)s::timestamptz + %(interval)s::interval)
ON CONFLICT (scope) DO UPDATE
SET arrival_at = GREATEST(r.arrival_at, %(now)s::timestamptz) + %(interval)s::interval
WHERE GREATEST(r.arrival_at, %(now)s::timestamptz) - %(tolerance)s::interval
      <= %(now)s::timestamptz
RETURNING scope
