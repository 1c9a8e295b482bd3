-- name: add_key
INSERT INTO api_key (outlet_id, id, name, prefix, secret_hash, scopes, membership_id, created_at,
                     expires_at)
VALUES (%(outlet_id)s, %(id)s, %(name)s, %(prefix)s, %(hash)s, %(scopes)s, %(membership_id)s,
        %(now)s, %(expires_at)s)

-- name: working_keys
SELECT count(*) FROM api_key
WHERE outlet_id = %(outlet_id)s AND revoked_at IS NULL AND expires_at > %(now)s

-- name: keys
SELECT k.id, k.name, k.prefix, k.scopes, m.name, k.created_at, k.expires_at, k.last_used_at,
       k.revoked_at
FROM api_key k
JOIN membership m ON m.outlet_id = k.outlet_id AND m.id = k.membership_id
WHERE k.outlet_id = %(outlet_id)s
ORDER BY k.created_at DESC, k.id
LIMIT %(limit)s

-- name: revoke_key
UPDATE api_key SET revoked_at = %(now)s
WHERE outlet_id = %(outlet_id)s AND id = %(id)s AND revoked_at IS NULL
RETURNING id

-- name: find_key
-- Whoever issued it must still be here: their role is what it is today.
SELECT k.outlet_id, k.id, k.secret_hash, k.scopes, m.id, m.role, k.last_used_at
FROM api_key k
JOIN membership m ON m.outlet_id = k.outlet_id AND m.id = k.membership_id
    AND m.left_at IS NULL AND (m.ends_at IS NULL OR m.ends_at > %(now)s)
WHERE k.prefix = %(prefix)s AND k.revoked_at IS NULL AND k.expires_at > %(now)s

-- name: note_use
UPDATE api_key SET last_used_at = %(now)s
WHERE outlet_id = %(outlet_id)s AND id = %(id)s
  AND (last_used_at IS NULL OR last_used_at < %(before)s)
