-- name: persons
-- Everybody of a segment once: either shown, the first of them, or frozen as recipients.
WITH persons AS MATERIALIZED (
    SELECT DISTINCT ON (COALESCE(l.person_id, c.contact_id))
           c.outlet_id, COALESCE(l.person_id, c.contact_id) AS person_id, c.id AS conversation_id
    FROM conversation c
    JOIN contact p ON p.outlet_id = c.outlet_id AND p.id = c.contact_id
    JOIN channel h ON h.outlet_id = c.outlet_id AND h.id = c.channel_id
    LEFT JOIN contact_link l ON l.outlet_id = c.outlet_id AND l.contact_id = c.contact_id
    WHERE c.outlet_id = %(outlet_id)s AND NOT c.is_group
      AND (cardinality(%(kinds)s::text[]) = 0 OR h.kind = ANY (%(kinds)s::text[]))
      AND (cardinality(%(languages)s::text[]) = 0 OR p.language = ANY (%(languages)s::text[]))
      AND (NOT %(by_orders)s::boolean OR %(never)s::boolean <> EXISTS (
          SELECT 1 FROM sales_order o
          WHERE o.outlet_id = c.outlet_id AND o.status <> 'cancelled'
            AND o.placed_at >= COALESCE(%(since)s::timestamptz, '-infinity')
            AND o.contact_id IN (
                SELECT c.contact_id
                UNION ALL
                SELECT m.contact_id FROM contact_link m
                WHERE m.outlet_id = l.outlet_id AND m.person_id = l.person_id)))
    ORDER BY COALESCE(l.person_id, c.contact_id), c.last_at DESC
), frozen AS (
    INSERT INTO broadcast_recipient (outlet_id, broadcast_id, person_id, conversation_id, due_at)
    SELECT outlet_id, %(broadcast_id)s::uuid, person_id, conversation_id, %(now)s::timestamptz
    FROM persons WHERE %(freeze)s::boolean
    ON CONFLICT (outlet_id, broadcast_id, person_id) DO NOTHING
)
SELECT conversation_id, count(*) OVER () FROM persons
WHERE NOT %(freeze)s::boolean
ORDER BY person_id
LIMIT %(limit)s

-- name: write_draft
INSERT INTO broadcast AS b (outlet_id, id, name, topic, texts, segment, counted, counted_at, status,
                            created_at)
VALUES (%(outlet_id)s, %(id)s, %(name)s, %(topic)s, %(texts)s::jsonb, %(segment)s::jsonb,
        %(counted)s::jsonb, %(now)s, 'draft', %(now)s)
ON CONFLICT (outlet_id, id) DO UPDATE
SET name = excluded.name, topic = excluded.topic, texts = excluded.texts,
    segment = excluded.segment, counted = excluded.counted, counted_at = excluded.counted_at
WHERE b.status = 'draft'

-- name: lock
SELECT outlet_id, id, name, topic, texts::text, segment::text, counted::text, counted_at, status,
       step_at, created_at, started_at, ended_at
FROM broadcast
WHERE outlet_id = %(outlet_id)s AND id = %(id)s
FOR UPDATE

-- name: move
UPDATE broadcast
SET status = %(status)s::text, step_at = %(step_at)s,
    ended_at = CASE WHEN %(status)s::text = 'cancelled' THEN %(now)s::timestamptz END
WHERE outlet_id = %(outlet_id)s AND id = %(id)s

-- name: claim
-- One worker has a broadcast until its step is committed; another one takes the next broadcast.
SELECT outlet_id, id, name, topic, texts::text, segment::text, counted::text, counted_at, status,
       step_at, created_at, started_at, ended_at
FROM broadcast
WHERE status IN ('scheduled', 'sending') AND step_at <= %(now)s
ORDER BY step_at
LIMIT 1
FOR UPDATE SKIP LOCKED

-- name: begin
UPDATE broadcast SET status = 'sending', started_at = %(now)s, step_at = %(now)s
WHERE outlet_id = %(outlet_id)s AND id = %(id)s

-- name: recipients
-- Whose turn it is. Who was joined since the start to somebody that has it, or comes before, is told
-- apart: one person gets it once, whatever they were when the segment was frozen.
SELECT r.person_id, r.conversation_id, p.language, EXISTS (
    SELECT 1 FROM contact_link mine
    JOIN contact_link theirs ON theirs.outlet_id = mine.outlet_id
                            AND theirs.person_id = mine.person_id
                            AND theirs.contact_id <> mine.contact_id
    JOIN conversation o ON o.outlet_id = theirs.outlet_id AND o.contact_id = theirs.contact_id
    JOIN broadcast_recipient d ON d.outlet_id = o.outlet_id AND d.broadcast_id = r.broadcast_id
                              AND (d.conversation_id = o.id OR d.sent_to = o.id)
    WHERE mine.outlet_id = c.outlet_id AND mine.contact_id = c.contact_id
      AND d.person_id <> r.person_id AND (d.status = 'sent' OR d.person_id < r.person_id))
FROM broadcast_recipient r
JOIN conversation c ON c.outlet_id = r.outlet_id AND c.id = r.conversation_id
JOIN contact p ON p.outlet_id = c.outlet_id AND p.id = c.contact_id
WHERE r.outlet_id = %(outlet_id)s AND r.broadcast_id = %(id)s AND r.status = 'waiting'
  AND r.due_at <= %(now)s
ORDER BY r.due_at, r.person_id
LIMIT %(limit)s

-- name: settle
UPDATE broadcast_recipient r
SET status = CASE WHEN k.sent_to IS NOT NULL THEN 'sent'
                  WHEN k.why <> '' THEN 'left_out' ELSE 'waiting' END,
    sent_to = k.sent_to, why = k.why, due_at = COALESCE(k.due_at, r.due_at),
    sent_at = CASE WHEN k.sent_to IS NOT NULL THEN %(now)s::timestamptz END
FROM unnest(%(persons)s::uuid[], %(sent_to)s::uuid[], %(whys)s::text[], %(due)s::timestamptz[])
     AS k (person_id, sent_to, why, due_at)
WHERE r.outlet_id = %(outlet_id)s AND r.broadcast_id = %(id)s AND r.person_id = k.person_id

-- name: place
-- Who said stop, or blocked us, after the step had decided got nothing: they are left out.
UPDATE broadcast_recipient r
SET message_seq = k.seq,
    status = CASE WHEN k.why = '' THEN r.status ELSE 'left_out' END, why = k.why,
    sent_to = CASE WHEN k.why = '' THEN r.sent_to END,
    sent_at = CASE WHEN k.why = '' THEN r.sent_at END
FROM unnest(%(outlets)s::uuid[], %(conversations)s::uuid[], %(broadcasts)s::uuid[],
            %(seqs)s::integer[], %(whys)s::text[])
     AS k (outlet_id, conversation_id, broadcast_id, seq, why)
WHERE r.outlet_id = k.outlet_id AND r.sent_to = k.conversation_id
  AND r.broadcast_id = k.broadcast_id

-- name: go_on
-- The next step comes when somebody is due; where nobody waits the broadcast is done.
UPDATE broadcast b
SET step_at = GREATEST(n.due_at, %(not_before)s::timestamptz),
    status = CASE WHEN n.due_at IS NULL THEN 'done' ELSE b.status END,
    ended_at = CASE WHEN n.due_at IS NULL THEN %(now)s::timestamptz END
FROM (SELECT min(due_at) AS due_at FROM broadcast_recipient
      WHERE outlet_id = %(outlet_id)s AND broadcast_id = %(id)s AND status = 'waiting') AS n
WHERE b.outlet_id = %(outlet_id)s AND b.id = %(id)s

-- name: put_off
UPDATE broadcast SET step_at = %(step_at)s
WHERE outlet_id = %(outlet_id)s AND id = %(id)s AND status IN ('scheduled', 'sending')

-- name: queued
-- How many bulk parts wait on the outlet's channels of each kind.
SELECT h.kind, count(*) FROM channel h
JOIN outbox_part p ON p.lane = 2 AND p.channel_id = h.id AND p.status = 'queued'
WHERE h.outlet_id = %(outlet_id)s
GROUP BY h.kind

-- name: broadcasts
SELECT outlet_id, id, name, topic, texts::text, segment::text, counted::text, counted_at, status,
       step_at, created_at, started_at, ended_at
FROM broadcast
WHERE outlet_id = %(outlet_id)s
ORDER BY created_at DESC
LIMIT %(limit)s

-- name: broadcast
SELECT outlet_id, id, name, topic, texts::text, segment::text, counted::text, counted_at, status,
       step_at, created_at, started_at, ended_at
FROM broadcast
WHERE outlet_id = %(outlet_id)s AND id = %(id)s

-- name: figures
-- The recipients by where they stand: a message stands where the slowest of its parts does, and one
-- without parts is on its page.
SELECT r.status, r.why, CASE WHEN r.status = 'sent' THEN COALESCE(s.status, 'page') ELSE '' END,
       count(*), count(*) FILTER (WHERE a.at <= r.sent_at + %(within)s::interval)
FROM broadcast_recipient r
LEFT JOIN LATERAL (
    SELECT p.status FROM outbox_part p
    WHERE p.outlet_id = r.outlet_id AND p.conversation_id = r.sent_to
      AND p.message_seq = r.message_seq AND p.message_seq > 0
    ORDER BY array_position(ARRAY['failed', 'expired', 'unknown', 'held', 'queued', 'leased',
                                  'sent', 'delivered', 'read'], p.status)
    LIMIT 1) AS s ON true
LEFT JOIN LATERAL (
    SELECT m.created_at AS at FROM message m
    WHERE m.outlet_id = r.outlet_id AND m.conversation_id = r.sent_to
      AND m.seq > r.message_seq AND m.direction = 'in'
    ORDER BY m.seq
    LIMIT 1) AS a ON true
WHERE r.outlet_id = %(outlet_id)s AND r.broadcast_id = %(id)s
GROUP BY 1, 2, 3
