-- name: products
SELECT outlet_id, id, sku, name, description, price_minor, currency, stock, photo, tags, active
FROM product
WHERE outlet_id = ANY(%(outlets)s::uuid[])
ORDER BY outlet_id, position, sku
LIMIT %(limit)s

-- name: seed
INSERT INTO product (outlet_id, id, sku, name, description, price_minor, currency, stock, photo,
                     tags, position, updated_at)
VALUES (%(outlet_id)s, %(id)s, %(sku)s, %(name)s::jsonb, %(description)s::jsonb, %(price_minor)s,
        %(currency)s, %(stock)s, %(photo)s, %(tags)s, %(position)s, %(now)s)
ON CONFLICT (outlet_id, sku) DO NOTHING

-- name: lock
SELECT outlet_id, id, sku, name, description, price_minor, currency, stock, photo, tags, active
FROM product
WHERE (outlet_id, id) IN (SELECT * FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[]))
ORDER BY outlet_id, id
FOR NO KEY UPDATE

-- name: set_stock
UPDATE product p SET stock = k.stock, updated_at = %(now)s
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[], %(stocks)s::integer[]) AS k (outlet_id, id, stock)
WHERE p.outlet_id = k.outlet_id AND p.id = k.id

-- name: set_price
UPDATE product p SET price_minor = k.price, updated_at = %(now)s
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[], %(prices)s::bigint[]) AS k (outlet_id, id, price)
WHERE p.outlet_id = k.outlet_id AND p.id = k.id

-- name: set_photo
UPDATE product p SET photo = k.photo, updated_at = %(now)s
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[], %(photos)s::text[]) AS k (outlet_id, id, photo)
WHERE p.outlet_id = k.outlet_id AND p.id = k.id

-- name: set_active
UPDATE product p SET active = k.active, updated_at = %(now)s
FROM unnest(%(outlets)s::uuid[], %(ids)s::uuid[], %(actives)s::boolean[])
     AS k (outlet_id, id, active)
WHERE p.outlet_id = k.outlet_id AND p.id = k.id

-- name: describe
UPDATE product p
SET name = k.name, description = k.description, price_minor = k.price_minor, photo = k.photo,
    tags = k.tags, position = k.position, updated_at = %(now)s
FROM jsonb_to_recordset(%(rows)s::jsonb)
     AS k (id uuid, name jsonb, description jsonb, price_minor bigint, photo text, tags text[],
           position integer)
WHERE p.outlet_id = %(outlet_id)s AND p.id = k.id
