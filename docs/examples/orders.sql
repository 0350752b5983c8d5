-- A small shop, live: orders come in, and three things are kept up to date from them.
--
-- weir-server applies this file at every start (weir-server --queries docs/examples/orders.sql).  A
-- statement that is in force already is skipped, so the file can be edited and the server started
-- again: new statements are added, a changed CREATE ... AS replaces the query it was.
--
-- `weir datagen orders` sends orders; `weir test docs/examples/orders.test` checks the statements
-- without any server.

-- Where orders arrive.  A stream is a topic with a schema: each record is one event.
-- KEY columns decide the partition of a record; orders of one id stay in order.
-- PARTITIONS makes the topic if it is not there yet.
CREATE STREAM orders (
    order_id    BIGINT KEY,
    customer_id STRING,
    item        STRING,
    amount      INT,                    -- pieces
    price       DECIMAL(10, 2),         -- of one piece
    address     STRUCT<street STRING, city STRING, zipcode STRING>
) WITH (
    KAFKA_TOPIC  = 'orders',
    VALUE_FORMAT = 'JSON',
    PARTITIONS   = 2
);

-- A filtered stream: orders worth 500 or more, with the total computed and the city taken out of the
-- address.  It has a topic of its own, BIG_ORDERS, which others can read or subscribe to:
--     SELECT * FROM big_orders EMIT CHANGES;
CREATE STREAM big_orders AS
    SELECT order_id, customer_id, item,
           amount * price AS total,
           address->city  AS city
    FROM orders
    WHERE amount * price >= 500
    EMIT CHANGES;

-- A table of counts and sums, one row per item, changed with every order.  Ask for a row at any time:
--     SELECT * FROM item_totals WHERE item = 'lamp';
-- or follow it:
--     SELECT * FROM item_totals EMIT CHANGES;
CREATE TABLE item_totals AS
    SELECT item,
           COUNT(*)            AS orders,
           SUM(amount)         AS pieces,
           SUM(amount * price) AS revenue
    FROM orders
    GROUP BY item
    EMIT CHANGES;

-- Customers with more than one order.  HAVING looks at the row after each change; a row that no
-- longer passes leaves the table.
CREATE TABLE regular_customers AS
    SELECT customer_id, COUNT(*) AS orders, MAX(order_id) AS last_order
    FROM orders
    GROUP BY customer_id
    HAVING COUNT(*) > 1
    EMIT CHANGES;
