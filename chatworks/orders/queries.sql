-- name: next_numbers
INSERT INTO outlet_counter AS c (outlet_id, name, value)
SELECT k.outlet_id, 'order', %(first)s - 1 + k.count
FROM unnest(%(outlets)s::uuid[], %(counts)s::bigint[]) AS k (outlet_id, count)
ORDER BY k.outlet_id
ON CONFLICT (outlet_id, name) DO UPDATE SET value = c.value + EXCLUDED.value - (%(first)s - 1)
RETURNING outlet_id, value

-- name: add_orders
INSERT INTO sales_order (outlet_id, id, number, conversation_id, contact_id, status, language,
                         goods_minor, delivery_minor, total_minor, currency, payment,
                         customer_name, customer_phone, address, latitude, longitude, placed_at,
                         updated_at)
SELECT k.outlet_id, k.id, k.number, k.conversation_id, k.contact_id, 'placed', k.language,
       k.goods, k.delivery, k.goods + k.delivery, k.currency, k.payment, k.name, k.phone,
       k.address, k.latitude, k.longitude, %(now)s, %(now)s
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[], %(numbers)s::bigint[],
            %(conversations)s::uuid[], %(contacts)s::uuid[], %(languages)s::text[],
            %(goods)s::bigint[], %(deliveries)s::bigint[], %(currencies)s::text[],
            %(payments)s::text[], %(names)s::text[], %(phones)s::text[], %(addresses)s::text[],
            %(latitudes)s::float8[], %(longitudes)s::float8[])
     AS k (outlet_id, id, number, conversation_id, contact_id, language, goods, delivery, currency,
           payment, name, phone, address, latitude, longitude)

-- name: add_lines
INSERT INTO order_line (outlet_id, order_id, line, product_id, name, count, price_minor)
SELECT * FROM unnest(%(outlets)s::uuid[], %(orders)s::uuid[], %(lines)s::smallint[],
                     %(products)s::uuid[], %(names)s::text[], %(counts)s::integer[],
                     %(prices)s::bigint[])

-- name: add_steps
INSERT INTO order_step (outlet_id, order_id, step, status, actor_kind, actor_id, reason, at)
SELECT k.outlet_id, k.order_id,
       (SELECT count(*) FROM order_step s
        WHERE s.outlet_id = k.outlet_id AND s.order_id = k.order_id)
       + row_number() OVER (PARTITION BY k.outlet_id, k.order_id ORDER BY k.n),
       k.status, k.actor_kind, k.actor_id, k.reason, %(now)s
FROM unnest(%(outlets)s::uuid[], %(orders)s::uuid[], %(statuses)s::text[], %(kinds)s::text[],
            %(actors)s::text[], %(reasons)s::text[]) WITH ORDINALITY
     AS k (outlet_id, order_id, status, actor_kind, actor_id, reason, n)

-- name: lock_orders
SELECT outlet_id, id, number, conversation_id, contact_id, status, language
FROM sales_order
WHERE (outlet_id, id) IN (SELECT * FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[]))
ORDER BY outlet_id, id
FOR NO KEY UPDATE

-- name: lines_of
SELECT outlet_id, order_id, product_id, name, count, price_minor
FROM order_line
WHERE (outlet_id, order_id) IN (SELECT * FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[]))
ORDER BY outlet_id, order_id, line

-- name: move
UPDATE sales_order o
SET status = k.status, cancel_reason = k.reason, updated_at = %(now)s
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[], %(statuses)s::text[], %(reasons)s::text[])
     AS k (outlet_id, id, status, reason)
WHERE o.outlet_id = k.outlet_id AND o.id = k.id

-- name: mine
SELECT k.n, o.id, o.number, o.status, o.total_minor, o.currency, o.placed_at
FROM unnest(%(outlets)s::uuid[], %(contacts)s::uuid[], %(limits)s::integer[])
     WITH ORDINALITY AS k (outlet_id, contact_id, most, n)
CROSS JOIN LATERAL (
    SELECT * FROM sales_order o
    WHERE o.outlet_id = k.outlet_id AND o.contact_id = k.contact_id
    ORDER BY o.placed_at DESC LIMIT k.most
) AS o
ORDER BY k.n, o.placed_at DESC

-- name: last
SELECT k.n, o.customer_name, o.customer_phone, o.address, o.latitude, o.longitude
FROM unnest(%(outlets)s::uuid[], %(contacts)s::uuid[]) WITH ORDINALITY AS k (outlet_id, contact_id, n)
CROSS JOIN LATERAL (
    SELECT * FROM sales_order o
    WHERE o.outlet_id = k.outlet_id AND o.contact_id = k.contact_id AND o.customer_name IS NOT NULL
    ORDER BY o.placed_at DESC LIMIT 1
) AS o

-- name: board
-- The open orders by their own index, the closed ones among the newest numbers: both are bounded.
SELECT o.id, o.number, o.status, o.total_minor, o.currency, o.customer_name, o.address, o.placed_at,
       o.conversation_id, o.updated_at,
       (SELECT string_agg(l.count || ' × ' || l.name, ', ' ORDER BY l.line)
        FROM order_line l WHERE l.outlet_id = o.outlet_id AND l.order_id = o.id) AS contents
FROM (
    (SELECT * FROM sales_order
     WHERE outlet_id = %(outlet_id)s AND status IN ('placed', 'accepted', 'out_for_delivery')
     ORDER BY placed_at
     LIMIT %(limit)s)
    UNION ALL
    (SELECT * FROM (SELECT * FROM sales_order
                    WHERE outlet_id = %(outlet_id)s
                    ORDER BY number DESC
                    LIMIT %(limit)s) AS newest
     WHERE status IN ('delivered', 'cancelled'))
) AS o
ORDER BY o.status IN ('delivered', 'cancelled'),
         CASE WHEN o.status IN ('delivered', 'cancelled') THEN -o.number ELSE o.number END

-- name: detail
SELECT o.id, o.number, o.status, o.goods_minor, o.delivery_minor, o.total_minor, o.currency,
       o.payment, o.customer_name, o.customer_phone, o.address, o.latitude, o.longitude,
       o.cancel_reason, o.placed_at, o.conversation_id
FROM sales_order o
WHERE o.outlet_id = %(outlet_id)s AND o.id = %(id)s

-- name: steps_of
SELECT status, actor_kind, actor_id, reason, at FROM order_step
WHERE outlet_id = %(outlet_id)s AND order_id = %(id)s
ORDER BY step

-- name: page
SELECT id, number, status, total_minor, currency, customer_name, conversation_id, placed_at,
       updated_at
FROM sales_order
WHERE outlet_id = %(outlet_id)s AND number < %(before)s
ORDER BY number DESC
LIMIT %(limit)s
