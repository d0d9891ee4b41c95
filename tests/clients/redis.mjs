// SPDX-License-Identifier: Apache-2.0
// node redis.mjs CLIENT PORT NAME TOKEN SKU: what a back end asks, by one of the Redis clients of
// Node; prints what was answered as JSON, see tests/e2e/test_resp_clients.py.
import Ioredis from "ioredis";
import { createClient } from "redis";

const [client, port, username, password, sku] = process.argv.slice(2);
const customer = `${client}-${sku}`;
const buy = ["HS.CHECKOUT", customer, "k", "ITEM", sku, "2", "MODE", "deferred", "REF", "a", "é"];

async function byRedis(version) {
  const redis = createClient({
    url: `redis://127.0.0.1:${port}`, username, password, RESP: version, name: "shipping-1" });
  await redis.connect();
  return { ask: (...words) => redis.sendCommand(words), ping: () => redis.ping(),
    close: () => redis.close() };
}

async function byIoredis(autoPipelining) {
  const redis = new Ioredis(Number(port), "127.0.0.1", {
    username, password, connectionName: "shipping-1", enableAutoPipelining: autoPipelining,
    maxRetriesPerRequest: 0 });
  return { ask: (...words) => redis.call(...words), ping: () => redis.ping(),
    close: () => redis.quit() };
}

const clients = {
  "redis-2": () => byRedis(2), "redis-3": () => byRedis(3), ioredis: () => byIoredis(false),
  "ioredis-piped": () => byIoredis(true),
};
const { ask, ping, close } = await clients[client]();
const refused = async (...words) => {
  try {
    return await ask(...words);
  } catch (error) {
    return error.message;
  }
};
const told = { ping: await ping(), stock: await ask("HS.STOCK", sku) };
told.availability = await ask("HS.AVAIL", sku, "NOPE");
told.cart = await ask("HS.CART.SET", customer, sku, "1");
told.order = await ask(...buy);
told.replay = await ask(...buy);
told.unknown = await ask("HS.ORDER", "01890a5d-ac96-774b-bcce-b302099a8057");
told.reused = await refused("HS.CHECKOUT", customer, "k", "ITEM", sku, "1");
told.refused = await refused("HS.CHECKOUT", customer, "k2", "ITEM", "NOPE", "1");
told.deep = await Promise.all(Array.from({ length: 300 }, (_, number) =>
  number % 3 ? ask("ECHO", `${number}`) : ask("HS.STOCK", sku)));
await close();
console.log(JSON.stringify(told));
