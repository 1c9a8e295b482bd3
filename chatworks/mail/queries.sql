-- name: queue
INSERT INTO mail_message (id, recipient, content, status, ready_at, expires_at, created_at)
SELECT k.id, k.recipient, k.content, 'queued', %(now)s, k.expires_at, %(now)s
FROM unnest(%(ids)s::uuid[], %(recipients)s::text[], %(contents)s::bytea[],
            %(expires)s::timestamptz[]) AS k (id, recipient, content, expires_at)

-- name: lease
-- A lease that ran out is a postman that died: it may have sent, so its try is a doubt.
UPDATE mail_message m
SET status = 'leased', attempts = m.attempts + 1, fence = m.fence + 1, ready_at = %(until)s,
    doubts = m.doubts + CASE m.status WHEN 'leased' THEN 1 ELSE 0 END
FROM (SELECT id FROM mail_message
      WHERE status IN ('queued', 'leased') AND ready_at <= %(now)s AND expires_at > %(now)s
      ORDER BY ready_at LIMIT %(limit)s
      FOR UPDATE SKIP LOCKED) AS k
WHERE m.id = k.id
RETURNING m.id, m.recipient, m.content, m.attempts, m.doubts, m.fence, m.created_at, m.expires_at

-- name: finish
UPDATE mail_message
SET status = %(status)s, doubts = %(doubts)s, error = %(error)s,
    ready_at = COALESCE(%(ready_at)s::timestamptz, ready_at),
    content = CASE WHEN %(ready_at)s::timestamptz IS NULL THEN NULL ELSE content END,
    finished_at = CASE WHEN %(ready_at)s::timestamptz IS NULL THEN %(now)s::timestamptz END
WHERE id = %(id)s AND fence = %(fence)s AND status = 'leased'

-- name: expire
-- Of no use any more: what was tried and may have arrived is not called expired.
UPDATE mail_message
SET status = CASE WHEN doubts > 0 OR status = 'leased' THEN 'unknown' ELSE 'expired' END,
    doubts = doubts + CASE status WHEN 'leased' THEN 1 ELSE 0 END,
    content = NULL, finished_at = %(now)s
WHERE status IN ('queued', 'leased') AND ready_at <= %(now)s AND expires_at <= %(now)s

-- name: forget
DELETE FROM mail_message WHERE finished_at < %(before)s

-- name: next
SELECT min(ready_at) FROM mail_message WHERE status IN ('queued', 'leased')

-- name: depth
SELECT count(*), extract(epoch FROM %(now)s - min(created_at))
FROM mail_message WHERE status IN ('queued', 'leased')
