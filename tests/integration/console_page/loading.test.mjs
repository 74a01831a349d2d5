import assert from "node:assert/strict";
import { test } from "node:test";
import { asked, happens, pauses, requests, settled } from "./page.mjs";

const { get, patch } = await import("./page/api.js");
const { Announcements } = await import("./page/elements/notices.js");
const { route } = await import("./page/routing.js");
const { useAction, useGo, useList, useLoaded } = await import("./page/loading.js");
const { mounted } = await import("./page/vendor/preact.js");

const page = (ids, next_cursor = null) => ({
  data: [...ids].map((id) => ({ id })),
  has_more: next_cursor !== null,
  next_cursor,
});
const names = (list) => list.value.rows.map((row) => row.id).join("");

/** A list whose query can be changed. */
function listed() {
  const state = { query: { tag: "a" } };
  const list = mounted(() => useList("contacts", state.query));
  const search = (tag) => {
    state.query = { tag };
    list.draw();
  };
  return { list, search };
}

test("an answer that was asked for before a change does not replace it", async () => {
  const loaded = mounted(() => useLoaded(async (signal) => (await get("imports/1", {}, signal)).data, []));
  (await asked()).answer({ state: "reading" });
  await settled();
  loaded.value.again();
  const late = await asked();
  loaded.value.set({ state: "cancelled" });
  late.answer({ state: "reading" });
  await settled();
  assert.equal(loaded.value.data.state, "cancelled");
  assert.equal(loaded.value.isLoading, false);
});

test("the next page is not asked for with the cursor of another list", async () => {
  const { list, search } = listed();
  (await asked()).answer(page("ab", "c1"));
  await settled();
  assert.ok(list.value.more);
  search("b");
  assert.equal(list.value.more, null);
  (await asked()).answer(page("x", "c2"));
  await settled();
  list.value.more();
  const next = await asked();
  assert.match(next.url, /tag=b&cursor=c2/);
  next.answer(page("y"));
  await settled();
  assert.equal(names(list), "xy");
});

test("the way to the next page stays while that is loaded, and asks for it once", async () => {
  const { list } = listed();
  (await asked()).answer(page("ab", "c1"));
  await settled();
  list.value.more();
  const next = await asked();
  const count = requests.length;
  assert.equal(list.value.isLoading, true);
  list.value.more();
  await settled();
  assert.equal(requests.length, count);
  next.answer(page("cd"));
  await settled();
  assert.equal(names(list), "abcd");
  assert.equal(list.value.more, null);
});

test("a page that comes late joins no list but its own", async () => {
  const { list, search } = listed();
  (await asked()).answer(page("ab", "c1"));
  await settled();
  list.value.more();
  const late = await asked();
  search("b");
  (await asked()).answer(page("xy", "c2"));
  await settled();
  assert.equal(list.value.isLoading, false, "nobody waits for the late one");
  assert.ok(list.value.more);
  late.answer(page("cd"));
  await settled();
  assert.equal(names(list), "xy");
});

test("a list that is loaded again has its first page, and none of the old ones", async () => {
  const { list } = listed();
  (await asked()).answer(page("ab", "c1"));
  await settled();
  list.value.more();
  (await asked()).answer(page("cd", "c2"));
  await settled();
  list.value.more();
  const late = await asked();
  list.value.again();
  (await asked()).answer(page("zab", "c3"));
  await settled();
  late.answer(page("ef"));
  await settled();
  assert.equal(names(list), "zab");
});

test("a page that failed is tried again; a cursor that is refused begins anew", async () => {
  const { list, search } = listed();
  (await asked()).answer(page("ab", "c1"));
  await settled();
  list.value.more();
  (await asked()).answer({ detail: "No." }, 400);
  await settled();
  assert.equal(list.value.failure.message, "No.");
  assert.ok(list.value.more);
  list.value.more();
  (await asked()).answer({ detail: "cursor", errors: [{ field: "cursor", message: "is none" }] }, 400);
  await settled();
  assert.ok(list.value.failure.of("cursor"));
  assert.equal(list.value.more, null);
  search("b");
  (await asked()).answer(page("x"));
  await settled();
  assert.equal(list.value.failure, null, "what was wrong with another list is not told of this one");
});

test("a mistake of the page ends what was begun, and is shown", async (context) => {
  context.mock.method(console, "error", () => {});
  const action = mounted(() =>
    useAction(async () => {
      throw new TypeError("undefined is not a function");
    }),
  );
  assert.equal(await action.value.act(), false);
  await settled();
  assert.equal(action.value.isBusy, false);
  assert.match(action.value.failure.message, /our fault/);
  const loaded = mounted(() =>
    useLoaded(async () => {
      throw new RangeError("Invalid time value");
    }, []),
  );
  await settled();
  assert.equal(loaded.value.isLoading, false);
  assert.match(loaded.value.failure.message, /our fault/);
});

test("a tab that nobody looks at asks for nothing until somebody does", async () => {
  const loaded = mounted(() =>
    useLoaded(
      async (signal) => (await get("imports/2", {}, signal)).data,
      [],
      () => 5_000,
    ),
  );
  document.hidden = true;
  (await asked()).answer({ state: "paused" });
  await settled();
  const count = requests.length;
  assert.ok(pauses.includes(5_000));
  await settled();
  assert.equal(requests.length, count);
  document.hidden = false;
  happens("visibilitychange");
  await settled();
  assert.equal(requests.length, count + 1);
  loaded.end();
});

test("after the requests of an hour are used up it is looked at again when there are new ones", async () => {
  const loaded = mounted(() =>
    useLoaded(
      async (signal) => (await get("imports/3", {}, signal)).data,
      [],
      (job) => (job?.state === "running" ? 5_000 : null),
    ),
  );
  (await asked()).answer({ state: "running" });
  (await asked()).answer({ detail: "Used up." }, 429, { "Retry-After": "1800" });
  const next = await asked();
  assert.ok(pauses.includes(1_800_000));
  next.answer({ detail: "No." }, 404);
  await settled();
  assert.equal(requests.at(-1), next, "what was refused for good is not asked for again");
  assert.equal(loaded.value.failure.status, 404);
});

/** What is said from now on. */
function listening() {
  const heard = [];
  mounted(() => {
    const [said] = Announcements();
    if (said) heard.push(...said);
  });
  return heard;
}

test("who has left before an answer came stays where they are, and is told what was not done", async () => {
  const heard = listening();
  const hook = () => {
    const go = useGo();
    return useAction(async (id) => {
      await patch(`contacts/${id}`, { name: "Ada" });
      go(`#/contact/${id}`);
    });
  };
  const form = mounted(hook);
  form.value.act("1");
  (await asked()).answer({});
  await settled();
  assert.equal(route.get().id, "1");
  for (const [status, words] of [
    [200, []],
    [422, ["Not done: No such field."]],
    [401, []],
  ]) {
    const left = mounted(hook);
    const acting = left.value.act("2");
    const request = await asked();
    left.end();
    request.answer({ detail: "No such field." }, status);
    assert.equal(await acting, status === 200);
    await settled();
    assert.equal(route.get().id, "1");
    assert.deepEqual(heard.splice(0), words, String(status));
  }
});
