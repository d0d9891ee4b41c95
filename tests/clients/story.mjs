// SPDX-License-Identifier: Apache-2.0
// node story.mjs CLIENT URL SKU: what a storefront asks, by one of the HTTP clients of Node; prints
// what was answered as JSON: {step: {status, headers, body}}.
import http from "node:http";
import { Readable } from "node:stream";
import axios from "axios";
import * as undici from "undici";

const [client, base, sku] = process.argv.slice(2);
const customer = { "X-Customer-Id": `${client}-${sku}` };

async function byFetch(fetch, method, path, headers, body) {
  const reply = await fetch(base + path, { method, headers, body, duplex: "half" });
  return [reply.status, Object.fromEntries(reply.headers), await reply.text()];
}

async function byUndici(method, path, headers, body) {
  const reply = await undici.request(base + path, { method, headers, body });
  return [reply.statusCode, reply.headers, await reply.body.text()];
}

const kept = axios.create({
  baseURL: base, httpAgent: new http.Agent({ keepAlive: true, maxSockets: 1 }),
  validateStatus: () => true, responseType: "text", transformResponse: [(text) => text],
});

async function byAxios(method, url, headers, data) {
  const reply = await kept.request({ method, url, headers, data });
  return [reply.status, { ...reply.headers }, reply.data];
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function byHttp(method, path, headers, body) {
  return new Promise((done, failed) => {
    const request = http.request(base + path, { method, headers, agent }, async (reply) => {
      let text = "";
      for await (const piece of reply) text += piece;
      done([reply.statusCode, reply.headers, text]);
    });
    request.on("error", failed);
    if (body instanceof Readable) body.pipe(request);
    else request.end(body);
  });
}

const clients = {
  fetch: (...call) => byFetch(globalThis.fetch, ...call),
  "undici-fetch": (...call) => byFetch(undici.fetch, ...call),
  undici: byUndici, axios: byAxios, http: byHttp,
};
const ask = clients[client];
const json = { "Content-Type": "application/json" };
const told = {};

async function step(name, method, path, headers = {}, body = undefined) {
  const [status, fields, text] = await ask(method, path, headers, body);
  told[name] = { status, headers: fields, body: text };
}

await step("availability", "GET", `/v1/availability?skus=${sku}`);
await step("copy", "GET", `/v1/availability?skus=${sku}`,
  { "If-None-Match": told.availability.headers.etag });
await step("head", "HEAD", `/v1/availability?skus=${sku}`);
await step("put", "PUT", `/v1/cart/items/${sku}`, { ...customer, ...json }, '{"quantity":2}');
await step("cart", "GET", "/v1/cart", customer);
for (const name of ["checkout", "replay"])
  await step(name, "POST", "/v1/checkout", { ...customer, ...json, "Idempotency-Key": "k" }, "{}");
await step("order", "GET", told.checkout.headers.location, customer);
await step("unknown", "GET", "/v1/products/UNKNOWN");
await step("invalid", "PUT", `/v1/cart/items/${sku}`, { ...customer, ...json }, '{"quantity":-1}');
await step("chunks", "POST", "/v1/availability", json,
  Readable.from([Buffer.from('{"skus":'), Buffer.from(`["${sku}"]}`)]));
await step("clear", "DELETE", "/v1/cart", customer);
for (let number = 0; number < 50; number++)
  await step("kept", "GET", `/v1/products/${sku}`);
console.log(JSON.stringify(told));
