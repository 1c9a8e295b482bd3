-- name: wait
INSERT INTO support_case AS s (outlet_id, conversation_id, waits_since)
SELECT k.*, %(now)s::timestamptz FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[]) AS k
ON CONFLICT (outlet_id, conversation_id) DO UPDATE SET waits_since = excluded.waits_since
WHERE s.waits_since IS NULL

-- name: answer
INSERT INTO support_answer (outlet_id, id, conversation_id, channel_id, operator_id, asked_at,
                            answered_at)
SELECT s.outlet_id, %(new_id)s, s.conversation_id, c.channel_id, %(operator_id)s, s.waits_since,
       %(now)s
FROM support_case s
JOIN conversation c ON c.outlet_id = s.outlet_id AND c.id = s.conversation_id
WHERE s.outlet_id = %(outlet_id)s AND s.conversation_id = %(id)s AND s.waits_since IS NOT NULL

-- name: settle
UPDATE support_case s SET waits_since = NULL
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[]) AS k (outlet_id, id)
WHERE s.outlet_id = k.outlet_id AND s.conversation_id = k.id AND s.waits_since IS NOT NULL

-- name: assign
INSERT INTO support_case AS s (outlet_id, conversation_id, assigned_to)
SELECT outlet_id, id, %(operator_id)s FROM conversation
WHERE outlet_id = %(outlet_id)s AND id = %(id)s
ON CONFLICT (outlet_id, conversation_id) DO UPDATE SET assigned_to = excluded.assigned_to

-- name: add_note
INSERT INTO support_note (outlet_id, id, conversation_id, operator_id, text, created_at)
SELECT outlet_id, %(note_id)s, id, %(operator_id)s, %(text)s, %(now)s FROM conversation
WHERE outlet_id = %(outlet_id)s AND id = %(id)s

-- name: notes
SELECT COALESCE(o.name, ''), n.text, n.created_at
FROM support_note n
LEFT JOIN membership o ON o.outlet_id = n.outlet_id AND o.id = n.operator_id
WHERE n.outlet_id = %(outlet_id)s AND n.conversation_id = %(id)s
ORDER BY n.created_at DESC
LIMIT %(limit)s

-- name: case
SELECT assigned_to, waits_since FROM support_case
WHERE outlet_id = %(outlet_id)s AND conversation_id = %(id)s

-- name: waiting
-- Who waits, the longest first.
SELECT c.id, c.channel_id, h.kind, p.name, p.username, p.phone, p.status, c.speaker, c.operator_id,
       c.last_at, c.last_text, c.last_seq, c.read_seq, s.waits_since, s.assigned_to
FROM support_case s
JOIN conversation c ON c.outlet_id = s.outlet_id AND c.id = s.conversation_id
JOIN contact p ON p.outlet_id = c.outlet_id AND p.id = c.contact_id
JOIN channel h ON h.outlet_id = c.outlet_id AND h.id = c.channel_id
WHERE s.outlet_id = %(outlet_id)s AND s.waits_since IS NOT NULL
  AND s.waits_since > %(after)s
  AND (s.assigned_to IS NULL OR NOT %(unassigned)s::boolean)
  AND (%(kind)s::text = '' OR h.kind = %(kind)s::text)
ORDER BY s.waits_since
LIMIT %(limit)s

-- name: assigned
SELECT c.id, c.channel_id, h.kind, p.name, p.username, p.phone, p.status, c.speaker, c.operator_id,
       c.last_at, c.last_text, c.last_seq, c.read_seq, s.waits_since, s.assigned_to
FROM support_case s
JOIN conversation c ON c.outlet_id = s.outlet_id AND c.id = s.conversation_id
JOIN contact p ON p.outlet_id = c.outlet_id AND p.id = c.contact_id
JOIN channel h ON h.outlet_id = c.outlet_id AND h.id = c.channel_id
WHERE s.outlet_id = %(outlet_id)s AND s.assigned_to = %(operator_id)s AND c.last_at < %(before)s
  AND (%(kind)s::text = '' OR h.kind = %(kind)s::text)
ORDER BY c.last_at DESC
LIMIT %(limit)s

-- name: figures
SELECT h.kind, count(*), percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (
           ORDER BY extract(epoch FROM a.answered_at - a.asked_at)::double precision)
FROM support_answer a
JOIN channel h ON h.outlet_id = a.outlet_id AND h.id = a.channel_id
WHERE a.outlet_id = %(outlet_id)s AND a.answered_at >= %(since)s
GROUP BY h.kind
ORDER BY h.kind

-- name: canned
SELECT shortcut, text FROM support_canned WHERE outlet_id = %(outlet_id)s ORDER BY shortcut

-- name: save_canned
INSERT INTO support_canned (outlet_id, shortcut, text)
VALUES (%(outlet_id)s, %(shortcut)s, %(text)s)
ON CONFLICT (outlet_id, shortcut) DO UPDATE SET text = excluded.text

-- name: remove_canned
DELETE FROM support_canned WHERE outlet_id = %(outlet_id)s AND shortcut = %(shortcut)s

-- name: last_order
SELECT number FROM sales_order
WHERE outlet_id = %(outlet_id)s
  AND contact_id = (SELECT contact_id FROM conversation
                    WHERE outlet_id = %(outlet_id)s AND id = %(id)s)
ORDER BY placed_at DESC
LIMIT 1

-- name: search_end
SELECT min(last_at) FROM (
    SELECT last_at FROM conversation
    WHERE outlet_id = %(outlet_id)s AND last_at < %(before)s
      AND last_minute <= %(before)s::timestamptz AT TIME ZONE 'UTC'
    ORDER BY last_minute DESC, last_at DESC
    LIMIT %(conversations)s) AS looked
HAVING count(*) = %(conversations)s

-- name: search
-- It looks through so many conversations and so many messages of each, whatever is asked for.
SELECT c.id, c.channel_id, h.kind, p.name, p.username, p.phone, p.status, c.speaker, c.operator_id,
       c.last_at, c.last_text, c.last_seq, c.read_seq
FROM (SELECT * FROM conversation
      WHERE outlet_id = %(outlet_id)s AND last_at < %(before)s
        AND last_minute <= %(before)s::timestamptz AT TIME ZONE 'UTC'
      ORDER BY last_minute DESC, last_at DESC
      LIMIT %(conversations)s) AS c
JOIN contact p ON p.outlet_id = c.outlet_id AND p.id = c.contact_id
JOIN channel h ON h.outlet_id = c.outlet_id AND h.id = c.channel_id
WHERE (%(kind)s::text = '' OR h.kind = %(kind)s::text)
  AND (strpos(lower(concat_ws(' ', p.name, '@' || p.username, p.phone)), lower(%(words)s)) > 0
       OR EXISTS (SELECT 1 FROM sales_order o
                  WHERE o.outlet_id = c.outlet_id AND o.number = %(number)s
                    AND o.conversation_id = c.id)
       OR EXISTS (SELECT 1 FROM message m
                  WHERE m.outlet_id = c.outlet_id AND m.conversation_id = c.id
                    AND m.seq > c.last_seq - %(messages)s
                    AND strpos(lower(m.content ->> 'text'), lower(%(words)s)) > 0))
ORDER BY c.last_at DESC

-- name: page
SELECT c.id AS conversation_id, c.channel_id, h.kind AS channel_kind,
       COALESCE(p.name, '') AS contact_name, p.status AS contact_status, c.speaker, c.last_at,
       COALESCE(c.last_text, '') AS last_text, c.last_seq, c.read_seq
FROM conversation c
JOIN contact p ON p.outlet_id = c.outlet_id AND p.id = c.contact_id
JOIN channel h ON h.outlet_id = c.outlet_id AND h.id = c.channel_id
WHERE c.outlet_id = %(outlet_id)s AND (c.last_at, c.id) < (%(before)s, %(before_id)s)
  AND c.last_minute <= %(before)s::timestamptz AT TIME ZONE 'UTC'
  AND (%(kind)s::text = '' OR h.kind = %(kind)s::text)
ORDER BY c.last_minute DESC, c.last_at DESC, c.id DESC
LIMIT %(limit)s

-- name: messages
SELECT m.seq, m.direction, m.author, m.content::text, m.created_at
FROM conversation c
LEFT JOIN LATERAL (
    SELECT * FROM message m
    WHERE m.outlet_id = c.outlet_id AND m.conversation_id = c.id AND m.seq > %(after)s
    ORDER BY m.seq
    LIMIT %(limit)s
) AS m ON true
WHERE c.outlet_id = %(outlet_id)s AND c.id = %(id)s
ORDER BY m.seq
