-- SPDX-License-Identifier: Apache-2.0
-- A reservation as shops keep it in Redis: the customer's limit, the stock, a hold with an expiry,
-- the set by which a worker would find what has expired, the order in a stream. Eight calls.
-- KEYS: stock of the SKU, what the customer has bought. ARGV: order, customer, sku, quantity,
-- limit, seconds of the hold, when it expires.
local order, customer, sku, quantity = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local bought = tonumber(redis.call('GET', KEYS[2]) or '0')
if bought + quantity > tonumber(ARGV[5]) then
    return redis.error_reply('LIMIT ' .. customer)
end
local available = tonumber(redis.call('GET', KEYS[1]) or '0')
if available < quantity then
    return redis.error_reply('SOLDOUT ' .. sku)
end
redis.call('DECRBY', KEYS[1], quantity)
redis.call('INCRBY', KEYS[2], quantity)
local hold = 'hold:' .. order
redis.call('HSET', hold, 'customer', customer, 'sku', sku, 'quantity', quantity)
redis.call('EXPIRE', hold, ARGV[6])
redis.call('ZADD', 'expiries', ARGV[7], order)
redis.call('XADD', 'orders', '*', 'order', order, 'customer', customer, 'sku', sku,
    'quantity', quantity)
return order
