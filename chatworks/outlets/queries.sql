-- name: add_outlet
INSERT INTO outlet (outlet_id, slug, name, brand, languages, currency, timezone, hours, delivery,
                    privacy, widget_origins, sms, quiet, routing, created_at, updated_at)
VALUES (%(id)s, %(slug)s, %(name)s, %(brand)s::jsonb, %(languages)s, %(currency)s, %(timezone)s,
        %(hours)s::jsonb, %(delivery)s::jsonb, %(privacy)s::jsonb, %(widget_origins)s,
        %(sms)s::jsonb, %(quiet)s::jsonb, %(routing)s::jsonb, %(now)s, %(now)s)
ON CONFLICT (slug) DO NOTHING

-- name: change_outlet
UPDATE outlet
SET name = %(name)s, brand = %(brand)s::jsonb, languages = %(languages)s, currency = %(currency)s,
    timezone = %(timezone)s, hours = %(hours)s::jsonb, delivery = %(delivery)s::jsonb,
    privacy = %(privacy)s::jsonb, widget_origins = %(widget_origins)s,
    sms = %(sms)s::jsonb, quiet = %(quiet)s::jsonb, routing = %(routing)s::jsonb,
    updated_at = %(now)s
WHERE slug = %(slug)s

-- name: outlets
SELECT o.outlet_id, o.slug, o.name, o.brand::text, o.languages, o.currency, o.timezone,
       o.hours::text, o.delivery::text, o.privacy::text, o.widget_origins, o.sms::text,
       (SELECT json_agg(json_build_array(a.applet, a.version, a.settings) ORDER BY a.applet DESC)
        FROM applet_install a WHERE a.outlet_id = o.outlet_id AND a.enabled)::text,
       o.quiet::text, o.routing::text
FROM outlet o
WHERE (%(ids)s::uuid[] IS NULL OR o.outlet_id = ANY(%(ids)s::uuid[]))
  AND (%(slug)s::text IS NULL OR o.slug = %(slug)s)
ORDER BY o.slug

-- name: add_channel
INSERT INTO channel (outlet_id, id, kind, path, name, secret_env, secret_sealed, mode, account,
                     address, created_at)
VALUES (%(outlet_id)s, %(id)s, %(kind)s, %(path)s, %(name)s, %(secret_env)s, %(secret_sealed)s,
        %(mode)s, %(account)s, %(address)s, %(now)s)
ON CONFLICT (outlet_id, kind, secret_env, account, address) WHERE secret_sealed IS NULL DO NOTHING

-- name: set_cursor
UPDATE channel SET cursor = %(cursor)s WHERE outlet_id = %(outlet_id)s AND id = %(id)s

-- name: connected
UPDATE channel
SET name = %(name)s, mode = %(mode)s, trouble = %(trouble)s, manages_bots = %(manages_bots)s,
    status = CASE WHEN status = 'broken' THEN 'active' ELSE status END
WHERE outlet_id = %(outlet_id)s AND id = %(id)s
RETURNING cursor

-- name: set_trouble
UPDATE channel SET trouble = %(trouble)s WHERE outlet_id = %(outlet_id)s AND id = %(id)s

-- name: break_channel
UPDATE channel SET status = 'broken', trouble = %(trouble)s
WHERE outlet_id = %(outlet_id)s AND id = %(id)s AND status = 'active'

-- name: seal
UPDATE channel SET secret_sealed = %(sealed)s WHERE outlet_id = %(outlet_id)s AND id = %(id)s

-- name: checked
UPDATE channel
SET checked_at = %(now)s, trouble = %(trouble)s, webhook = %(webhook)s,
    webhook_set = %(webhook_set)s, name = CASE WHEN name = '' THEN %(name)s ELSE name END,
    status = CASE WHEN status = 'broken' AND %(works)s THEN 'active' ELSE status END
WHERE outlet_id = %(outlet_id)s AND id = %(id)s

-- name: check_again
UPDATE channel SET checked_at = NULL WHERE outlet_id = %(outlet_id)s AND id = %(id)s

-- name: unchecked
SELECT id FROM channel
WHERE id = ANY(%(ids)s::uuid[]) AND (checked_at IS NULL OR checked_at <= %(before)s)

-- name: resources
SELECT channel_id, name, vendor_id FROM channel_resource

-- name: save_resources
INSERT INTO channel_resource (outlet_id, channel_id, name, vendor_id)
SELECT %(outlet_id)s, %(channel_id)s, k.*
FROM unnest(%(names)s::text[], %(vendor_ids)s::text[]) AS k (name, vendor_id)
ON CONFLICT (outlet_id, channel_id, name) DO UPDATE SET vendor_id = excluded.vendor_id

-- name: templates
SELECT channel_id, name, language, topic, body, vendor_id, status, category, reason
FROM channel_template
WHERE %(outlet_id)s::uuid IS NULL OR outlet_id = %(outlet_id)s
ORDER BY topic, name, language

-- name: save_template
INSERT INTO channel_template (outlet_id, channel_id, name, language, topic, body, category, status,
                              updated_at)
VALUES (%(outlet_id)s, %(channel_id)s, %(name)s, %(language)s, %(topic)s, %(body)s, %(category)s,
        'draft', %(now)s)
ON CONFLICT (outlet_id, channel_id, name, language) DO NOTHING

-- name: remove_template
DELETE FROM channel_template
WHERE outlet_id = %(outlet_id)s AND channel_id = %(channel_id)s AND name = %(name)s
  AND language = %(language)s

-- name: decide_template
UPDATE channel_template
SET status = %(status)s, reason = %(reason)s, vendor_id = %(vendor_id)s, updated_at = %(now)s
WHERE outlet_id = %(outlet_id)s AND channel_id = %(channel_id)s AND name = %(name)s
  AND language = %(language)s AND (status, reason, vendor_id) <>
      (%(status)s, %(reason)s, %(vendor_id)s)

-- name: disable_template
UPDATE channel_template SET status = 'paused', reason = %(reason)s, updated_at = %(now)s
WHERE outlet_id = %(outlet_id)s AND channel_id = %(channel_id)s AND name = %(name)s
  AND status = 'approved'

-- name: hold
-- Session locks, in a space of their own (the first key): the last bytes of an id are random.
SELECT id, pg_try_advisory_lock(%(space)s, ('x' || right(id::text, 8))::bit(32)::integer)
FROM unnest(%(ids)s::uuid[]) AS id

-- name: lock_account
SELECT pg_try_advisory_lock(%(space)s, hashtext(%(account)s))

-- name: let_go
SELECT pg_advisory_unlock(%(space)s, ('x' || right(id::text, 8))::bit(32)::integer)
FROM unnest(%(ids)s::uuid[]) AS id

-- name: channels
SELECT outlet_id, id, kind, path, name, secret_env, mode, status, trouble, cursor, secret_sealed,
       account, address, webhook, webhook_set
FROM channel
WHERE (%(outlet_id)s::uuid IS NULL OR outlet_id = %(outlet_id)s)
ORDER BY created_at, kind

-- name: add_install
INSERT INTO applet_install (outlet_id, applet, version, settings, updated_at)
VALUES (%(outlet_id)s, %(applet)s, %(version)s, %(settings)s::jsonb, %(now)s)
ON CONFLICT (outlet_id, applet) DO NOTHING

-- name: save_settings
UPDATE applet_install SET settings = %(settings)s::jsonb, updated_at = %(now)s
WHERE outlet_id = %(outlet_id)s AND applet = %(applet)s

-- name: save_widget_sites
UPDATE outlet SET widget_origins = %(origins)s, updated_at = %(now)s
WHERE outlet_id = %(outlet_id)s

-- name: save_hours
UPDATE outlet SET hours = %(hours)s::jsonb, updated_at = %(now)s WHERE outlet_id = %(outlet_id)s
