-- name: add_account
INSERT INTO account (id, kind, name, organisation_name, language, time_zone, created_at)
VALUES (%(id)s, %(kind)s, %(name)s, %(organisation_name)s, %(language)s, %(time_zone)s, %(now)s)

-- name: account
SELECT id, kind, name, organisation_name, language, time_zone, created_at
FROM account WHERE id = %(account_id)s AND closed_at IS NULL

-- name: find_account
SELECT a.account_id FROM account_address a JOIN account t ON t.id = a.account_id
WHERE a.kind = %(kind)s AND a.value = %(value)s AND a.verified_at IS NOT NULL
  AND t.closed_at IS NULL

-- name: lock_account
SELECT 1 FROM account WHERE id = %(account_id)s FOR UPDATE

-- name: change_account
UPDATE account SET kind = %(kind)s, name = %(name)s, organisation_name = %(organisation_name)s,
    language = %(language)s, time_zone = %(time_zone)s
WHERE id = %(account_id)s AND closed_at IS NULL

-- name: rename_member
UPDATE membership SET name = %(name)s
WHERE account_id = %(account_id)s AND left_at IS NULL AND name <> %(name)s

-- name: lock_address
-- Whoever proves an address does it alone: the second one then finds it taken.
SELECT pg_advisory_xact_lock(hashtextextended(%(kind)s || ' ' || %(value)s, 26))

-- name: forget_claims
DELETE FROM account_address
WHERE kind = %(kind)s AND value = %(value)s AND verified_at IS NULL AND account_id <> %(account_id)s

-- name: prove_address
INSERT INTO account_address (account_id, id, kind, value, verified_at, is_main, created_at)
SELECT %(account_id)s, %(id)s, %(kind)s, %(value)s, %(now)s, NOT EXISTS (
    SELECT 1 FROM account_address
    WHERE account_id = %(account_id)s AND is_main AND verified_at IS NOT NULL), %(now)s
ON CONFLICT (account_id, kind, value) DO UPDATE SET verified_at = excluded.verified_at

-- name: claim_address
INSERT INTO account_address (account_id, id, kind, value, created_at)
VALUES (%(account_id)s, %(id)s, %(kind)s, %(value)s, %(now)s)
ON CONFLICT DO NOTHING

-- name: addresses
SELECT id, kind, value, verified_at, is_main FROM account_address
WHERE account_id = %(account_id)s ORDER BY is_main DESC, created_at, id

-- name: main_address
UPDATE account_address a SET is_main = a.id = %(id)s
WHERE a.account_id = %(account_id)s AND EXISTS (
    SELECT 1 FROM account_address b
    WHERE b.account_id = %(account_id)s AND b.id = %(id)s AND b.verified_at IS NOT NULL)

-- name: remove_address
DELETE FROM account_address WHERE account_id = %(account_id)s AND id = %(id)s

-- name: next_main
UPDATE account_address SET is_main = true WHERE (account_id, id) IN (
    SELECT account_id, id FROM account_address
    WHERE account_id = %(account_id)s AND verified_at IS NOT NULL ORDER BY created_at, id LIMIT 1)
  AND NOT EXISTS (SELECT 1 FROM account_address
                  WHERE account_id = %(account_id)s AND is_main AND verified_at IS NOT NULL)

-- name: account_of_contact
SELECT c.account_id FROM account_contact c JOIN account a ON a.id = c.account_id
WHERE c.outlet_id = %(outlet_id)s AND c.contact_id = %(contact_id)s AND a.closed_at IS NULL

-- name: bind_contact
INSERT INTO account_contact (account_id, outlet_id, contact_id, bound_at)
VALUES (%(account_id)s, %(outlet_id)s, %(contact_id)s, %(now)s)
ON CONFLICT DO NOTHING

-- name: unbind_contact
DELETE FROM account_contact
WHERE account_id = %(account_id)s AND outlet_id = %(outlet_id)s AND contact_id = %(contact_id)s

-- name: chats
SELECT c.outlet_id, c.contact_id, o.name, h.kind, p.name, c.bound_at
FROM account_contact c
JOIN contact p ON p.outlet_id = c.outlet_id AND p.id = c.contact_id
JOIN channel h ON h.outlet_id = p.outlet_id AND h.id = p.channel_id
JOIN outlet o ON o.outlet_id = c.outlet_id
WHERE c.account_id = %(account_id)s ORDER BY c.bound_at, c.contact_id

-- name: code_account
SELECT account_id FROM one_time_code WHERE id = %(id)s

-- name: spend_codes
UPDATE one_time_code SET used_at = %(now)s
WHERE account_id = %(account_id)s AND purpose = ANY(%(purposes)s::text[]) AND used_at IS NULL

-- name: add_membership
INSERT INTO membership (outlet_id, id, account_id, name, role, joined_at)
SELECT %(outlet_id)s, %(id)s, %(account_id)s, name, %(role)s, %(now)s
FROM account WHERE id = %(account_id)s AND closed_at IS NULL
ON CONFLICT DO NOTHING

-- name: lock_outlet
SELECT 1 FROM outlet WHERE outlet_id = %(outlet_id)s FOR UPDATE

-- name: has_members
SELECT EXISTS (SELECT 1 FROM membership WHERE outlet_id = %(outlet_id)s)

-- name: operators
SELECT outlet_id, id, name, role, account_id, is_visit FROM membership
WHERE outlet_id = %(outlet_id)s AND left_at IS NULL AND (ends_at IS NULL OR ends_at > %(now)s)
ORDER BY joined_at, id

-- name: memberships
SELECT outlet_id, id, name, role, account_id, is_visit FROM membership
WHERE account_id = %(account_id)s AND left_at IS NULL AND (ends_at IS NULL OR ends_at > %(now)s)
ORDER BY joined_at, id

-- name: add_code
INSERT INTO one_time_code (id, purpose, account_id, about, secret_hash, tries_left, expires_at)
VALUES (%(id)s, %(purpose)s, %(account_id)s, %(about)s::jsonb, %(hash)s, %(tries)s, %(expires_at)s)

-- name: spend_code
-- Whoever knows the secret spends it, once.
UPDATE one_time_code SET used_at = %(now)s
WHERE secret_hash = %(hash)s AND purpose = %(purpose)s AND used_at IS NULL AND tries_left > 0
  AND expires_at > %(now)s AND about @> %(about)s::jsonb
RETURNING id, account_id, about

-- name: try_code
-- A try by the code's ticket: the right one spends it, a wrong one leaves one try less.
UPDATE one_time_code
SET tries_left = tries_left - 1,
    used_at = CASE WHEN secret_hash = %(hash)s AND about @> %(about)s::jsonb THEN %(now)s::timestamptz END
WHERE id = %(id)s AND purpose = %(purpose)s AND used_at IS NULL AND tries_left > 0
  AND expires_at > %(now)s
RETURNING used_at IS NOT NULL, id, account_id, about

-- name: forget_codes
DELETE FROM one_time_code WHERE id IN (
    SELECT id FROM one_time_code WHERE expires_at < %(before)s
    ORDER BY expires_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)

-- name: known_device
UPDATE device SET last_seen_at = %(now)s, user_agent = %(user_agent)s, address = %(address)s
WHERE account_id = %(account_id)s AND secret_hash = ANY(%(hashes)s::bytea[])
  AND forgotten_at IS NULL
RETURNING id

-- name: knows_device
SELECT id FROM device WHERE account_id = %(account_id)s
  AND secret_hash = ANY(%(hashes)s::bytea[]) AND forgotten_at IS NULL

-- name: add_device
INSERT INTO device (account_id, id, secret_hash, user_agent, address, first_seen_at, last_seen_at)
VALUES (%(account_id)s, %(id)s, %(hash)s, %(user_agent)s, %(address)s, %(now)s, %(now)s)

-- name: confirm_device
UPDATE device SET confirmed_at = %(now)s
WHERE account_id = %(account_id)s AND id = %(id)s AND confirmed_at IS NULL

-- name: devices
SELECT id, user_agent, address, first_seen_at, last_seen_at, confirmed_at FROM device
WHERE account_id = %(account_id)s AND forgotten_at IS NULL ORDER BY last_seen_at DESC, id

-- name: forget_device
UPDATE device SET forgotten_at = %(now)s
WHERE account_id = %(account_id)s AND id = %(id)s AND forgotten_at IS NULL

-- name: add_session
INSERT INTO session (id, account_id, device_id, outlet_id, membership_id, secret_hash, created_at,
                     last_seen_at, expires_at, user_agent, address, methods, fresh_at)
VALUES (%(id)s, %(account_id)s, %(device_id)s, %(outlet_id)s, %(membership_id)s, %(hash)s, %(now)s,
        %(now)s, %(expires_at)s, %(user_agent)s, %(address)s, %(methods)s::text[], %(now)s)

-- name: session
-- Role and membership are today's. Most requests write nothing: seen is noted once a minute.
WITH seen AS (
    UPDATE session SET last_seen_at = %(now)s
    WHERE secret_hash = %(hash)s AND revoked_at IS NULL AND expires_at > %(now)s
      AND last_seen_at > %(idle_since)s AND last_seen_at < %(now)s - interval '1 minute'
)
SELECT s.id, s.account_id, s.device_id, s.methods, s.fresh_at, s.created_at, s.last_seen_at,
       s.user_agent, m.outlet_id, m.id, m.name, m.role, m.account_id, m.is_visit
FROM session s
JOIN account a ON a.id = s.account_id
LEFT JOIN membership m ON m.outlet_id = s.outlet_id AND m.id = s.membership_id
    AND m.account_id = s.account_id AND m.left_at IS NULL
    AND (m.ends_at IS NULL OR m.ends_at > %(now)s)
WHERE s.secret_hash = %(hash)s AND s.revoked_at IS NULL AND s.expires_at > %(now)s
  AND s.last_seen_at > %(idle_since)s AND a.closed_at IS NULL

-- name: refresh
UPDATE session SET secret_hash = %(hash)s, fresh_at = %(now)s,
    methods = CASE WHEN %(method)s = ANY(methods) THEN methods ELSE methods || %(method)s::text END
WHERE id = %(id)s AND account_id = %(account_id)s AND revoked_at IS NULL

-- name: switch
UPDATE session s SET secret_hash = %(hash)s, outlet_id = m.outlet_id, membership_id = m.id
FROM membership m
WHERE s.id = %(id)s AND s.account_id = %(account_id)s AND s.revoked_at IS NULL
  AND m.outlet_id = %(outlet_id)s AND m.account_id = s.account_id AND m.left_at IS NULL
    AND (m.ends_at IS NULL OR m.ends_at > %(now)s)

-- name: sessions
SELECT id, created_at, last_seen_at, user_agent, address, methods FROM session
WHERE account_id = %(account_id)s AND revoked_at IS NULL AND expires_at > %(now)s
  AND last_seen_at > %(idle_since)s
ORDER BY last_seen_at DESC, id

-- name: revoke
UPDATE session SET revoked_at = %(now)s
WHERE secret_hash = %(hash)s AND revoked_at IS NULL
RETURNING id, account_id

-- name: revoke_one
UPDATE session SET revoked_at = %(now)s
WHERE id = %(id)s AND account_id = %(account_id)s AND revoked_at IS NULL

-- name: revoke_all
UPDATE session SET revoked_at = %(now)s
WHERE account_id = %(account_id)s AND revoked_at IS NULL
  AND (%(but)s::uuid IS NULL OR id <> %(but)s)

-- name: revoke_device
UPDATE session SET revoked_at = %(now)s
WHERE account_id = %(account_id)s AND device_id = %(id)s AND revoked_at IS NULL

-- name: forget_sessions
DELETE FROM session WHERE id IN (
    SELECT id FROM session
    WHERE LEAST(expires_at, last_seen_at + %(idle)s::interval, COALESCE(revoked_at, 'infinity'))
          < %(before)s
    LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)

-- name: forget_devices
DELETE FROM device d WHERE (account_id, id) IN (
    SELECT account_id, id FROM device WHERE forgotten_at < %(before)s
    LIMIT %(limit)s FOR UPDATE SKIP LOCKED
) AND NOT EXISTS (SELECT 1 FROM session s WHERE s.account_id = d.account_id AND s.device_id = d.id)

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
JOIN membership m ON m.outlet_id = s.outlet_id AND m.id = s.operator_id AND m.left_at IS NULL
    AND (m.ends_at IS NULL OR m.ends_at > %(now)s)
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
