-- name: accept
WITH given AS (
    SELECT * FROM unnest(%(outlets)s::uuid[], %(sources)s::uuid[], %(event_ids)s::text[],
                         %(threads)s::text[], %(keys)s::bigint[], %(lanes)s::smallint[],
                         %(ranks)s::bigint[], %(headers)s::text[], %(payloads)s::bytea[])
    AS g (outlet_id, source, event_id, thread, thread_key, lane, rank, headers, payload)
), stored AS (
    INSERT INTO inbox_event (outlet_id, source, event_id, thread, received_at, headers, payload)
    SELECT outlet_id, source, event_id, thread, %(now)s, headers::jsonb, payload FROM given
    ON CONFLICT (source, event_id) DO NOTHING
    RETURNING id, source, event_id
), queued AS (
    INSERT INTO inbox_pending (id, outlet_id, source, thread_key, lane, rank, ready_at)
    SELECT s.id, g.outlet_id, g.source, g.thread_key, g.lane, g.rank, %(now)s
    FROM stored s JOIN given g ON g.source = s.source AND g.event_id = s.event_id
)
SELECT count(*), pg_notify('inbox', '') FROM stored HAVING count(*) > 0

-- name: claim
-- Of the nearest rows: which conversations were locked; and where that is not enough, and more rows
-- wait behind those that were looked at, which conversations were seen.
WITH nearest AS MATERIALIZED (
    SELECT thread_key, lane, id FROM inbox_pending
    WHERE parked_at IS NULL AND ready_at <= %(now)s AND thread_key <> ALL(%(seen)s::bigint[])
    ORDER BY lane, id
    LIMIT %(window)s
), threads AS MATERIALIZED (
    SELECT thread_key FROM nearest GROUP BY thread_key ORDER BY min(lane), min(id)
), locked AS MATERIALIZED (
    SELECT thread_key FROM threads WHERE pg_try_advisory_xact_lock(thread_key) LIMIT %(limit)s
)
SELECT thread_key, true FROM locked
UNION ALL
SELECT thread_key, false FROM threads
WHERE (SELECT count(*) FROM nearest) = %(window)s AND (SELECT count(*) FROM locked) < %(limit)s

-- name: lock
SELECT key FROM unnest(%(keys)s::bigint[]) AS key WHERE pg_try_advisory_xact_lock(key)

-- name: events_of
-- Whatever waits for a failed turn's back-off holds back the later events of its conversation; but
-- what a vendor gives seconds for (lane 0) comes first of all.
SELECT id, outlet_id, source, thread, thread_key, attempts, received_at, payload, event_id
FROM (
    SELECT p.id, p.outlet_id, p.source, e.thread, p.thread_key, p.attempts, e.received_at,
           e.payload, e.event_id,
           row_number() OVER w AS n,
           bool_and(p.ready_at <= %(now)s) OVER (w ROWS UNBOUNDED PRECEDING) AS ready
    FROM inbox_pending p JOIN inbox_event e ON e.id = p.id
    WHERE p.thread_key = ANY(%(keys)s::bigint[]) AND p.parked_at IS NULL
    WINDOW w AS (PARTITION BY p.thread_key ORDER BY p.lane > 0, p.rank, p.id)
) AS waiting
WHERE ready AND n <= %(each)s
ORDER BY thread_key, n

-- name: done
DELETE FROM inbox_pending WHERE id = ANY(%(ids)s::bigint[])

-- name: retry_later
UPDATE inbox_pending SET attempts = %(attempts)s, ready_at = %(ready_at)s WHERE id = %(id)s

-- name: park
UPDATE inbox_pending
SET parked_at = %(now)s, reason = %(reason)s, attempts = attempts + 1
WHERE id = %(id)s

-- name: parked
SELECT p.id, p.source, e.thread, e.received_at, p.parked_at, p.reason, e.payload
FROM inbox_pending p JOIN inbox_event e ON e.id = p.id
WHERE p.outlet_id = %(outlet_id)s AND p.parked_at IS NOT NULL
ORDER BY p.id
LIMIT %(limit)s

-- name: replay
UPDATE inbox_pending
SET parked_at = NULL, reason = NULL, attempts = 0, ready_at = %(now)s
WHERE outlet_id = %(outlet_id)s AND id = %(id)s AND parked_at IS NOT NULL
RETURNING pg_notify('inbox', '')

-- name: drop_parked
DELETE FROM inbox_pending
WHERE outlet_id = %(outlet_id)s AND id = %(id)s AND parked_at IS NOT NULL

-- name: due_timers
DELETE FROM timer
WHERE (outlet_id, id) IN (
    SELECT outlet_id, id FROM timer WHERE due_at <= %(now)s
    ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
RETURNING outlet_id, id, source, thread, dialogue_id, step

-- name: depth
SELECT lane, count(*) FILTER (WHERE parked_at IS NULL), count(*) FILTER (WHERE parked_at IS NOT NULL),
       extract(epoch FROM %(now)s - min(ready_at) FILTER (WHERE parked_at IS NULL))
FROM inbox_pending
GROUP BY lane
