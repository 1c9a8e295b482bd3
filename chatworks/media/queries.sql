-- name: put
-- Equal bytes of one owner are one row; the name and the words that came first stay.
INSERT INTO media (outlet_id, id, key, conversation_id, visitor_id, origin, sha256, media_type,
                   size_bytes, name, alt, width, height, content, created_at)
VALUES (%(outlet_id)s, %(id)s, %(key)s, %(conversation_id)s, %(visitor_id)s, %(origin)s, %(sha256)s,
        %(media_type)s, %(size_bytes)s, %(name)s, %(alt)s, %(width)s, %(height)s, %(content)s,
        %(now)s)
ON CONFLICT (outlet_id, sha256, conversation_id, visitor_id)
DO UPDATE SET alt = CASE WHEN media.alt = '' THEN excluded.alt ELSE media.alt END
RETURNING outlet_id, id, key, sha256, media_type, size_bytes, name, alt, width, height, origin

-- name: total
SELECT count(*), COALESCE(sum(size_bytes), 0)::bigint FROM media WHERE outlet_id = %(outlet_id)s

-- name: by_address
SELECT outlet_id, id, key, sha256, media_type, size_bytes, name, alt, width, height, origin
FROM media WHERE id = %(id)s

-- name: given
-- What an operator may send in a conversation: its own files, and the outlet's.
SELECT m.outlet_id, m.id, m.key, m.sha256, m.media_type, m.size_bytes, m.name, m.alt, m.width,
       m.height, m.origin
FROM unnest(%(ids)s::uuid[], %(keys)s::bytea[]) AS k (id, key)
JOIN media m ON m.outlet_id = %(outlet_id)s AND m.id = k.id AND m.key = k.key
WHERE m.visitor_id IS NULL
  AND (m.conversation_id IS NULL OR m.conversation_id = %(conversation_id)s)

-- name: slice
SELECT substring(content FROM %(first)s::integer + 1 FOR %(length)s::integer)
FROM media WHERE outlet_id = %(outlet_id)s AND id = %(id)s

-- name: want
INSERT INTO media_fetch (outlet_id, conversation_id, message_seq, channel_id, file, status,
                         ready_at, created_at)
SELECT k.outlet_id, k.conversation_id, k.seq, k.channel_id, k.file::jsonb, 'waiting', %(now)s, %(now)s
FROM unnest(%(outlets)s::uuid[], %(conversations)s::uuid[], %(seqs)s::integer[],
            %(channels)s::uuid[], %(files)s::text[])
     AS k (outlet_id, conversation_id, seq, channel_id, file)

-- name: adopt
-- Files of our own pages are here already: the visitor's upload, named by its whole address.
INSERT INTO media_fetch (outlet_id, conversation_id, message_seq, channel_id, file, status,
                         ready_at, media_id, reason, created_at, finished_at)
SELECT k.outlet_id, k.conversation_id, k.seq, k.channel_id, k.file::jsonb,
       CASE WHEN m.id IS NULL THEN 'failed' ELSE 'here' END, %(now)s, m.id,
       CASE WHEN m.id IS NULL THEN 'the upload is no longer there' ELSE '' END, %(now)s, %(now)s
FROM unnest(%(outlets)s::uuid[], %(conversations)s::uuid[], %(seqs)s::integer[],
            %(channels)s::uuid[], %(files)s::text[], %(ids)s::uuid[], %(keys)s::bytea[])
     AS k (outlet_id, conversation_id, seq, channel_id, file, id, key)
LEFT JOIN media m ON m.outlet_id = k.outlet_id AND m.id = k.id AND m.key = k.key

-- name: lease
-- A lease that ran out is a fetcher that died: the try is counted, and fetching again is safe.
UPDATE media_fetch f
SET status = 'leased', attempts = f.attempts + 1, fence = f.fence + 1, lease_until = %(until)s,
    ready_at = %(until)s
FROM (SELECT outlet_id, conversation_id, message_seq FROM media_fetch
      WHERE status IN ('waiting', 'leased') AND ready_at <= %(now)s
      ORDER BY ready_at LIMIT %(limit)s
      FOR UPDATE SKIP LOCKED) AS k
WHERE f.outlet_id = k.outlet_id AND f.conversation_id = k.conversation_id
  AND f.message_seq = k.message_seq
RETURNING f.outlet_id, f.channel_id, f.conversation_id, f.message_seq, f.file::text, f.attempts,
          f.fence

-- name: finish
UPDATE media_fetch
SET status = %(status)s, ready_at = %(ready_at)s, media_id = %(media_id)s, reason = %(reason)s,
    lease_until = NULL,
    finished_at = CASE WHEN %(status)s IN ('here', 'failed') THEN %(now)s::timestamptz END
WHERE outlet_id = %(outlet_id)s AND conversation_id = %(conversation_id)s AND message_seq = %(seq)s
  AND fence = %(fence)s AND status = 'leased'
RETURNING message_seq

-- name: arrived
SELECT f.message_seq, f.status, f.reason, m.outlet_id, m.id, m.key, m.sha256, m.media_type,
       m.size_bytes, m.name, m.alt, m.width, m.height, m.origin
FROM unnest(%(seqs)s::integer[]) AS k (seq)
JOIN media_fetch f ON f.outlet_id = %(outlet_id)s AND f.conversation_id = %(conversation_id)s
                  AND f.message_seq = k.seq
LEFT JOIN media m ON m.outlet_id = f.outlet_id AND m.id = f.media_id

-- name: expire
-- At most so many at once: those of conversations whose last message is long ago, and uploads that
-- no message ever named.
DELETE FROM media d
USING (SELECT m.outlet_id, m.id FROM media m
       LEFT JOIN web_visitor v ON v.outlet_id = m.outlet_id AND v.id = m.visitor_id
       LEFT JOIN conversation c ON c.outlet_id = m.outlet_id AND (
           c.id = m.conversation_id
           OR (c.channel_id = v.channel_id AND c.thread = replace(v.id::text, '-', '')))
       WHERE (m.conversation_id IS NOT NULL OR m.visitor_id IS NOT NULL)
         AND ((m.created_at < %(kept_since)s AND (c.id IS NULL OR c.last_at < %(kept_since)s))
              OR (m.visitor_id IS NOT NULL AND m.created_at < %(unsent_since)s
                  AND NOT EXISTS (SELECT 1 FROM media_fetch f
                                  WHERE f.outlet_id = m.outlet_id AND f.media_id = m.id)))
       ORDER BY m.created_at LIMIT %(limit)s) AS old
WHERE d.outlet_id = old.outlet_id AND d.id = old.id

-- name: erase
DELETE FROM media m
USING unnest(%(conversations)s::uuid[]) AS k (id)
JOIN conversation c ON c.outlet_id = %(outlet_id)s AND c.id = k.id
LEFT JOIN web_visitor v ON v.outlet_id = c.outlet_id AND v.channel_id = c.channel_id
                       AND replace(v.id::text, '-', '') = c.thread
WHERE m.outlet_id = %(outlet_id)s AND (m.conversation_id = c.id OR m.visitor_id = v.id)

-- name: erase_fetches
DELETE FROM media_fetch
WHERE outlet_id = %(outlet_id)s AND conversation_id = ANY(%(conversations)s)

-- name: depth
SELECT count(*), extract(epoch FROM %(now)s - min(created_at))
FROM media_fetch WHERE status IN ('waiting', 'leased')
