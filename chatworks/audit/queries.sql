-- name: append
INSERT INTO audit_leaf (outlet_id, id, at, actor_kind, actor_id, action, object_kind, object_id,
                        payload, leaf_hash)
SELECT l.outlet_id, l.id, %(at)s, l.actor_kind, l.actor_id, l.action, l.object_kind, l.object_id,
       l.payload, l.leaf_hash
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[], %(actor_kinds)s::text[], %(actor_ids)s::text[],
            %(actions)s::text[], %(object_kinds)s::text[], %(object_ids)s::text[],
            %(payloads)s::bytea[], %(hashes)s::bytea[])
     AS l (outlet_id, id, actor_kind, actor_id, action, object_kind, object_id, payload, leaf_hash)

-- name: leaves
SELECT id, at, actor_kind, actor_id, action, object_kind, object_id, payload, leaf_hash
FROM audit_leaf
WHERE outlet_id = %(outlet_id)s
ORDER BY id DESC
LIMIT %(limit)s
