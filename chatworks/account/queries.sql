-- name: history
SELECT at, action, convert_from(substr(payload, 2), 'UTF8')::jsonb -> 'details'
FROM audit_leaf
WHERE outlet_id IS NULL AND object_kind = 'account' AND object_id = %(account)s
ORDER BY id DESC LIMIT %(limit)s
