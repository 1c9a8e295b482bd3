-- name: add_outlet
INSERT INTO outlet (outlet_id, slug, name, brand, languages, currency, timezone, hours, delivery,
                    privacy, widget_origins, created_at, updated_at)
VALUES (%(id)s, %(slug)s, %(name)s, %(brand)s::jsonb, %(languages)s, %(currency)s, %(timezone)s,
        %(hours)s::jsonb, %(delivery)s::jsonb, %(privacy)s::jsonb, %(widget_origins)s, %(now)s,
        %(now)s)
ON CONFLICT (slug) DO NOTHING

-- name: change_outlet
UPDATE outlet
SET name = %(name)s, brand = %(brand)s::jsonb, languages = %(languages)s, currency = %(currency)s,
    timezone = %(timezone)s, hours = %(hours)s::jsonb, delivery = %(delivery)s::jsonb,
    privacy = %(privacy)s::jsonb, widget_origins = %(widget_origins)s, updated_at = %(now)s
WHERE slug = %(slug)s

-- name: outlets
SELECT o.outlet_id, o.slug, o.name, o.brand::text, o.languages, o.currency, o.timezone,
       o.hours::text, o.delivery::text, o.privacy::text, o.widget_origins,
       (SELECT json_agg(json_build_array(a.applet, a.version, a.settings) ORDER BY a.applet DESC)
        FROM applet_install a WHERE a.outlet_id = o.outlet_id AND a.enabled)::text
FROM outlet o
WHERE (%(ids)s::uuid[] IS NULL OR o.outlet_id = ANY(%(ids)s::uuid[]))
  AND (%(slug)s::text IS NULL OR o.slug = %(slug)s)
ORDER BY o.slug

-- name: add_channel
INSERT INTO channel (outlet_id, id, kind, path, name, secret_env, secret_sealed, mode, created_at)
VALUES (%(outlet_id)s, %(id)s, %(kind)s, %(path)s, %(name)s, %(secret_env)s, %(secret_sealed)s,
        %(mode)s, %(now)s)
ON CONFLICT (outlet_id, kind, secret_env) WHERE secret_sealed IS NULL DO NOTHING

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

-- name: hold
-- Session locks, in a space of their own (the first key): the last bytes of an id are random.
SELECT id, pg_try_advisory_lock(%(space)s, ('x' || right(id::text, 8))::bit(32)::integer)
FROM unnest(%(ids)s::uuid[]) AS id

-- name: let_go
SELECT pg_advisory_unlock(%(space)s, ('x' || right(id::text, 8))::bit(32)::integer)
FROM unnest(%(ids)s::uuid[]) AS id

-- name: channels
SELECT outlet_id, id, kind, path, name, secret_env, mode, status, trouble, cursor, secret_sealed
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
