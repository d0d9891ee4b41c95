-- SPDX-License-Identifier: Apache-2.0
-- The least that still is a sale: the customer's limit, the stock, the order in a stream. Three
-- calls. KEYS and ARGV as of full.lua; nothing expires.
local order, customer, sku, quantity = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
if redis.call('INCRBY', KEYS[2], quantity) > tonumber(ARGV[5]) then
    redis.call('DECRBY', KEYS[2], quantity)
    return redis.error_reply('LIMIT ' .. customer)
end
if redis.call('DECRBY', KEYS[1], quantity) < 0 then
    redis.call('INCRBY', KEYS[1], quantity)
    redis.call('DECRBY', KEYS[2], quantity)
    return redis.error_reply('SOLDOUT ' .. sku)
end
redis.call('XADD', 'orders', '*', 'order', order, 'customer', customer, 'sku', sku,
    'quantity', quantity)
return order
