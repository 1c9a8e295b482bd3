-- name: known_files
SELECT path, shown_as, file_id FROM telegram_file
WHERE outlet_id = %(outlet_id)s AND channel_id = %(channel_id)s AND path = ANY(%(paths)s::text[])

-- name: keep_files
INSERT INTO telegram_file (outlet_id, channel_id, path, shown_as, file_id, created_at)
SELECT %(outlet_id)s, %(channel_id)s, k.path, k.shown_as, k.file_id, %(now)s
FROM unnest(%(paths)s::text[], %(kinds)s::text[], %(file_ids)s::text[])
     AS k (path, shown_as, file_id)
ORDER BY k.path
ON CONFLICT (outlet_id, channel_id, path, shown_as) DO UPDATE SET file_id = EXCLUDED.file_id

-- name: forget_files
DELETE FROM telegram_file
WHERE outlet_id = %(outlet_id)s AND channel_id = %(channel_id)s AND path = ANY(%(paths)s::text[])

-- name: spend_sign_in
INSERT INTO telegram_sign_in (outlet_id, channel_id, data_hash, expires_at)
VALUES (%(outlet_id)s, %(channel_id)s, %(hash)s, %(expires_at)s)
ON CONFLICT (outlet_id, channel_id, data_hash) DO NOTHING

-- name: forget_sign_ins
DELETE FROM telegram_sign_in WHERE expires_at < %(now)s
