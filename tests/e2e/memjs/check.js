// What an application does with memjs, against the server at argv[2]. Ends with "all as expected".
"use strict";

const assert = require("node:assert");
const memjs = require("memjs");

async function main(server) {
  const client = memjs.Client.create(server, { retries: 0, timeout: 10, conntimeout: 10 });
  assert.strictEqual((await client.get("absent")).value, null);
  assert.strictEqual(await client.set("k", "v", { expires: 600 }), true);
  assert.strictEqual((await client.get("k")).value.toString(), "v");
  assert.strictEqual(await client.add("k", "w", {}), false);
  assert.strictEqual(await client.add("new", "w", {}), true);
  assert.strictEqual(await client.replace("none", "w", {}), false);
  assert.strictEqual(await client.replace("k", "x", {}), true);
  assert.strictEqual(await client.append("k", ">"), true);
  assert.strictEqual((await client.get("k")).value.toString(), "x>");
  assert.strictEqual(await client.touch("k", 100), true);
  assert.strictEqual(await client.touch("none", 100), false);
  assert.strictEqual(await client.delete("k"), true);
  assert.strictEqual(await client.delete("k"), false);

  assert.strictEqual((await client.increment("n", 5, { initial: 41 })).value, 41);
  assert.strictEqual((await client.increment("n", 5, { initial: 41 })).value, 46);
  assert.strictEqual((await client.decrement("n", 100, {})).value, 0);

  const all = Buffer.from(Array.from({ length: 256 * 2000 }, (_, i) => i % 256));
  assert.strictEqual(await client.set("large", all, {}), true);
  assert.ok((await client.get("large")).value.equals(all));
  assert.strictEqual(await client.set("ключ с пробелом", "unicode", {}), true);
  assert.strictEqual((await client.get("ключ с пробелом")).value.toString(), "unicode");

  // Many at once, each with its own answer.
  const numbers = Array.from({ length: 500 }, (_, i) => i);
  await Promise.all(numbers.map((i) => client.set(`many-${i}`, `value-${i}`, {})));
  const answers = await Promise.all(numbers.map((i) => client.get(`many-${i}`)));
  answers.forEach((answer, i) => assert.strictEqual(answer.value.toString(), `value-${i}`));

  const stats = await new Promise((resolve, reject) =>
    client.stats((error, _server, rows) => (error ? reject(error) : resolve(rows))));
  assert.ok(Number(stats.curr_items) >= 500, JSON.stringify(stats));
  client.close();
  console.log("all as expected");
}

main(process.argv[2]).catch((error) => {
  console.error(error);
  process.exit(1);
});
