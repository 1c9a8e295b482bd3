-- What an outlet sells, and what was ordered.

CREATE TABLE product (
    outlet_id   uuid NOT NULL REFERENCES outlet,
    id          uuid NOT NULL,
    sku         text NOT NULL,
    name        jsonb NOT NULL,            -- {"en": "...", "sw": "..."}
    description jsonb NOT NULL,
    price_minor bigint NOT NULL CHECK (price_minor >= 0),
    currency    text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    stock       integer CHECK (stock >= 0),  -- NULL: not counted
    photo       text,                      -- a path under the outlet's own media
    tags        text[] NOT NULL DEFAULT '{}',
    position    integer NOT NULL DEFAULT 0,
    active      boolean NOT NULL DEFAULT true,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, id),
    UNIQUE (outlet_id, sku)
) WITH (fillfactor = 50);

CREATE TABLE outlet_counter (
    outlet_id   uuid NOT NULL REFERENCES outlet,
    name        text NOT NULL,
    value       bigint NOT NULL,
    PRIMARY KEY (outlet_id, name)
) WITH (fillfactor = 20);

CREATE TABLE sales_order (
    outlet_id       uuid NOT NULL REFERENCES outlet,
    id              uuid NOT NULL,
    number          bigint NOT NULL,
    conversation_id uuid NOT NULL,
    contact_id      uuid NOT NULL,
    status          text NOT NULL CHECK (status IN
                        ('placed', 'accepted', 'out_for_delivery', 'delivered', 'cancelled')),
    language        text NOT NULL,         -- what the customer reads
    goods_minor     bigint NOT NULL,
    delivery_minor  bigint NOT NULL,
    total_minor     bigint NOT NULL CHECK (total_minor = goods_minor + delivery_minor),
    currency        text NOT NULL,
    payment         text NOT NULL CHECK (payment IN ('on_delivery')),
    customer_name   text,
    customer_phone  text,
    address         text,
    latitude        double precision,
    longitude       double precision,
    cancel_reason   text,
    placed_at       timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, id),
    UNIQUE (outlet_id, number),
    FOREIGN KEY (outlet_id, conversation_id) REFERENCES conversation,
    FOREIGN KEY (outlet_id, contact_id) REFERENCES contact
) WITH (fillfactor = 80);
CREATE INDEX sales_order_by_contact ON sales_order (outlet_id, contact_id, placed_at DESC);
CREATE INDEX sales_order_open ON sales_order (outlet_id, placed_at)
    WHERE status IN ('placed', 'accepted', 'out_for_delivery');

CREATE TABLE order_line (
    outlet_id   uuid NOT NULL,
    order_id    uuid NOT NULL,
    line        smallint NOT NULL,
    product_id  uuid NOT NULL,
    name        text NOT NULL,             -- as sold, in the customer's language
    count       integer NOT NULL CHECK (count > 0),
    price_minor bigint NOT NULL,
    PRIMARY KEY (outlet_id, order_id, line),
    FOREIGN KEY (outlet_id, order_id) REFERENCES sales_order,
    FOREIGN KEY (outlet_id, product_id) REFERENCES product
);

CREATE TABLE order_step (
    outlet_id   uuid NOT NULL,
    order_id    uuid NOT NULL,
    step        smallint NOT NULL,
    status      text NOT NULL,
    actor_kind  text NOT NULL,
    actor_id    text NOT NULL,
    reason      text,
    at          timestamptz NOT NULL,
    PRIMARY KEY (outlet_id, order_id, step),
    FOREIGN KEY (outlet_id, order_id) REFERENCES sales_order
);
