import assert from "node:assert/strict";
import { test } from "node:test";
import { asked, requests, settled } from "./page.mjs";

const { get } = await import("./page/api.js");
const { pauseNear, useMoving } = await import("./page/elements/files.js");
const { pauseOf: pauseOfDelivery } = await import("./page/elements/delivery.js");
const { TypedField } = await import("./page/elements/values.js");
const { useList } = await import("./page/loading.js");
const { session } = await import("./page/session.js");
const { uploads } = await import("./page/uploads.js");
const { mounted } = await import("./page/vendor/preact.js");
const { pauseOf: pauseOfImport } = await import("./page/views/import_words.js");

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const ago = (ms) => new Date(Date.now() - ms).toISOString();
const signedIn = (hourly_limit) => session.set({ account: { hourly_limit }, key: { scopes: [] } });

/** How many looks there are in each of two hours at what began with the first. */
function looks(context, pauseAt) {
  const began = Date.now();
  let now = began;
  context.mock.method(Date, "now", () => now);
  const hours = [0, 0];
  for (; now < began + 2 * HOUR_MS; now += pauseAt(new Date(began).toISOString()))
    hours[Math.floor((now - began) / HOUR_MS)]++;
  context.mock.restoreAll();
  return hours;
}

for (const limit of [1, 100, 1_000, 10_000, 1_000_000]) {
  test(`who looks at what moves takes a tenth of ${limit} requests`, (context) => {
    signedIn(limit);
    const delivery = (created_at) => ({ status: "pending", next_attempt_at: null, created_at });
    const ways = [(at) => pauseNear(at), (at) => pauseOfDelivery(delivery(at))];
    for (const pauseAt of ways) {
      const [first, second] = looks(context, pauseAt);
      // At the beginning it is looked at more often.
      assert.ok(first <= 0.15 * limit + 10, `${first} in the first hour`);
      assert.ok(second <= Math.ceil(limit / 10), `${second} in the second hour`);
    }
    assert.equal(pauseNear(Date.now()), 1_000, "what has just begun is looked at soon");
  });
}

test("a clock that is wrong makes no pause longer", async () => {
  signedIn(100);
  get("account");
  const answer = await asked();
  answer.answer({}, 200, { Date: new Date(Date.now() - HOUR_MS).toUTCString() });
  await settled();
  assert.ok(pauseNear(ago(HOUR_MS)) < 3_000);
  get("account");
  (await asked()).answer({});
  await settled();
  assert.ok(pauseNear(ago(HOUR_MS)) > MINUTE_MS, "an answer without a date");
});

test("a delivery is looked at the more often the nearer its attempt is, and not when it has ended", () => {
  signedIn(10_000);
  const pending = (ms) => pauseOfDelivery({ status: "pending", next_attempt_at: ago(-ms), created_at: "" });
  assert.equal(pending(5_000), 3_000);
  assert.ok(pending(10 * MINUTE_MS) > pending(5 * MINUTE_MS));
  assert.equal(pending(HOUR_MS), MINUTE_MS);
  assert.equal(pauseOfDelivery({ status: "failed", next_attempt_at: null, created_at: ago(0) }), null);
});

test("an import that waits is looked at once a minute, but for one whose file has just been sent from here", () => {
  signedIn(10_000);
  const job = (state, more = {}) => ({ id: "1", state, created_at: ago(MINUTE_MS), ...more });
  assert.equal(pauseOfImport(job("paused")), MINUTE_MS);
  assert.equal(pauseOfImport(job("awaiting_upload")), MINUTE_MS);
  uploads.set(new Map([["1", { state: "sent", sentAt: Date.now(), stop() {} }]]));
  assert.equal(pauseOfImport(job("awaiting_upload")), 1_000);
  uploads.set(new Map());
  assert.ok(pauseOfImport(job("running", { started_at: ago(0) })) < 2_000);
  assert.ok(pauseOfImport(job("completed", { undo: { state: "running", started_at: ago(0) } })) < 2_000);
  assert.equal(pauseOfImport(job("completed", { undo: { state: "done", started_at: ago(0) } })), null);
  assert.equal(pauseOfImport(job("ready")), null);
});

test("rows that move are looked at again until they do not, and not before the first pause", async () => {
  const count = requests.length;
  const list = mounted(() =>
    useMoving(useList("contacts/1/deliveries", { limit: 10 }), "contacts/1/deliveries", ({ status }) =>
      status === "pending" ? 3_000 : null,
    ),
  );
  const states = () => list.value.rows.map((row) => row.status);
  const answer = (...all) => ({ data: all.map((status, id) => ({ id, status })), next_cursor: "c" });
  (await asked()).answer(answer("pending", "failed"));
  const second = await asked();
  assert.deepEqual(states(), ["pending", "failed"]);
  second.answer(answer("pending", "failed"));
  (await asked()).answer(answer("delivered", "failed"));
  await settled();
  assert.deepEqual(states(), ["delivered", "failed"]);
  assert.equal(requests.length, count + 3);
  list.value.again();
  (await asked()).answer(answer("pending", "failed"));
  const next = await asked();
  assert.deepEqual(states(), ["pending", "failed"], "it was sent again");
  next.answer(answer("delivered", "failed"));
  await settled();
  assert.deepEqual(states(), ["delivered", "failed"]);
  assert.equal(requests.length, count + 5);
});

test("what is no yes or no is shown beside both, and can be kept", () => {
  const { value } = mounted(() => TypedField({ kind: "boolean", label: "Member", value: "yes", set() {} }));
  const choices = value.find(Array.isArray);
  assert.deepEqual(
    choices.map(([one]) => one),
    ["", "true", "false", "yes"],
  );
});
