-- name: queue
INSERT INTO outbox_part (outlet_id, id, channel_id, conversation_id, thread, message_seq, part,
                         urgent, payload, status, ready_at, expires_at, created_at)
SELECT k.outlet_id, k.id, k.channel_id, k.conversation_id, k.thread, k.message_seq, k.part,
       k.urgent, k.payload::jsonb, 'queued', k.ready_at, k.expires_at, %(now)s
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[], %(channels)s::uuid[], %(conversations)s::uuid[],
            %(threads)s::text[], %(seqs)s::integer[], %(parts)s::smallint[], %(urgent)s::boolean[],
            %(payloads)s::text[], %(ready)s::timestamptz[], %(expires)s::timestamptz[])
     WITH ORDINALITY
     AS k (outlet_id, id, channel_id, conversation_id, thread, message_seq, part, urgent, payload,
           ready_at, expires_at, n)
ORDER BY k.n

-- name: expire
UPDATE outbox_part SET status = 'expired', finished_at = %(now)s, error = 'too late to send'
WHERE status = 'queued' AND expires_at <= %(now)s

-- name: recover
-- A sender died with these in its hands: they may have been sent.
UPDATE outbox_part
SET status = CASE WHEN payload->>'method' = ANY(%(repeatable)s) THEN 'queued' ELSE 'unknown' END,
    finished_at = CASE WHEN payload->>'method' = ANY(%(repeatable)s) THEN NULL ELSE %(now)s END,
    error = 'the sender stopped before the answer came', attempts = attempts + 1
WHERE status = 'leased' AND lease_until <= %(now)s

-- name: eligible
SELECT p.outlet_id, p.id, p.channel_id, p.conversation_id, p.thread, p.message_seq, p.payload::text,
       p.attempts, p.fence + 1, p.created_at,
       (SELECT r.vendor_id FROM outbox_part r
        WHERE r.outlet_id = p.outlet_id AND r.conversation_id = p.conversation_id
          AND r.message_seq = (p.payload->>'refers_to')::integer AND r.vendor_id IS NOT NULL
        ORDER BY r.part DESC LIMIT 1)
FROM outbox_part p
WHERE p.status = 'queued' AND p.ready_at <= %(now)s
  AND p.channel_id <> ALL (ARRAY(SELECT c.id FROM channel c WHERE c.status = 'broken'))
  AND (p.urgent OR NOT EXISTS (
      SELECT 1 FROM outbox_part e
      WHERE e.conversation_id = p.conversation_id AND e.n < p.n AND NOT e.urgent
        AND e.status IN ('queued', 'leased')))
ORDER BY p.urgent DESC, p.n
LIMIT %(limit)s
FOR UPDATE OF p SKIP LOCKED

-- name: limits
INSERT INTO rate_limit (scope, arrival_at)
SELECT scope, %(now)s FROM unnest(%(scopes)s::text[]) AS scope ORDER BY scope
ON CONFLICT (scope) DO UPDATE SET arrival_at = rate_limit.arrival_at
RETURNING scope, arrival_at

-- name: set_limits
UPDATE rate_limit r SET arrival_at = k.arrival_at
FROM unnest(%(scopes)s::text[], %(arrivals)s::timestamptz[]) AS k (scope, arrival_at)
WHERE r.scope = k.scope

-- name: hold_scope
INSERT INTO rate_limit (scope, arrival_at) VALUES (%(scope)s, %(arrival)s)
ON CONFLICT (scope) DO UPDATE SET arrival_at = GREATEST(rate_limit.arrival_at, %(arrival)s)

-- name: forget_limits
DELETE FROM rate_limit WHERE arrival_at < %(before)s

-- name: postpone
UPDATE outbox_part p SET ready_at = k.ready_at
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[], %(ready)s::timestamptz[])
     AS k (outlet_id, id, ready_at)
WHERE p.outlet_id = k.outlet_id AND p.id = k.id

-- name: lease
UPDATE outbox_part p SET status = 'leased', fence = p.fence + 1, lease_until = %(until)s
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[]) AS k (outlet_id, id)
WHERE p.outlet_id = k.outlet_id AND p.id = k.id

-- name: finish
UPDATE outbox_part p
SET status = k.status, attempts = k.attempts, ready_at = k.ready_at, error = k.error,
    vendor_id = COALESCE(k.vendor_id, p.vendor_id), lease_until = NULL,
    finished_at = CASE WHEN k.finished THEN %(now)s::timestamptz END
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[], %(fences)s::bigint[], %(statuses)s::text[],
            %(attempts)s::smallint[], %(ready)s::timestamptz[], %(vendor_ids)s::text[],
            %(errors)s::text[], %(finished)s::boolean[])
     AS k (outlet_id, id, fence, status, attempts, ready_at, vendor_id, error, finished)
WHERE p.outlet_id = k.outlet_id AND p.id = k.id AND p.fence = k.fence AND p.status = 'leased'
RETURNING p.id

-- name: fail_rest
UPDATE outbox_part SET status = 'failed', error = %(reason)s, finished_at = %(now)s
WHERE outlet_id = %(outlet_id)s AND conversation_id = %(conversation_id)s AND status = 'queued'

-- name: readdress
UPDATE outbox_part
SET thread = %(thread)s,
    payload = jsonb_set(payload, '{params,chat_id}', to_jsonb(%(thread)s::text))
WHERE outlet_id = %(outlet_id)s AND conversation_id = %(conversation_id)s AND status = 'queued'

-- name: next_ready
-- What is ready and yet was not leased waits behind a part in flight, whose landing wakes us.
SELECT min(ready_at) FROM outbox_part
WHERE status = 'queued' AND ready_at > %(now)s
  AND channel_id <> ALL (ARRAY(SELECT c.id FROM channel c WHERE c.status = 'broken'))

-- name: trouble
SELECT id, conversation_id, message_seq, payload->>'method', status, COALESCE(error, ''), created_at
FROM outbox_part
WHERE outlet_id = %(outlet_id)s AND status IN ('failed', 'unknown', 'expired')
ORDER BY n DESC
LIMIT %(limit)s

-- name: resend
UPDATE outbox_part
SET status = 'queued', attempts = 0, ready_at = %(now)s, finished_at = NULL, expires_at = NULL
WHERE outlet_id = %(outlet_id)s AND id = %(id)s AND status IN ('failed', 'unknown')
RETURNING pg_notify('outbox', '')

-- name: depth
SELECT count(*), extract(epoch FROM %(now)s - min(created_at))
FROM outbox_part WHERE status IN ('queued', 'leased')
