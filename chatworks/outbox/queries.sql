-- name: queue
-- An answer never overtakes what was to be said before it: a bulk message that still waits in the
-- same conversation leaves with it, by its lane.
WITH given AS (
    SELECT * FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[], %(channels)s::uuid[],
                         %(conversations)s::uuid[], %(threads)s::text[], %(seqs)s::integer[],
                         %(parts)s::smallint[], %(lanes)s::smallint[], %(payloads)s::text[],
                         %(held)s::text[], %(ready)s::timestamptz[], %(expires)s::timestamptz[])
    WITH ORDINALITY
    AS g (outlet_id, id, channel_id, conversation_id, thread, message_seq, part, lane, payload,
          held_for, ready_at, expires_at, n)
), taken_along AS (
    UPDATE outbox_part p SET lane = 1
    FROM (SELECT DISTINCT conversation_id FROM given WHERE lane = 1 AND held_for = '') AS k
    WHERE p.conversation_id = k.conversation_id AND p.status = 'queued' AND p.lane = 2
)
INSERT INTO outbox_part (outlet_id, id, channel_id, conversation_id, thread, message_seq, part,
                         lane, payload, status, held_for, ready_at, expires_at, created_at)
SELECT outlet_id, id, channel_id, conversation_id, thread, message_seq, part, lane, payload::jsonb,
       CASE held_for WHEN '' THEN 'queued' ELSE 'held' END, held_for, ready_at, expires_at, %(now)s
FROM given
ORDER BY n

-- name: expire
UPDATE outbox_part SET status = 'expired', finished_at = %(now)s, error = 'too late to send'
WHERE status IN ('queued', 'held') AND expires_at <= %(now)s

-- name: recover
-- A sender died with these in its hands: they may have been sent. What may be repeated is; else the
-- vendor is asked, where it can be; else it stays unknown. The new fence refuses the dead sender.
UPDATE outbox_part p
SET status = CASE WHEN k.again THEN 'queued' ELSE 'unknown' END,
    finished_at = CASE WHEN k.again THEN NULL ELSE %(now)s END,
    look_at = CASE WHEN NOT k.again AND k.asks THEN %(now)s END,
    error = 'the sender stopped before the answer came', attempts = p.attempts + 1,
    fence = p.fence + 1
FROM (
    SELECT q.outlet_id, q.id, c.kind = ANY(%(asking)s::text[]) AS asks,
           c.kind || ' ' || (q.payload->>'method') = ANY(%(repeatable)s::text[]) AS again
    FROM outbox_part q
    JOIN channel c ON c.outlet_id = q.outlet_id AND c.id = q.channel_id
    WHERE q.status = 'leased' AND q.lease_until <= %(now)s
    FOR UPDATE OF q SKIP LOCKED
) AS k
WHERE p.outlet_id = k.outlet_id AND p.id = k.id

-- name: lanes
-- One look at each lane of each channel, whatever waits there: the index is walked in leaps.
WITH RECURSIVE lane AS (
    (SELECT lane, channel_id, outlet_id FROM outbox_part
     WHERE status = 'queued' ORDER BY lane, channel_id LIMIT 1)
    UNION ALL
    SELECT n.lane, n.channel_id, n.outlet_id
    FROM lane l CROSS JOIN LATERAL (
        SELECT p.lane, p.channel_id, p.outlet_id FROM outbox_part p
        WHERE p.status = 'queued' AND (p.lane, p.channel_id) > (l.lane, l.channel_id)
        ORDER BY p.lane, p.channel_id LIMIT 1
    ) AS n
)
SELECT l.lane, l.channel_id, c.kind,
       EXISTS (SELECT 1 FROM outbox_part p
               WHERE p.status = 'queued' AND p.lane = l.lane AND p.channel_id = l.channel_id
                 AND p.ready_at <= %(now)s),
       (SELECT p.ready_at FROM outbox_part p
        WHERE p.status = 'queued' AND p.lane = l.lane AND p.channel_id = l.channel_id
          AND p.ready_at > %(now)s
        ORDER BY p.ready_at LIMIT 1)
FROM lane l
CROSS JOIN LATERAL (
    SELECT k.kind FROM channel k
    WHERE k.outlet_id = l.outlet_id AND k.id = l.channel_id AND k.status <> 'broken' LIMIT 1
) AS c

-- name: lease
-- Of each lane the parts that have waited longest, and never one before its conversation's earlier.
-- (What was chosen passes through arrays: the planner then looks it up by key, whatever it believes.)
WITH chosen AS MATERIALIZED (
    SELECT array_agg(e.outlet_id) AS outlets, array_agg(e.id) AS ids
    FROM unnest(%(lanes)s::smallint[], %(channels)s::uuid[], %(counts)s::integer[])
         AS k (lane, channel_id, count)
    CROSS JOIN LATERAL (
        SELECT p.outlet_id, p.id FROM outbox_part p
        WHERE p.status = 'queued' AND p.lane = k.lane AND p.channel_id = k.channel_id
          AND p.ready_at <= %(now)s
          AND (p.lane = 0 OR NOT EXISTS (
              SELECT 1 FROM outbox_part b
              WHERE b.conversation_id = p.conversation_id AND b.n < p.n AND b.lane > 0
                AND (b.status IN ('queued', 'leased') OR b.look_at IS NOT NULL)))
        ORDER BY p.ready_at, p.n
        LIMIT k.count
        FOR UPDATE OF p SKIP LOCKED
    ) AS e
)
UPDATE outbox_part p SET status = 'leased', fence = p.fence + 1, lease_until = %(until)s
FROM chosen c CROSS JOIN LATERAL unnest(c.outlets, c.ids) AS k (outlet_id, id)
WHERE p.outlet_id = k.outlet_id AND p.id = k.id
RETURNING p.outlet_id, p.id, p.channel_id, p.conversation_id, p.thread, p.message_seq,
          p.payload::text, p.attempts, p.fence, p.created_at,
          CASE WHEN p.payload ? 'refers_to' THEN
              (SELECT r.vendor_id FROM outbox_part r
               WHERE r.outlet_id = p.outlet_id AND r.conversation_id = p.conversation_id
                 AND r.message_seq = (p.payload->>'refers_to')::integer
                 AND COALESCE(r.vendor_id, '') <> ''
               ORDER BY r.part DESC LIMIT 1) END,
          p.n, p.lane, p.looks, false,
          (SELECT c.kind FROM channel c
           WHERE c.outlet_id = p.outlet_id AND c.id = p.channel_id)

-- name: lease_doubtful
-- Parts whose vendor is to be asked now; whoever dies while asking leaves them to the next.
WITH chosen AS MATERIALIZED (
    SELECT array_agg(outlet_id) AS outlets, array_agg(id) AS ids
    FROM (SELECT q.outlet_id, q.id FROM outbox_part q
          WHERE q.look_at <= %(now)s ORDER BY q.look_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED) AS q
)
UPDATE outbox_part p SET fence = p.fence + 1, look_at = %(until)s
FROM chosen c CROSS JOIN LATERAL unnest(c.outlets, c.ids) AS k (outlet_id, id)
WHERE p.outlet_id = k.outlet_id AND p.id = k.id
RETURNING p.outlet_id, p.id, p.channel_id, p.conversation_id, p.thread, p.message_seq,
          p.payload::text, p.attempts, p.fence, p.created_at, NULL, p.n, p.lane, p.looks, true,
          (SELECT c.kind FROM channel c
           WHERE c.outlet_id = p.outlet_id AND c.id = p.channel_id)

-- name: limits
INSERT INTO rate_limit (scope, arrival_at)
SELECT scope, %(now)s FROM unnest(%(scopes)s::text[]) AS scope ORDER BY scope
ON CONFLICT (scope) DO UPDATE SET arrival_at = rate_limit.arrival_at
RETURNING scope, arrival_at

-- name: set_limits
UPDATE rate_limit r SET arrival_at = k.arrival_at
FROM unnest(%(scopes)s::text[], %(arrivals)s::timestamptz[]) AS k (scope, arrival_at)
WHERE r.scope = k.scope

-- name: hold_scopes
INSERT INTO rate_limit (scope, arrival_at)
SELECT k.scope, k.arrival_at
FROM unnest(%(scopes)s::text[], %(arrivals)s::timestamptz[]) WITH ORDINALITY
     AS k (scope, arrival_at, n)
ORDER BY k.n
ON CONFLICT (scope) DO UPDATE SET arrival_at = GREATEST(rate_limit.arrival_at, EXCLUDED.arrival_at)

-- name: forget_limits
DELETE FROM rate_limit WHERE arrival_at < %(before)s

-- name: forget_reports
DELETE FROM outbox_report WHERE received_at < %(before)s

-- name: give_back
-- What a chat's limit holds goes back, and all behind it waits as long: a lease need not look at it.
UPDATE outbox_part p
SET status = 'queued', lease_until = NULL, ready_at = GREATEST(p.ready_at, k.ready_at)
FROM unnest(%(conversations)s::uuid[], %(fences)s::bigint[], %(ids)s::uuid[],
            %(ready)s::timestamptz[]) AS k (conversation_id, fence, id, ready_at)
WHERE p.conversation_id = k.conversation_id AND p.lane > 0
  AND (p.status IN ('queued', 'leased') OR p.look_at IS NOT NULL)
  AND (p.status = 'queued' OR (p.id = k.id AND p.fence = k.fence AND p.status = 'leased'))

-- name: finish
-- ``locked`` keeps reports about the same messages apart: see ``lock_reports``.
WITH given AS (
    SELECT * FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[], %(fences)s::bigint[],
                         %(statuses)s::text[], %(attempts)s::smallint[], %(ready)s::timestamptz[],
                         %(vendor_ids)s::text[], %(errors)s::text[], %(finished)s::boolean[],
                         %(looks)s::smallint[], %(look_at)s::timestamptz[])
    AS g (outlet_id, id, fence, status, attempts, ready_at, vendor_id, error, finished, looks,
          look_at)
), locked AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(key) FROM unnest(%(keys)s::bigint[]) AS key
)
UPDATE outbox_part p
SET status = k.status, attempts = k.attempts, ready_at = k.ready_at, error = k.error,
    vendor_id = COALESCE(k.vendor_id, p.vendor_id), lease_until = NULL,
    finished_at = CASE WHEN k.finished THEN %(now)s::timestamptz END,
    looks = k.looks, look_at = k.look_at
FROM given k
WHERE (SELECT count(*) FROM locked) >= 0
  AND p.outlet_id = k.outlet_id AND p.id = k.id AND p.fence = k.fence
  AND p.status IN ('leased', 'unknown')
RETURNING p.id

-- name: lock_reports
SELECT pg_advisory_xact_lock(key) FROM unnest(%(keys)s::bigint[]) AS key

-- name: report
-- Merges what vendors say into the parts that are known by their vendor's id; answers with those.
WITH given AS (
    SELECT * FROM unnest(%(outlets)s::uuid[], %(channels)s::uuid[], %(vendor_ids)s::text[],
                         %(statuses)s::text[], %(errors)s::text[], %(below)s::text[])
    WITH ORDINALITY AS g (outlet_id, channel_id, vendor_id, status, error, below, n)
), known AS MATERIALIZED (
    SELECT g.n, g.status, g.error, p.outlet_id, p.id, p.channel_id, p.conversation_id,
           p.message_seq, COALESCE(p.payload->>'template', '') AS template,
           COALESCE(p.finished_at, p.created_at) AS at,
           p.status = ANY(string_to_array(g.below, ' ')) AS changes
    FROM given g
    JOIN outbox_part p ON p.outlet_id = g.outlet_id AND p.channel_id = g.channel_id
                      AND p.vendor_id = g.vendor_id
    ORDER BY p.outlet_id, p.id
    FOR UPDATE OF p
), changed AS (
    UPDATE outbox_part p
    SET status = k.status, error = NULLIF(k.error, ''), look_at = NULL,
        finished_at = COALESCE(p.finished_at, %(now)s::timestamptz)
    FROM known k
    WHERE k.changes AND p.outlet_id = k.outlet_id AND p.id = k.id
)
SELECT n, outlet_id, channel_id, conversation_id, id, message_seq, template, at, changes
FROM known ORDER BY n

-- name: keep_reports
INSERT INTO outbox_report (outlet_id, channel_id, vendor_id, status, error, consequence,
                           received_at)
SELECT k.*, %(now)s
FROM unnest(%(outlets)s::uuid[], %(channels)s::uuid[], %(vendor_ids)s::text[],
            %(statuses)s::text[], %(errors)s::text[], %(consequences)s::text[]) AS k
ON CONFLICT DO NOTHING

-- name: take_reports
DELETE FROM outbox_report r
USING unnest(%(outlets)s::uuid[], %(channels)s::uuid[], %(vendor_ids)s::text[])
      AS k (outlet_id, channel_id, vendor_id)
WHERE r.outlet_id = k.outlet_id AND r.channel_id = k.channel_id AND r.vendor_id = k.vendor_id
RETURNING r.outlet_id, r.channel_id, r.vendor_id, r.status, r.error, r.consequence

-- name: release
UPDATE outbox_part p SET status = 'queued', held_for = '', ready_at = %(now)s
FROM unnest(%(outlets)s::uuid[], %(conversations)s::uuid[]) AS k (outlet_id, conversation_id)
WHERE p.outlet_id = k.outlet_id AND p.conversation_id = k.conversation_id
  AND p.status = 'held' AND p.held_for = %(held_for)s

-- name: hold_back
-- A closed window: the refused part and all free text behind it wait, each in its old place.
UPDATE outbox_part p
SET status = 'held', held_for = %(held_for)s, attempts = 0, vendor_id = NULL, finished_at = NULL,
    lease_until = NULL, look_at = NULL, looks = 0, expires_at = %(until)s
WHERE p.outlet_id = %(outlet_id)s AND p.conversation_id = %(conversation_id)s
  AND p.message_seq > 0 AND NOT p.payload ? 'template'
  AND (p.status = 'queued' OR (p.id = %(id)s AND p.status = 'failed'))
RETURNING p.id

-- name: send_anew
UPDATE outbox_part
SET status = 'queued', attempts = 0, vendor_id = NULL, finished_at = NULL, ready_at = %(now)s
WHERE outlet_id = %(outlet_id)s AND id = %(id)s AND status = 'failed'

-- name: waiting
SELECT k.outlet_id, k.conversation_id
FROM unnest(%(outlets)s::uuid[], %(conversations)s::uuid[]) AS k (outlet_id, conversation_id)
WHERE EXISTS (SELECT 1 FROM outbox_part p
              WHERE p.outlet_id = k.outlet_id AND p.conversation_id = k.conversation_id
                AND p.status = 'held')

-- name: templated
SELECT 1 FROM outbox_part
WHERE outlet_id = %(outlet_id)s AND conversation_id = %(conversation_id)s
  AND message_seq = %(seq)s AND payload ? 'template'
LIMIT 1

-- name: standing
SELECT message_seq, status, CASE status WHEN 'held' THEN held_for ELSE COALESCE(error, '') END
FROM outbox_part
WHERE outlet_id = %(outlet_id)s AND conversation_id = %(conversation_id)s
  AND message_seq = ANY(%(seqs)s::integer[])
ORDER BY n

-- name: fail_rest
UPDATE outbox_part SET status = 'failed', error = %(reason)s, finished_at = %(now)s
WHERE outlet_id = %(outlet_id)s AND conversation_id = %(conversation_id)s AND status IN ('queued', 'held')

-- name: readdress
UPDATE outbox_part
SET thread = %(thread)s,
    payload = jsonb_set(payload, '{params,chat_id}', to_jsonb(%(thread)s::text))
WHERE outlet_id = %(outlet_id)s AND conversation_id = %(conversation_id)s
  AND status IN ('queued', 'held')

-- name: trouble
SELECT id, conversation_id, message_seq, payload->>'method', status, COALESCE(error, ''), created_at,
       held_for
FROM outbox_part
WHERE outlet_id = %(outlet_id)s AND status IN ('failed', 'unknown', 'expired', 'held')
ORDER BY n DESC
LIMIT %(limit)s

-- name: resend
UPDATE outbox_part
SET status = 'queued', attempts = 0, ready_at = %(now)s, finished_at = NULL, expires_at = NULL,
    vendor_id = NULL, look_at = NULL, looks = 0
WHERE outlet_id = %(outlet_id)s AND id = %(id)s AND status IN ('failed', 'unknown')
RETURNING pg_notify('outbox', '')

-- name: depth
SELECT count(*), extract(epoch FROM %(now)s - min(created_at))
FROM outbox_part WHERE status IN ('queued', 'leased')

-- name: known_ids
SELECT vendor_id FROM outbox_part
WHERE outlet_id = %(outlet_id)s AND channel_id = %(channel_id)s
  AND vendor_id = ANY (%(vendor_ids)s::text[])
