-- name: add_client
INSERT INTO oauth_client (outlet_id, id, name, redirects, secret_hash, registered_by, created_at)
VALUES (%(outlet_id)s, %(id)s, %(name)s, %(redirects)s, %(hash)s, %(by)s, %(now)s)

-- name: clients
SELECT id, name, redirects, confidential, created_at FROM oauth_client
WHERE outlet_id = %(outlet_id)s AND removed_at IS NULL
ORDER BY created_at DESC, id
LIMIT %(limit)s

-- name: remove_client
UPDATE oauth_client SET removed_at = %(now)s
WHERE outlet_id = %(outlet_id)s AND id = %(id)s AND removed_at IS NULL
RETURNING id

-- name: client
SELECT c.outlet_id, c.id, c.name, c.redirects, c.secret_hash, o.name
FROM oauth_client c JOIN outlet o ON o.outlet_id = c.outlet_id
WHERE c.id = %(id)s AND c.removed_at IS NULL

-- name: add_grant
INSERT INTO oauth_grant (outlet_id, id, client_outlet_id, client_id, membership_id, scopes,
                         created_at)
VALUES (%(outlet_id)s, %(id)s, %(client_outlet_id)s, %(client_id)s, %(membership_id)s, %(scopes)s,
        %(now)s)

-- name: add_tokens
INSERT INTO oauth_token (outlet_id, id, grant_id, kind, secret_hash, challenge, redirect,
                         created_at, expires_at)
SELECT %(outlet_id)s, k.id, %(grant_id)s, k.kind, k.hash, %(challenge)s, %(redirect)s, %(now)s,
       k.expires_at
FROM unnest(%(ids)s::uuid[], %(kinds)s::text[], %(hashes)s::bytea[], %(ends)s::timestamptz[])
     AS k (id, kind, hash, expires_at)

-- name: spend
-- Of all who come with one secret at once exactly one changes the row.
UPDATE oauth_token SET used_at = %(now)s
WHERE secret_hash = %(hash)s AND kind = %(kind)s AND used_at IS NULL AND expires_at > %(now)s
RETURNING id

-- name: token
-- Whoever gave it must still be here: their role is what it is today.
SELECT t.outlet_id, t.id, t.grant_id, g.client_id, t.kind, g.scopes, m.id, m.role, t.expires_at,
       t.challenge, t.redirect, g.last_used_at,
       t.used_at IS NULL AND t.expires_at > %(now)s
FROM oauth_token t
JOIN oauth_grant g ON g.outlet_id = t.outlet_id AND g.id = t.grant_id AND g.revoked_at IS NULL
JOIN oauth_client c ON c.outlet_id = g.client_outlet_id AND c.id = g.client_id
    AND c.removed_at IS NULL
JOIN membership m ON m.outlet_id = g.outlet_id AND m.id = g.membership_id
    AND m.left_at IS NULL AND (m.ends_at IS NULL OR m.ends_at > %(now)s)
WHERE t.secret_hash = %(hash)s

-- name: revoke_grant
UPDATE oauth_grant SET revoked_at = %(now)s
WHERE outlet_id = %(outlet_id)s AND id = %(id)s AND revoked_at IS NULL
RETURNING membership_id

-- name: revoke_own
UPDATE oauth_grant g SET revoked_at = %(now)s
FROM membership m
WHERE g.id = %(id)s AND g.revoked_at IS NULL AND m.outlet_id = g.outlet_id
  AND m.id = g.membership_id AND m.account_id = %(account_id)s
RETURNING g.outlet_id, m.id

-- name: note_use
UPDATE oauth_grant SET last_used_at = %(now)s
WHERE outlet_id = %(outlet_id)s AND id = %(id)s
  AND (last_used_at IS NULL OR last_used_at < %(before)s)

-- name: grants
SELECT g.outlet_id, g.id, c.name, o.name, g.scopes, g.created_at, g.last_used_at
FROM membership m
JOIN oauth_grant g ON g.outlet_id = m.outlet_id AND g.membership_id = m.id AND g.revoked_at IS NULL
JOIN oauth_client c ON c.outlet_id = g.client_outlet_id AND c.id = g.client_id
    AND c.removed_at IS NULL
JOIN outlet o ON o.outlet_id = g.outlet_id
WHERE m.account_id = %(account_id)s AND m.left_at IS NULL
ORDER BY g.created_at DESC, g.id
LIMIT %(limit)s

-- name: forget_tokens
DELETE FROM oauth_token
WHERE (outlet_id, id) IN (
    SELECT outlet_id, id FROM oauth_token WHERE expires_at < %(before)s
    ORDER BY expires_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
