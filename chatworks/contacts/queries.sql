-- name: try_many
-- GCRA for many scopes at once: those that come back may go on, the others change nothing.
INSERT INTO rate_limit AS r (scope, arrival_at)
SELECT scope, %(now)s::timestamptz + %(interval)s::interval
FROM unnest(%(scopes)s::text[]) AS scope ORDER BY scope
ON CONFLICT (scope) DO UPDATE
SET arrival_at = GREATEST(r.arrival_at, %(now)s::timestamptz) + %(interval)s::interval
WHERE GREATEST(r.arrival_at, %(now)s::timestamptz) - %(tolerance)s::interval
      <= %(now)s::timestamptz
RETURNING scope

-- name: show_codes
INSERT INTO link_code (outlet_id, conversation_id, secret_hash, expires_at)
SELECT k.*, %(expires_at)s
FROM unnest(%(outlets)s::uuid[], %(conversations)s::uuid[], %(hashes)s::bytea[]) AS k
ON CONFLICT (outlet_id, conversation_id) DO UPDATE
SET secret_hash = excluded.secret_hash, expires_at = excluded.expires_at, used_at = NULL

-- name: shown
-- Who was shown a code that still counts, and how many contacts the two persons have together.
SELECT k.i, l.conversation_id, c.contact_id, c.channel_id, c.thread, h.kind,
       (SELECT count(*) FROM contact_link o
        WHERE o.outlet_id = k.outlet_id AND o.person_id IN (
            SELECT m.person_id FROM contact_link m
            WHERE m.outlet_id = k.outlet_id AND m.contact_id IN (k.contact_id, c.contact_id)))
FROM unnest(%(outlets)s::uuid[], %(hashes)s::bytea[], %(contacts)s::uuid[])
     WITH ORDINALITY AS k (outlet_id, secret_hash, contact_id, i)
JOIN link_code l ON l.outlet_id = k.outlet_id AND l.secret_hash = k.secret_hash
                AND l.used_at IS NULL AND l.expires_at > %(now)s
JOIN conversation c ON c.outlet_id = l.outlet_id AND c.id = l.conversation_id
JOIN channel h ON h.outlet_id = c.outlet_id AND h.id = c.channel_id

-- name: spend
-- Exactly one transaction gets a code back; one that waited for it finds it used.
UPDATE link_code l SET used_at = %(now)s
FROM unnest(%(outlets)s::uuid[], %(hashes)s::bytea[]) AS k (outlet_id, secret_hash)
WHERE l.outlet_id = k.outlet_id AND l.secret_hash = k.secret_hash
  AND l.used_at IS NULL AND l.expires_at > %(now)s
RETURNING l.outlet_id, l.secret_hash

-- name: lock_persons
-- Joining reads and writes whole persons: one transaction at a time in an outlet, in their order.
SELECT pg_advisory_xact_lock(%(space)s, key)
FROM (SELECT DISTINCT hashtext(id::text) AS key FROM unnest(%(outlets)s::uuid[]) AS id
      ORDER BY 1) AS o

-- name: persons
-- Everybody who is one person with these contacts.
SELECT o.outlet_id, o.contact_id, o.person_id FROM contact_link o
WHERE (o.outlet_id, o.person_id) IN (
    SELECT l.outlet_id, l.person_id
    FROM unnest(%(outlets)s::uuid[], %(contacts)s::uuid[]) AS k (outlet_id, contact_id)
    JOIN contact_link l ON l.outlet_id = k.outlet_id AND l.contact_id = k.contact_id)

-- name: join_persons
INSERT INTO contact_link (outlet_id, contact_id, person_id, linked_at)
SELECT k.*, %(now)s
FROM unnest(%(outlets)s::uuid[], %(contacts)s::uuid[], %(persons)s::uuid[]) AS k
ON CONFLICT (outlet_id, contact_id) DO UPDATE SET person_id = excluded.person_id

-- name: leave_persons
DELETE FROM contact_link l
USING unnest(%(outlets)s::uuid[], %(contacts)s::uuid[]) AS k (outlet_id, contact_id)
WHERE l.outlet_id = k.outlet_id AND l.contact_id = k.contact_id

-- name: agreed
SELECT k.i, a.purpose, a.given, a.n
FROM unnest(%(outlets)s::uuid[], %(contacts)s::uuid[]) WITH ORDINALITY AS k (outlet_id, contact_id, i)
JOIN LATERAL (
    SELECT DISTINCT ON (c.purpose) c.purpose, c.given, c.n FROM consent c
    WHERE c.outlet_id = k.outlet_id AND c.contact_id = k.contact_id
    ORDER BY c.purpose, c.n DESC) AS a ON true

-- name: log_consent
INSERT INTO consent (outlet_id, contact_id, n, purpose, given, source, wording, version, at)
SELECT k.*, %(now)s
FROM unnest(%(outlets)s::uuid[], %(contacts)s::uuid[], %(ns)s::integer[], %(purposes)s::text[],
            %(givens)s::boolean[], %(sources)s::text[], %(wordings)s::text[], %(versions)s::text[])
     AS k

-- name: consents
SELECT purpose, given, source, wording, version, at FROM consent
WHERE outlet_id = %(outlet_id)s AND contact_id = %(contact_id)s
ORDER BY n DESC
LIMIT %(limit)s

-- name: candidates
-- The conversations of the persons behind others; of groups only the one that was asked for.
WITH wished AS MATERIALIZED (
    SELECT k.i, k.outlet_id, k.conversation_id, c.contact_id, l.person_id
    FROM unnest(%(outlets)s::uuid[], %(conversations)s::uuid[])
         WITH ORDINALITY AS k (outlet_id, conversation_id, i)
    JOIN conversation c ON c.outlet_id = k.outlet_id AND c.id = k.conversation_id
    LEFT JOIN contact_link l ON l.outlet_id = c.outlet_id AND l.contact_id = c.contact_id
), theirs AS MATERIALIZED (
    SELECT i, outlet_id, conversation_id, contact_id FROM wished
    UNION
    SELECT w.i, w.outlet_id, w.conversation_id, o.contact_id
    FROM wished w
    JOIN contact_link o ON o.outlet_id = w.outlet_id AND o.person_id = w.person_id
)
SELECT t.i, c.id, c.channel_id, h.kind, p.status, COALESCE(p.phone, ''),
       COALESCE((SELECT a.given FROM consent a
                 WHERE a.outlet_id = p.outlet_id AND a.contact_id = p.id
                   AND a.purpose = 'marketing' ORDER BY a.n DESC LIMIT 1), false),
       (SELECT m.created_at FROM message m
        WHERE m.outlet_id = c.outlet_id AND m.conversation_id = c.id AND m.direction = 'in'
        ORDER BY m.seq DESC LIMIT 1), c.heard_at
FROM theirs t
JOIN contact p ON p.outlet_id = t.outlet_id AND p.id = t.contact_id
JOIN conversation c ON c.outlet_id = p.outlet_id AND c.contact_id = p.id
                   AND (NOT c.is_group OR c.id = t.conversation_id)
JOIN channel h ON h.outlet_id = c.outlet_id AND h.id = c.channel_id
ORDER BY t.i, c.id

-- name: add_routes
INSERT INTO route (outlet_id, id, conversation_id, at_home, purpose, message, status, due_at, sent_to,
                   decision, created_at, changed_at)
SELECT k.outlet_id, k.id, k.conversation_id, k.at_home, k.purpose, k.message::jsonb, k.status,
       k.due_at, k.sent_to, k.decision::jsonb, %(now)s, %(now)s
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[], %(conversations)s::uuid[], %(homes)s::boolean[],
            %(purposes)s::text[], %(messages)s::text[], %(statuses)s::text[],
            %(due)s::timestamptz[], %(sent_to)s::uuid[], %(decisions)s::text[])
     AS k (outlet_id, id, conversation_id, at_home, purpose, message, status, due_at, sent_to, decision)

-- name: change_routes
UPDATE route r
SET status = k.status, due_at = k.due_at, sent_to = k.sent_to, message_seq = NULL,
    tried = k.tried::uuid[], decision = k.decision::jsonb, changed_at = %(now)s
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[], %(statuses)s::text[], %(due)s::timestamptz[],
            %(sent_to)s::uuid[], %(tried)s::text[], %(decisions)s::text[])
     AS k (outlet_id, id, status, due_at, sent_to, tried, decision)
WHERE r.outlet_id = k.outlet_id AND r.id = k.id

-- name: forget_routes
-- What waits is kept, however much came after it.
DELETE FROM route r
USING unnest(%(outlets)s::uuid[], %(conversations)s::uuid[]) AS k (outlet_id, conversation_id)
WHERE r.outlet_id = k.outlet_id AND r.conversation_id = k.conversation_id AND r.status <> 'held'
  AND r.id < (SELECT o.id FROM route o
              WHERE o.outlet_id = k.outlet_id AND o.conversation_id = k.conversation_id
              ORDER BY o.id DESC OFFSET %(kept)s - 1 LIMIT 1)

-- name: place_routes
UPDATE route r SET message_seq = k.seq
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[], %(seqs)s::integer[]) AS k (outlet_id, id, seq)
WHERE r.outlet_id = k.outlet_id AND r.id = k.id

-- name: due_routes
SELECT outlet_id, id, conversation_id, at_home, purpose, message::text, status, decision::text,
       due_at, sent_to, message_seq, tried
FROM route
WHERE status = 'held' AND due_at <= %(now)s
ORDER BY due_at
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED

-- name: failed_routes
-- Of the messages that routes sent to these conversations, those of which a part has failed.
SELECT r.outlet_id, r.id, r.conversation_id, r.at_home, r.purpose, r.message::text, r.status,
       r.decision::text, r.due_at, r.sent_to, r.message_seq, r.tried
FROM unnest(%(outlets)s::uuid[], %(conversations)s::uuid[]) AS k (outlet_id, conversation_id)
JOIN route r ON r.outlet_id = k.outlet_id AND r.sent_to = k.conversation_id AND r.status = 'sent'
WHERE EXISTS (SELECT 1 FROM outbox_part p
              WHERE p.outlet_id = r.outlet_id AND p.conversation_id = r.sent_to
                AND p.message_seq = r.message_seq AND p.status = 'failed')
ORDER BY r.outlet_id, r.id
FOR UPDATE OF r

-- name: routes_of
SELECT outlet_id, id, conversation_id, at_home, purpose, message::text, status, decision::text,
       due_at, sent_to, message_seq, tried, changed_at
FROM route
WHERE outlet_id = %(outlet_id)s
  AND (conversation_id = %(conversation_id)s OR sent_to = %(conversation_id)s)
ORDER BY id DESC
LIMIT %(limit)s

-- name: addresses
SELECT c.outlet_id, c.id, c.channel_id, c.thread
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[]) AS k (outlet_id, id)
JOIN conversation c ON c.outlet_id = k.outlet_id AND c.id = k.id
