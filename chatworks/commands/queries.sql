-- name: take_key
INSERT INTO command_key (outlet_id, key, request_hash, created_at)
VALUES (%(outlet_id)s, %(key)s, %(hash)s, %(now)s)
ON CONFLICT (outlet_id, key) DO NOTHING

-- name: kept
SELECT request_hash, result::text FROM command_key
WHERE outlet_id = %(outlet_id)s AND key = %(key)s

-- name: keep_result
UPDATE command_key SET result = %(result)s::jsonb
WHERE outlet_id = %(outlet_id)s AND key = %(key)s

-- name: forget_keys
DELETE FROM command_key
WHERE (outlet_id, key) IN (
    SELECT outlet_id, key FROM command_key WHERE created_at < %(before)s
    ORDER BY created_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
