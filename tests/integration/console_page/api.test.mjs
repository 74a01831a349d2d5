import assert from "node:assert/strict";
import { test } from "node:test";
import { asked, requests, settled, unanswered } from "./page.mjs";

const { connection, credentials, Failure, get, patch, post, remove } = await import("./page/api.js");
const { leave, refreshAccount, session } = await import("./page/session.js");
const { entry } = await import("./page/routing.js");
const { isExact } = await import("./page/json.js");

const keyOf = (request) => request.headers["Idempotency-Key"];

test("what was not answered is tried again as the same change", async () => {
  const first = post("exports", { format: "csv" }).catch((failure) => failure);
  await unanswered();
  assert.equal((await first).status, 0);
  const before = keyOf(requests.at(-1));
  const second = post("exports", { format: "csv" });
  const again = await asked();
  assert.equal(keyOf(again), before);
  again.answer({ id: "1" }, 202);
  await second;
  post("exports", { format: "csv" });
  const third = await asked();
  assert.notEqual(keyOf(third), before, "what was answered is done; the same once more is another change");
  third.answer({ id: "2" }, 202);
});

test("who leaves takes along what was not answered", async () => {
  const first = post("exports", { format: "ndjson" }).catch((failure) => failure);
  await unanswered();
  await first;
  const before = keyOf(requests.at(-1));
  leave();
  post("exports", { format: "ndjson" });
  const next = await asked();
  assert.notEqual(keyOf(next), before);
  next.answer({});
});

test("another change has another key, and so has one that was refused", async () => {
  const first = post("tags", { name: "a" }).catch((failure) => failure);
  await unanswered();
  await first;
  const before = keyOf(requests.at(-1));
  const other = post("tags", { name: "b" }).catch((failure) => failure);
  const refused = await asked();
  assert.notEqual(keyOf(refused), before);
  refused.answer({ detail: "No." }, 400);
  assert.equal((await other).message, "No.");
  post("tags", { name: "b" });
  const again = await asked();
  assert.notEqual(keyOf(again), keyOf(refused));
  again.answer({});
});

/** A change that is answered so; its Idempotency-Key. */
async function keyAfter(sending, body, status) {
  const done = sending.catch((failure) => failure);
  const request = await asked();
  request.answer(body, status);
  await done;
  return keyOf(request);
}
const GATEWAYS = { message: "Internal Server Error" };

test("a function that died may have carried the change out: the next try is the same one", async () => {
  for (const status of [500, 507]) {
    const before = requests.length;
    const first = await keyAfter(post("contacts", { email: `${status}@example.com` }), GATEWAYS, status);
    assert.equal(requests.length, before + 1, "it is not repeated by itself");
    assert.equal(await keyAfter(post("contacts", { email: `${status}@example.com` }), {}, 201), first);
  }
});

test("words of a gateway that tell nothing are not passed on", async () => {
  const failed = get("contacts").catch((failure) => failure);
  (await asked()).answer(GATEWAYS, 500);
  assert.match((await failed).message, /API has failed.*500/);
  const ours = get("contacts").catch((failure) => failure);
  (await asked()).answer({ detail: "On our side.", request_id: "r1" }, 500);
  assert.equal((await ours).message, "On our side.");
});

test("a change that was undone since is another one when it is made again", async () => {
  const add = () => patch("contacts/1", { add_tags: ["vip"] });
  const first = await keyAfter(add(), GATEWAYS, 500);
  await keyAfter(patch("contacts/2", { remove_tags: ["vip"] }), {});
  assert.equal(await keyAfter(add(), GATEWAYS, 500), first, "another contact's change says nothing of this one");
  await keyAfter(patch("contacts/1", { remove_tags: ["vip"] }), {});
  assert.notEqual(await keyAfter(add(), {}), first);
  const batch = (op) => post("contacts/batch", { operations: [{ op, ref: "1" }] });
  const many = await keyAfter(batch("delete"), GATEWAYS, 500);
  await keyAfter(batch("update"), { results: [] });
  assert.notEqual(await keyAfter(batch("delete"), { results: [] }), many);
});

test("what was not answered of a thing that was deleted since is forgotten, and nothing else", async () => {
  const restore = () => post("contacts/1/restore");
  const note = () => post("contacts/11/events", { name: "called" });
  const [restored, noted] = [await keyAfter(restore(), {}, 500), await keyAfter(note(), {}, 500)];
  await keyAfter(remove("contacts/1"), {});
  await keyAfter(post("contacts/11/events", { name: "wrote" }), {});
  assert.notEqual(await keyAfter(restore(), {}), restored);
  assert.equal(await keyAfter(note(), {}), noted, "what is added beside it undoes nothing");
});

test("a change needs no secure context", async () => {
  Object.defineProperty(crypto, "randomUUID", { value: undefined, configurable: true });
  post("tags", { name: "c" });
  const request = await asked();
  assert.match(keyOf(request), /^[0-9a-z-]{16,64}$/);
  request.answer({});
});

test("a refusal of the key of an earlier session ends no later one", async () => {
  const ended = [];
  const before = credentials.refused;
  credentials.refused = (failure) => ended.push(failure.status);
  credentials.key = "first";
  const late = get("contacts").catch((failure) => failure);
  const request = await asked();
  credentials.key = "second";
  request.answer({ detail: "Unknown." }, 401);
  assert.equal((await late).status, 401);
  assert.deepEqual(ended, []);
  get("contacts").catch(() => {});
  (await asked()).answer({ detail: "Unknown." }, 401);
  await settled();
  assert.deepEqual(ended, [401]);
  credentials.key = "";
  get("contacts").catch(() => {});
  (await asked()).answer({ detail: "No key." }, 401);
  await settled();
  assert.deepEqual(ended, [401], "nor does a request without any");
  credentials.refused = before;
});

test("who leaves while the account is read stays away", async () => {
  session.set({ account: { name: "before" }, key: { scopes: [] } });
  credentials.key = "first";
  const reading = refreshAccount();
  const request = await asked();
  leave();
  request.answer({ name: "after", key: {} });
  await reading;
  assert.equal(session.get(), null);
});

test("what is given up is not said to be tried again", async () => {
  const ends = new AbortController();
  const said = [];
  connection.subscribe(() => said.push(connection.get()));
  const given = get("contacts", {}, ends.signal).catch((error) => error);
  (await asked()).answer({}, 503, { "Retry-After": "1" });
  (await asked()).answer({}, 503, { "Retry-After": "1" });
  await asked();
  assert.match(connection.get(), /busy/);
  ends.abort();
  await given;
  assert.equal(connection.get(), null);
});

test("an answer to one request does not end what is said of another that waits", async () => {
  const waiting = get("contacts");
  (await asked()).answer({}, 503, { "Retry-After": "1" });
  const repeated = await asked();
  assert.match(connection.get(), /busy/);
  const other = get("account");
  (await asked()).answer({});
  await other;
  assert.match(connection.get(), /busy/);
  repeated.answer({});
  await waiting;
  assert.equal(connection.get(), null);
});

test("an answer of somebody else, as of a hotel's network, is a failure", async () => {
  const page = get("contacts").catch((failure) => failure);
  (await asked()).answer("<html>Log in to the network</html>");
  assert.ok((await page) instanceof Failure);
  const gateway = get("contacts").catch((failure) => failure);
  (await asked()).answer({ message: "Request Too Long" }, 413);
  assert.equal((await gateway).message, "Request Too Long");
});

test("a table has only what was put there", () => {
  assert.equal(entry({ day: 1 }, "day"), 1);
  for (const name of ["constructor", "__proto__", "toString"]) assert.equal(entry({ day: 1 }, name), undefined);
});

test("a browser without raw JSON says which numbers it has rounded", () => {
  if (JSON.rawJSON) return;
  for (const value of [9007199254740993, 1234567890123.45678, 0.12345678901234567]) {
    assert.equal(isExact(value), false, String(value));
  }
  for (const value of [1.5, 123456789012, "2026-01-15T10:30:00Z"]) assert.ok(isExact(value), String(value));
});
