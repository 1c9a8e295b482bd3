-- name: load
SELECT k.n, c.outlet_id, c.id, c.contact_id, c.is_group, c.speaker, c.operator_id, c.speaker_until,
       p.vendor_id, p.name, p.username, p.phone, p.language, p.status, c.offered,
       d.id, d.applet, d.version, d.command, d.language, d.settings::text, d.start::text,
       d.started_at, d.pages, d.asked_seq,
       (SELECT string_agg(j.entries::text, ',' ORDER BY j.page)
        FROM journal j WHERE j.outlet_id = d.outlet_id AND j.dialogue_id = d.id)
FROM unnest(%(outlets)s::uuid[], %(channels)s::uuid[], %(threads)s::text[])
     WITH ORDINALITY AS k (outlet_id, channel_id, thread, n)
JOIN conversation c ON c.outlet_id = k.outlet_id AND c.channel_id = k.channel_id
                   AND c.thread = k.thread
JOIN contact p ON p.outlet_id = c.outlet_id AND p.id = c.contact_id
LEFT JOIN dialogue d ON d.outlet_id = c.outlet_id AND d.id = c.dialogue_id

-- name: arriving
-- Dialogues that another conversation has handed over to these.
SELECT d.id, d.applet, d.version, d.command, d.language, d.settings::text, d.start::text,
       d.started_at, d.pages, d.asked_seq,
       (SELECT string_agg(j.entries::text, ',' ORDER BY j.page)
        FROM journal j WHERE j.outlet_id = d.outlet_id AND j.dialogue_id = d.id)
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[], %(conversations)s::uuid[])
     AS k (outlet_id, id, conversation_id)
JOIN dialogue d ON d.outlet_id = k.outlet_id AND d.id = k.id
               AND d.conversation_id = k.conversation_id AND d.status = 'waiting'

-- name: add_contacts
INSERT INTO contact (outlet_id, id, channel_id, vendor_id, name, username, phone, language, status,
                     created_at, phone_proof, phone_proved_at)
SELECT k.*, %(now)s, CASE WHEN k.phone IS NOT NULL THEN 'messenger' END,
       CASE WHEN k.phone IS NOT NULL THEN %(now)s::timestamptz END
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[], %(channels)s::uuid[], %(vendor_ids)s::text[],
            %(names)s::text[], %(usernames)s::text[], %(phones)s::text[], %(languages)s::text[],
            %(statuses)s::text[])
     AS k (outlet_id, id, channel_id, vendor_id, name, username, phone, language, status)

-- name: change_contacts
UPDATE contact p
SET name = k.name, username = k.username, phone = COALESCE(k.phone, p.phone),
    phone_proof = CASE WHEN k.phone IS NULL THEN p.phone_proof ELSE 'messenger' END,
    phone_proved_at = CASE WHEN COALESCE(k.phone, p.phone) IS NOT DISTINCT FROM p.phone
                           THEN p.phone_proved_at ELSE %(now)s END,
    language = k.language, status = k.status
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[], %(names)s::text[], %(usernames)s::text[],
            %(phones)s::text[], %(languages)s::text[], %(statuses)s::text[])
     AS k (outlet_id, id, name, username, phone, language, status)
WHERE p.outlet_id = k.outlet_id AND p.id = k.id

-- name: add_conversations
INSERT INTO conversation (outlet_id, id, channel_id, contact_id, thread, thread_key, is_group,
                          last_at, created_at)
SELECT k.*, %(now)s, %(now)s
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[], %(channels)s::uuid[], %(contacts)s::uuid[],
            %(threads)s::text[], %(thread_keys)s::bigint[], %(groups)s::boolean[]) AS k

-- name: hold
-- Conversations are locked in key order, after all business rows: everybody takes them so.
SELECT c.id, c.last_seq, c.channel_id, c.thread, c.is_group, p.status, p.language, c.heard_at
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[]) AS k (outlet_id, id)
JOIN conversation c ON c.outlet_id = k.outlet_id AND c.id = k.id
JOIN contact p ON p.outlet_id = c.outlet_id AND p.id = c.contact_id
ORDER BY c.outlet_id, c.id
FOR UPDATE OF c

-- name: advance
UPDATE conversation c
SET last_seq = k.last_seq,
    last_at = CASE WHEN k.last_text IS NULL THEN c.last_at ELSE %(now)s::timestamptz END,
    last_text = COALESCE(k.last_text, c.last_text),
    speaker = CASE WHEN k.turned THEN k.speaker ELSE c.speaker END,
    operator_id = CASE WHEN k.turned THEN k.operator_id ELSE c.operator_id END,
    speaker_until = CASE WHEN k.turned THEN k.until ELSE c.speaker_until END,
    dialogue_id = CASE WHEN k.turned THEN k.dialogue_id ELSE c.dialogue_id END,
    offered = COALESCE(k.offered, c.offered),
    heard_at = CASE WHEN k.heard THEN %(now)s::timestamptz ELSE c.heard_at END
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[], %(seqs)s::integer[], %(last_texts)s::text[],
            %(turned)s::boolean[], %(speakers)s::text[], %(operators)s::uuid[],
            %(untils)s::timestamptz[], %(dialogues)s::uuid[], %(offered)s::text[],
            %(heard)s::boolean[])
     AS k (outlet_id, id, last_seq, last_text, turned, speaker, operator_id, until, dialogue_id,
           offered, heard)
WHERE c.outlet_id = k.outlet_id AND c.id = k.id

-- name: add_dialogues
INSERT INTO dialogue (outlet_id, id, conversation_id, applet, version, command, language, settings,
                      start, status, pages, steps, asked_seq, started_at, ended_at)
SELECT k.outlet_id, k.id, k.conversation_id, k.applet, k.version, k.command, k.language,
       k.settings::jsonb, k.start::jsonb, k.status, k.pages, k.steps, k.asked_seq, k.started_at,
       k.ended_at
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[], %(conversations)s::uuid[], %(applets)s::text[],
            %(versions)s::text[], %(commands)s::text[], %(languages)s::text[],
            %(settings)s::text[], %(starts)s::text[], %(statuses)s::text[], %(pages)s::integer[],
            %(steps)s::integer[], %(asked)s::integer[], %(started)s::timestamptz[],
            %(ended)s::timestamptz[])
     AS k (outlet_id, id, conversation_id, applet, version, command, language, settings, start,
           status, pages, steps, asked_seq, started_at, ended_at)

-- name: change_dialogues
UPDATE dialogue d
SET status = k.status, pages = k.pages, steps = k.steps, asked_seq = k.asked_seq,
    ended_at = k.ended_at, version = k.version,
    conversation_id = COALESCE(k.moved_to, d.conversation_id)
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[], %(statuses)s::text[], %(pages)s::integer[],
            %(steps)s::integer[], %(asked)s::integer[], %(ended)s::timestamptz[],
            %(versions)s::text[], %(moved)s::uuid[])
     AS k (outlet_id, id, status, pages, steps, asked_seq, ended_at, version, moved_to)
WHERE d.outlet_id = k.outlet_id AND d.id = k.id

-- name: clear_journals
DELETE FROM journal j
USING unnest(%(outlets)s::uuid[], %(dialogues)s::uuid[]) AS k (outlet_id, dialogue_id)
WHERE j.outlet_id = k.outlet_id AND j.dialogue_id = k.dialogue_id

-- name: add_journal
INSERT INTO journal (outlet_id, dialogue_id, page, entries)
SELECT k.outlet_id, k.dialogue_id, k.page, k.entries::json
FROM unnest(%(outlets)s::uuid[], %(dialogues)s::uuid[], %(pages)s::integer[], %(entries)s::text[])
     AS k (outlet_id, dialogue_id, page, entries)

-- name: add_messages
INSERT INTO message (outlet_id, conversation_id, seq, direction, author, content, event_id,
                     created_at)
SELECT k.outlet_id, k.conversation_id, k.seq, k.direction, k.author, k.content::json, k.event_id,
       %(now)s
FROM unnest(%(outlets)s::uuid[], %(conversations)s::uuid[], %(seqs)s::integer[],
            %(directions)s::text[], %(authors)s::text[], %(contents)s::text[],
            %(events)s::bigint[])
     AS k (outlet_id, conversation_id, seq, direction, author, content, event_id)

-- name: add_timers
INSERT INTO timer (outlet_id, id, source, thread, dialogue_id, step, due_at)
SELECT * FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[], %(sources)s::uuid[],
                     %(threads)s::text[], %(dialogues)s::uuid[], %(steps)s::integer[],
                     %(due)s::timestamptz[])

-- name: for_command
SELECT k.n, c.thread_key, c.speaker, p.status, p.language, p.id, c.operator_id, c.speaker_until,
       COALESCE(o.name, '')
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[]) WITH ORDINALITY AS k (outlet_id, id, n)
JOIN conversation c ON c.outlet_id = k.outlet_id AND c.id = k.id
JOIN contact p ON p.outlet_id = c.outlet_id AND p.id = c.contact_id
LEFT JOIN membership o ON o.outlet_id = c.outlet_id AND o.id = c.operator_id

-- name: lock_threads
SELECT pg_advisory_xact_lock(key) FROM unnest(%(keys)s::bigint[]) AS key ORDER BY key

-- name: set_speaker
UPDATE conversation c
SET speaker = k.speaker, operator_id = k.operator_id, speaker_until = k.until
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[], %(speakers)s::text[], %(operators)s::uuid[],
            %(untils)s::timestamptz[]) AS k (outlet_id, id, speaker, operator_id, until)
WHERE c.outlet_id = k.outlet_id AND c.id = k.id

-- name: end_leases
-- A conversation in whose turn somebody is, and one that somebody writes, are left for the next
-- look: nobody waits here, and so nobody waits for us. Who waits for a person: nobody came, or the
-- last word was theirs.
WITH due AS MATERIALIZED (
    SELECT c.outlet_id, c.id, c.thread_key FROM conversation c
    WHERE c.speaker = 'human' AND c.speaker_until <= %(now)s
    ORDER BY c.speaker_until
    LIMIT %(limit)s
), quiet AS MATERIALIZED (
    SELECT outlet_id, id FROM due WHERE pg_try_advisory_xact_lock(thread_key)
), ended AS MATERIALIZED (
    SELECT c.outlet_id, c.id, c.operator_id, c.contact_id
    FROM quiet q
    JOIN conversation c ON c.outlet_id = q.outlet_id AND c.id = q.id
    WHERE c.speaker = 'human' AND c.speaker_until <= %(now)s
    FOR UPDATE OF c SKIP LOCKED
), freed AS (
    UPDATE conversation c SET speaker = 'bot', operator_id = NULL, speaker_until = NULL
    FROM ended e WHERE c.outlet_id = e.outlet_id AND c.id = e.id
)
SELECT e.outlet_id, e.id, e.operator_id, p.language,
       e.operator_id IS NULL
       OR (SELECT m.direction FROM message m
           WHERE m.outlet_id = e.outlet_id AND m.conversation_id = e.id
           ORDER BY m.seq DESC LIMIT 1) = 'in'
FROM ended e
JOIN contact p ON p.outlet_id = e.outlet_id AND p.id = e.contact_id

-- name: mark_read
UPDATE conversation SET read_seq = LEAST(last_seq, %(seq)s)
WHERE outlet_id = %(outlet_id)s AND id = %(id)s AND read_seq < LEAST(last_seq, %(seq)s)

-- name: set_contact_status
UPDATE contact p SET status = %(status)s
FROM conversation c
WHERE c.outlet_id = %(outlet_id)s AND c.id = %(id)s
  AND p.outlet_id = c.outlet_id AND p.id = c.contact_id AND p.status <> 'stopped'

-- name: close_window
-- What the person wrote after the refused message was sent has opened the window again.
UPDATE conversation SET heard_at = NULL
WHERE outlet_id = %(outlet_id)s AND id = %(id)s AND heard_at <= %(at)s

-- name: said
SELECT content::text FROM message
WHERE outlet_id = %(outlet_id)s AND conversation_id = %(id)s AND seq = %(seq)s
  AND direction = 'out'

-- name: move_thread
-- Somebody may have written in the chat of the new id before we heard of it: then that one goes on.
WITH moved AS (
    UPDATE conversation c SET thread = %(thread)s, thread_key = %(thread_key)s
    FROM conversation was
    WHERE c.outlet_id = %(outlet_id)s AND c.id = %(id)s
      AND was.outlet_id = c.outlet_id AND was.id = c.id
      AND NOT EXISTS (SELECT 1 FROM conversation o
                      WHERE o.outlet_id = c.outlet_id AND o.channel_id = c.channel_id
                        AND o.thread = %(thread)s)
    RETURNING c.outlet_id, c.channel_id, was.thread
)
UPDATE timer t SET thread = %(thread)s
FROM moved m
WHERE t.outlet_id = m.outlet_id AND t.source = m.channel_id AND t.thread = m.thread

-- name: adopt
WITH k AS (
    SELECT * FROM unnest(%(outlets)s::uuid[], %(channels)s::uuid[], %(aliases)s::text[],
                         %(threads)s::text[], %(thread_keys)s::bigint[])
    AS k (outlet_id, channel_id, alias, thread, thread_key)
), moved AS (
    UPDATE conversation c SET thread = k.thread, thread_key = k.thread_key
    FROM k
    WHERE c.outlet_id = k.outlet_id AND c.channel_id = k.channel_id AND c.thread = k.alias
    RETURNING c.outlet_id, c.channel_id, c.contact_id, k.alias, k.thread
), renamed AS (
    UPDATE contact p SET vendor_id = m.thread FROM moved m
    WHERE p.outlet_id = m.outlet_id AND p.id = m.contact_id
)
UPDATE timer t SET thread = m.thread FROM moved m
WHERE t.outlet_id = m.outlet_id AND t.source = m.channel_id AND t.thread = m.alias

-- name: latest
SELECT c.id, c.channel_id, h.kind, p.name, p.username, p.phone, p.status, c.speaker, c.operator_id,
       c.last_at, c.last_text, c.last_seq, c.read_seq
FROM conversation c
JOIN contact p ON p.outlet_id = c.outlet_id AND p.id = c.contact_id
JOIN channel h ON h.outlet_id = c.outlet_id AND h.id = c.channel_id
WHERE c.outlet_id = %(outlet_id)s AND c.last_at < %(before)s
  AND c.last_minute <= %(before)s::timestamptz AT TIME ZONE 'UTC'
  AND (%(kind)s::text = '' OR h.kind = %(kind)s::text)
ORDER BY c.last_minute DESC, c.last_at DESC
LIMIT %(limit)s

-- name: one
SELECT c.id, c.channel_id, h.kind, p.name, p.username, p.phone, p.status, c.speaker, c.operator_id,
       c.last_at, c.last_text, c.last_seq, c.read_seq, p.language, c.speaker_until,
       c.seen_seq, c.thread, COALESCE(o.name, '') AS holder
FROM conversation c
JOIN contact p ON p.outlet_id = c.outlet_id AND p.id = c.contact_id
JOIN channel h ON h.outlet_id = c.outlet_id AND h.id = c.channel_id
LEFT JOIN membership o ON o.outlet_id = c.outlet_id AND o.id = c.operator_id
WHERE c.outlet_id = %(outlet_id)s AND c.id = %(id)s

-- name: by_thread
SELECT c.id, p.language
FROM conversation c
JOIN contact p ON p.outlet_id = c.outlet_id AND p.id = c.contact_id
WHERE c.outlet_id = %(outlet_id)s AND c.channel_id = %(channel_id)s AND c.thread = %(thread)s

-- name: history
SELECT seq, direction, author, content::text, created_at
FROM message
WHERE outlet_id = %(outlet_id)s AND conversation_id = %(id)s AND seq > %(after)s
ORDER BY seq
LIMIT %(limit)s

-- name: tail
SELECT * FROM (
    SELECT seq, direction, author, content::text, created_at
    FROM message
    WHERE outlet_id = %(outlet_id)s AND conversation_id = %(id)s
    ORDER BY seq DESC
    LIMIT %(limit)s
) AS newest
ORDER BY seq

-- name: journals
SELECT d.id, d.applet, d.version, d.command, d.language, d.settings::text, d.start::text, d.status,
       (SELECT string_agg(j.entries::text, ',' ORDER BY j.page) FROM journal j
        WHERE j.outlet_id = d.outlet_id AND j.dialogue_id = d.id)
FROM dialogue d
WHERE d.outlet_id = %(outlet_id)s AND d.conversation_id = %(id)s
ORDER BY d.started_at, d.id
