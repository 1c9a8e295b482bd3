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
SELECT outlet_id, id, at, actor_kind, actor_id, action, object_kind, object_id, payload, leaf_hash
FROM audit_leaf
WHERE outlet_id = %(outlet_id)s
  AND (%(before)s::uuid IS NULL OR id < %(before)s)
  AND starts_with(action, %(what)s)
  AND (%(actor_kind)s = '' OR actor_kind = %(actor_kind)s)
  AND (%(actor_id)s = '' OR actor_id = %(actor_id)s)
  AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
ORDER BY id DESC
LIMIT %(limit)s

-- name: leaves_of_object
SELECT outlet_id, id, at, actor_kind, actor_id, action, object_kind, object_id, payload, leaf_hash
FROM audit_leaf
WHERE outlet_id = %(outlet_id)s AND object_kind = %(object_kind)s AND object_id = %(object_id)s
  AND (%(before)s::uuid IS NULL OR id < %(before)s)
  AND starts_with(action, %(what)s)
  AND (%(actor_kind)s = '' OR actor_kind = %(actor_kind)s)
  AND (%(actor_id)s = '' OR actor_id = %(actor_id)s)
  AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
ORDER BY id DESC
LIMIT %(limit)s

-- name: places
SELECT leaf_id, n FROM audit_entry WHERE leaf_id = ANY(%(leaves)s::uuid[])

-- name: try_lock
SELECT pg_try_advisory_xact_lock(%(key)s)

-- name: take
DELETE FROM audit_pending
WHERE ctid = ANY (ARRAY(SELECT ctid FROM audit_pending LIMIT %(limit)s))
RETURNING outlet_id, leaf_id, leaf_hash

-- name: head
SELECT note FROM audit_checkpoint ORDER BY size DESC LIMIT 1

-- name: nodes
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest(%(levels)s::smallint[], %(firsts)s::bigint[], %(counts)s::bigint[])
        AS a (level, first, count)
)
SELECT a.level, e.n, e.leaf_hash
FROM asked a JOIN audit_entry e ON e.n >= a.first AND e.n < a.first + a.count
WHERE a.level = 0
UNION ALL
SELECT a.level, d.n, d.hash
FROM asked a JOIN audit_node d ON d.level = a.level AND d.n >= a.first AND d.n < a.first + a.count
WHERE a.level > 0

-- name: add_entries
INSERT INTO audit_entry (n, outlet_id, leaf_id, leaf_hash)
SELECT * FROM unnest(%(ns)s::bigint[], %(outlets)s::uuid[], %(leaves)s::uuid[], %(hashes)s::bytea[])

-- name: add_nodes
INSERT INTO audit_node (level, n, hash)
SELECT * FROM unnest(%(levels)s::smallint[], %(ns)s::bigint[], %(hashes)s::bytea[])

-- name: add_checkpoint
INSERT INTO audit_checkpoint (size, at, note) VALUES (%(size)s, %(now)s, %(note)s)

-- name: waiting
SELECT count(*), min(at) FROM audit_pending

-- name: entry_hashes
SELECT leaf_hash FROM audit_entry WHERE n >= %(first)s AND n < %(end)s ORDER BY n

-- name: entries
SELECT e.n, e.outlet_id, e.leaf_id, e.leaf_hash, l.at, l.actor_kind, l.actor_id, l.action,
       l.object_kind, l.object_id, l.payload, l.leaf_hash
FROM audit_entry e
LEFT JOIN LATERAL (
    SELECT * FROM audit_leaf a WHERE a.outlet_id = e.outlet_id AND a.id = e.leaf_id
    UNION ALL
    SELECT * FROM audit_leaf a
    WHERE e.outlet_id IS NULL AND a.outlet_id IS NULL AND a.id = e.leaf_id
) l ON true
WHERE e.n >= %(first)s
ORDER BY e.n
LIMIT %(limit)s

-- name: unplaced
SELECT l.outlet_id, l.id, l.at, l.actor_kind, l.actor_id, l.action, l.object_kind, l.object_id,
       l.payload, l.leaf_hash, p.leaf_hash
FROM audit_leaf l
LEFT JOIN audit_pending p ON p.leaf_id = l.id AND p.outlet_id IS NOT DISTINCT FROM l.outlet_id
WHERE NOT EXISTS (
    SELECT FROM audit_entry e
    WHERE e.leaf_id = l.id AND e.outlet_id IS NOT DISTINCT FROM l.outlet_id
)
ORDER BY l.id

-- name: queued_for_nothing
SELECT p.leaf_id
FROM audit_pending p
WHERE NOT EXISTS (
    SELECT FROM audit_leaf l WHERE l.id = p.leaf_id AND l.outlet_id IS NOT DISTINCT FROM p.outlet_id
)

-- name: all_nodes
SELECT level, n, hash FROM audit_node

-- name: checkpoints
SELECT size, note FROM audit_checkpoint ORDER BY size

-- name: unguarded
SELECT c.relname
FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
  AND c.relname NOT LIKE '%%yoyo%%'
  AND coalesce(obj_description(c.oid, 'pg_class'), '') NOT LIKE 'needs no leaf: _%%'
  AND NOT EXISTS (
      SELECT FROM pg_trigger t
      WHERE t.tgrelid = c.oid AND t.tgname = 'audit_guard' AND t.tgenabled IN ('O', 'A')
        AND t.tgdeferrable AND t.tginitdeferred
        AND t.tgfoid = 'leaf_or_refuse'::regproc
  )
ORDER BY 1

-- name: watchmen
SELECT t.tgname
FROM pg_trigger t
WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND t.tgrelid IN (
    'audit_leaf'::regclass, 'audit_entry'::regclass, 'audit_node'::regclass,
    'audit_checkpoint'::regclass)

-- name: place_of
SELECT n, outlet_id FROM audit_entry WHERE leaf_id = %(leaf_id)s

-- name: leaf
SELECT outlet_id, id, at, actor_kind, actor_id, action, object_kind, object_id, payload, leaf_hash
FROM audit_leaf
WHERE id = %(leaf_id)s
  AND (outlet_id = %(outlet_id)s OR (outlet_id IS NULL AND %(outlet_id)s::uuid IS NULL))

-- name: wrote
SELECT pg_current_xact_id_if_assigned() IS NOT NULL
