-- name: factors
SELECT EXISTS (SELECT 1 FROM totp WHERE account_id = %(account_id)s AND confirmed_at IS NOT NULL),
       (SELECT count(*) FROM passkey WHERE account_id = %(account_id)s),
       EXISTS (SELECT 1 FROM passkey_second WHERE account_id = %(account_id)s),
       (SELECT count(*) FROM recovery_code WHERE account_id = %(account_id)s AND used_at IS NULL),
       EXISTS (SELECT 1 FROM account_password WHERE account_id = %(account_id)s),
       NOT EXISTS (SELECT 1 FROM account_password WHERE account_id = %(account_id)s
                   AND NOT enough_alone)

-- name: standing
-- The same, whether the device is known, and whether the outlet shown demands a second factor: one
-- look before every page.
SELECT EXISTS (SELECT 1 FROM totp WHERE account_id = %(account_id)s AND confirmed_at IS NOT NULL),
       (SELECT count(*) FROM passkey WHERE account_id = %(account_id)s),
       EXISTS (SELECT 1 FROM passkey_second WHERE account_id = %(account_id)s),
       (SELECT count(*) FROM recovery_code WHERE account_id = %(account_id)s AND used_at IS NULL),
       EXISTS (SELECT 1 FROM account_password WHERE account_id = %(account_id)s),
       NOT EXISTS (SELECT 1 FROM account_password WHERE account_id = %(account_id)s
                   AND NOT enough_alone),
       %(device_id)s::uuid IS NULL OR EXISTS (
           SELECT 1 FROM device WHERE account_id = %(account_id)s AND id = %(device_id)s
           AND confirmed_at IS NOT NULL AND forgotten_at IS NULL),
       EXISTS (SELECT 1 FROM factor_demand WHERE outlet_id = %(outlet_id)s)

-- name: first_device
SELECT count(*) = 1 FROM device WHERE account_id = %(account_id)s

-- name: account_label
SELECT coalesce((SELECT value FROM account_address WHERE account_id = %(account_id)s
                 AND verified_at IS NOT NULL ORDER BY is_main DESC, created_at LIMIT 1), name),
       name, language
FROM account WHERE id = %(account_id)s

-- name: addresses
SELECT id, kind, value, verified_at FROM account_address
WHERE account_id = %(account_id)s AND verified_at IS NOT NULL
ORDER BY is_main DESC, created_at, id

-- name: chats
-- The latest private conversation of each chat identity that can still be written to.
SELECT DISTINCT ON (a.outlet_id, a.contact_id) a.outlet_id, a.contact_id, v.id, h.kind, o.name, a.bound_at
FROM account_contact a
JOIN contact c ON c.outlet_id = a.outlet_id AND c.id = a.contact_id AND c.status = 'active'
JOIN conversation v ON v.outlet_id = a.outlet_id AND v.contact_id = a.contact_id AND NOT v.is_group
JOIN channel h ON h.outlet_id = v.outlet_id AND h.id = v.channel_id
JOIN outlet o ON o.outlet_id = a.outlet_id
WHERE a.account_id = %(account_id)s
ORDER BY a.outlet_id, a.contact_id, v.last_at DESC

-- name: begin_totp
-- One that counts is not replaced: it must be removed first.
INSERT INTO totp AS t (account_id, id, secret_sealed, created_at)
VALUES (%(account_id)s, %(id)s, %(sealed)s, %(now)s)
ON CONFLICT (account_id) DO UPDATE
SET id = excluded.id, secret_sealed = excluded.secret_sealed, last_step = -1,
    created_at = excluded.created_at
WHERE t.confirmed_at IS NULL

-- name: totp
-- A secret that no code confirmed for a while is nobody's any more: it was shown on a page.
SELECT id, secret_sealed, confirmed_at IS NOT NULL FROM totp
WHERE account_id = %(account_id)s AND (confirmed_at IS NOT NULL OR created_at > %(begun_after)s)

-- name: spend_step
-- A step is spent once, with everything before it: of any number of callers one moves it.
UPDATE totp SET last_step = %(step)s
WHERE account_id = %(account_id)s AND id = %(id)s AND last_step < %(step)s
  AND confirmed_at IS NOT NULL

-- name: confirm_totp
UPDATE totp SET last_step = %(step)s, confirmed_at = %(now)s
WHERE account_id = %(account_id)s AND id = %(id)s AND last_step < %(step)s
  AND confirmed_at IS NULL

-- name: remove_totp
DELETE FROM totp WHERE account_id = %(account_id)s AND confirmed_at IS NOT NULL

-- name: remove_recovery_codes
DELETE FROM recovery_code WHERE account_id = %(account_id)s

-- name: lock_account
SELECT 1 FROM account WHERE id = %(account_id)s FOR UPDATE

-- name: add_recovery_codes
INSERT INTO recovery_code (account_id, id, secret_hash, created_at)
SELECT %(account_id)s, i, h, %(now)s
FROM unnest(%(ids)s::uuid[], %(hashes)s::bytea[]) AS t (i, h)

-- name: burn_recovery_code
UPDATE recovery_code SET used_at = %(now)s
WHERE account_id = %(account_id)s AND secret_hash = %(hash)s AND used_at IS NULL

-- name: demanded
SELECT EXISTS (SELECT 1 FROM factor_demand WHERE outlet_id = %(outlet_id)s)

-- name: demand
INSERT INTO factor_demand (outlet_id, since) VALUES (%(outlet_id)s, %(now)s) ON CONFLICT DO NOTHING

-- name: stop_demanding
DELETE FROM factor_demand WHERE outlet_id = %(outlet_id)s

-- name: without_second
-- Members of an outlet whose account has no second factor.
SELECT m.name FROM membership m
WHERE m.outlet_id = %(outlet_id)s AND m.left_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM totp t WHERE t.account_id = m.account_id AND t.confirmed_at IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM passkey_second s JOIN passkey p ON p.account_id = s.account_id
                  WHERE s.account_id = m.account_id)
ORDER BY m.joined_at, m.id

-- name: add_step_up
INSERT INTO step_up (id, account_id, session_id, operation, asks, said, asked_at, expires_at)
VALUES (%(id)s, %(account_id)s, %(session_id)s, %(operation)s, %(asks)s, %(said)s::jsonb, %(now)s,
        %(expires_at)s)

-- name: step_up
SELECT id, account_id, session_id, asks, said FROM step_up
WHERE id = %(id)s AND account_id = %(account_id)s AND session_id = %(session_id)s
  AND expires_at > %(now)s AND spent_at IS NULL

-- name: prove_step_up
UPDATE step_up SET proved_at = %(now)s, method = %(method)s
WHERE id = %(id)s AND session_id = %(session_id)s AND account_id = %(account_id)s
  AND proved_at IS NULL AND spent_at IS NULL AND expires_at > %(now)s

-- name: spend_step_up
UPDATE step_up SET spent_at = %(now)s
WHERE id = %(id)s AND session_id = %(session_id)s AND account_id = %(account_id)s
  AND operation = %(operation)s AND proved_at IS NOT NULL AND spent_at IS NULL
  AND expires_at > %(now)s
  AND EXISTS (SELECT 1 FROM session s WHERE s.id = %(session_id)s
              AND s.account_id = %(account_id)s AND s.revoked_at IS NULL)

-- name: forget_step_ups
DELETE FROM step_up WHERE id IN (
    SELECT id FROM step_up WHERE expires_at < %(before)s
    ORDER BY expires_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)

-- name: forget_challenges
DELETE FROM passkey_challenge WHERE id IN (
    SELECT id FROM passkey_challenge WHERE expires_at < %(before)s
    ORDER BY expires_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)

-- name: begin_recovery
INSERT INTO factor_recovery (account_id, id, asked_at) VALUES (%(account_id)s, %(id)s, %(now)s)
ON CONFLICT DO NOTHING

-- name: recovery
SELECT id, account_id, proved, asked_at, due_at FROM factor_recovery
WHERE account_id = %(account_id)s AND ended_at IS NULL

-- name: prove_recovery
UPDATE factor_recovery SET proved = proved || %(kind)s::text
WHERE account_id = %(account_id)s AND id = %(id)s AND ended_at IS NULL AND due_at IS NULL
  AND NOT %(kind)s = ANY(proved)
RETURNING proved

-- name: start_recovery
UPDATE factor_recovery SET due_at = %(due_at)s, told_at = %(now)s
WHERE account_id = %(account_id)s AND id = %(id)s AND ended_at IS NULL AND due_at IS NULL

-- name: recovery_by_id
SELECT id, account_id, proved, asked_at, due_at FROM factor_recovery
WHERE id = %(id)s AND ended_at IS NULL

-- name: end_recovery
UPDATE factor_recovery SET ended_at = %(now)s, ended_how = %(how)s
WHERE account_id = %(account_id)s AND id = %(id)s AND ended_at IS NULL

-- name: due_recoveries
SELECT id, account_id, proved, asked_at, due_at FROM factor_recovery
WHERE ended_at IS NULL AND due_at IS NOT NULL
  AND (due_at <= %(now)s OR told_at <= %(told_before)s)
ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED

-- name: tell_again
UPDATE factor_recovery SET told_at = %(now)s
WHERE account_id = %(account_id)s AND id = %(id)s

-- name: give_up_recoveries
-- What was begun and never proved.
UPDATE factor_recovery SET ended_at = %(now)s, ended_how = 'given up'
WHERE ended_at IS NULL AND due_at IS NULL AND asked_at < %(before)s
RETURNING account_id

-- name: add_challenge
INSERT INTO passkey_challenge (id, purpose, session_id, challenge, expires_at)
VALUES (%(id)s, %(purpose)s, %(session_id)s, %(challenge)s, %(expires_at)s)

-- name: spend_challenge
UPDATE passkey_challenge SET used_at = %(now)s
WHERE id = %(id)s AND purpose = %(purpose)s AND session_id IS NOT DISTINCT FROM %(session_id)s
  AND used_at IS NULL AND expires_at > %(now)s
RETURNING challenge

-- name: add_passkey
INSERT INTO passkey (account_id, id, credential_id, public_key, sign_count, name, transports, synced,
                     created_at)
VALUES (%(account_id)s, %(id)s, %(credential_id)s, %(public_key)s, %(sign_count)s, %(name)s,
        %(transports)s::text[], %(synced)s, %(now)s)
ON CONFLICT (credential_id) DO NOTHING

-- name: passkeys
SELECT account_id, id, credential_id, public_key, name, transports, synced, created_at,
       last_used_at, doubted_at
FROM passkey WHERE account_id = %(account_id)s ORDER BY created_at, id

-- name: passkey
SELECT account_id, id, credential_id, public_key, name, transports, synced, created_at,
       last_used_at, doubted_at
FROM passkey WHERE credential_id = %(credential_id)s

-- name: use_passkey
-- A count only grows; an authenticator that does not count says 0 for ever.
UPDATE passkey SET sign_count = %(sign_count)s, last_used_at = %(now)s, synced = %(synced)s
WHERE account_id = %(account_id)s AND id = %(id)s
  AND (sign_count < %(sign_count)s OR (sign_count = 0 AND %(sign_count)s = 0))

-- name: doubt_passkey
UPDATE passkey SET doubted_at = %(now)s WHERE account_id = %(account_id)s AND id = %(id)s

-- name: rename_passkey
UPDATE passkey SET name = %(name)s WHERE account_id = %(account_id)s AND id = %(id)s

-- name: remove_passkey
DELETE FROM passkey WHERE account_id = %(account_id)s AND id = %(id)s

-- name: add_passkey_second
INSERT INTO passkey_second (account_id, since)
SELECT %(account_id)s, %(now)s WHERE EXISTS (SELECT 1 FROM passkey WHERE account_id = %(account_id)s)
ON CONFLICT DO NOTHING

-- name: remove_passkey_second
DELETE FROM passkey_second WHERE account_id = %(account_id)s
