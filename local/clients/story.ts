// A day with openapi-fetch on the types that openapi-typescript makes: all of a contact's life, and what can go wrong
// in it. API and KEY in the environment say where. Ends with an AssertionError where something is not as it should be.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Contact = components["schemas"]["Contact"];
type Problem = components["schemas"]["Problem"];
type ProblemCode = components["schemas"]["ProblemCode"];

const baseUrl = process.env["API"] ?? "";
const key = process.env["KEY"] ?? "";
const tag = "typescript-story";
const client = createClient<paths>({ baseUrl, headers: { "X-API-Key": key } });

async function aLife(): Promise<void> {
  const body: components["schemas"]["NewContact"] = {
    email: "Joan@Example.com",
    external_id: "ts/1",
    phone: "+4915112345678",
    tags: [tag],
    custom_fields: { city: "Київ", seats: 12 },
  };
  const params = { header: { "Idempotency-Key": `${tag}-1` } };
  const made = await client.POST("/v1/contacts", { body, params });
  assert(made.data && "email" in made.data, JSON.stringify(made.error));
  const { id, version }: { id: string; version: number } = made.data;
  assert.equal(made.data.email, "joan@example.com");
  assert(new Date(made.data.created_at).getTime() > Date.now() - 300_000);

  const again = await client.POST("/v1/contacts", { body, params });
  assert.equal(again.data?.id, id);
  assert.equal(again.response.headers.get("Idempotent-Replayed"), "true");

  for (const [ref, by] of [[id, "id"], ["joan@example.com", "email"], ["ts/1", "external_id"]] as const) {
    const read = await client.GET("/v1/contacts/{ref}", { params: { path: { ref }, query: { by } } });
    assert(read.data, JSON.stringify(read.error));
    const contact: Contact = read.data;
    assert.equal(contact.id, id);
    assert.deepEqual(contact.custom_fields, { city: "Київ", seats: 12 });
  }

  const changed = await client.PATCH("/v1/contacts/{ref}", {
    params: { path: { ref: "ts/1" }, header: { "If-Match": `"${version}"` } },
    body: { first_name: "Joan", phone: null, add_tags: ["navy"], custom_fields: { seats: null } },
  });
  assert(changed.data && "tags" in changed.data, JSON.stringify(changed.error));
  assert.equal(changed.data.phone, null);
  assert.deepEqual(changed.data.tags, [tag, "navy"]);
  assert.deepEqual(changed.data.custom_fields, { city: "Київ" });
  assert.equal(changed.data.version, version + 1);

  const ref = { params: { path: { ref: "ts/1" } } };
  const gone = await client.DELETE("/v1/contacts/{ref}", ref);
  assert.deepEqual(gone.data, { deleted: true, id, permanent: false });
  isAProblem(await client.GET("/v1/contacts/{ref}", ref), 404, "contact_not_found");
}

async function many(): Promise<void> {
  const emails = [1, 2, 3, 4, 5].map((n) => `ts-${n}@example.com`);
  const done = await client.POST("/v1/contacts/batch", {
    body: {
      operations: [
        ...emails.map((email) => ({ op: "create" as const, contact: { email, tags: [tag] } })),
        { op: "delete", ref: "nobody@example.com" },
      ],
    },
  });
  assert(done.data, JSON.stringify(done.error));
  assert.deepEqual(done.data.results.map((one) => one.status), [201, 201, 201, 201, 201, 404]);
  assert.equal(done.data.results[5]?.problem?.code, "contact_not_found" satisfies ProblemCode);

  const found: (string | null)[] = [];
  let cursor: string | null = null;
  do {
    const page: { data?: components["schemas"]["ContactPage"]; error?: Problem } = await client.GET("/v1/contacts", {
      params: { query: { limit: 2, tag: [tag], sort: "created_at", ...(cursor && { cursor }) } },
    });
    assert(page.data, JSON.stringify(page.error));
    found.push(...page.data.data.map((contact) => contact.email));
    cursor = page.data.next_cursor;
  } while (cursor);
  // The tags of a contact may follow a moment later.
  assert(found.every((email) => email !== null && emails.includes(email)));
  assert.equal(new Set(found).size, found.length);
}

async function problems(): Promise<void> {
  const existing = await client.POST("/v1/contacts", { body: { email: "ts-problems@example.com" } });
  assert(existing.data, JSON.stringify(existing.error));
  const duplicate = isAProblem(
    await client.POST("/v1/contacts", { body: { email: "TS-problems@example.com" } }),
    409,
    "duplicate_contact",
  );
  assert.equal(duplicate.existing_id, existing.data.id);

  const invalid = isAProblem(
    await client.POST("/v1/contacts", { body: { email: "nobody", phone: "12" } }),
    400,
    "invalid_input",
  );
  assert.deepEqual(invalid.errors?.map((error) => error.field).sort(), ["email", "phone"]);
  // @ts-expect-error A member of another type does not compile, and is refused.
  isAProblem(await client.POST("/v1/contacts", { body: { email: 42 } }), 400, "invalid_input");
  // @ts-expect-error Nor does a misspelt one, where the type of a body is named.
  const misspelt = { emial: "ada@example.com" } satisfies components["schemas"]["NewContact"];
  isAProblem(await client.POST("/v1/contacts", { body: misspelt }), 400, "invalid_input");

  isAProblem(
    await client.PATCH("/v1/contacts/{ref}", {
      params: { path: { ref: "ts-problems@example.com" }, header: { "If-Match": '"99"' } },
      body: { name: "X" },
    }),
    412,
    "stale_version",
  );
  isAProblem(
    await client.POST("/v1/contacts", {
      body: { email: "other@example.com" },
      params: { header: { "Idempotency-Key": `${tag}-1` } },
    }),
    422,
    "idempotency_key_reused",
  );
  const nobody = createClient<paths>({ baseUrl, headers: { Authorization: "Bearer sk_live_nobody" } });
  isAProblem(await nobody.GET("/v1/account"), 401, "not_authenticated");
}

function isAProblem(answer: { error?: Problem; response: Response }, status: number, code: ProblemCode): Problem {
  const problem = answer.error;
  assert(problem, "it was not refused");
  assert.deepEqual([answer.response.status, problem.status, problem.code], [status, status, code]);
  assert(problem.detail && problem.request_id);
  return problem;
}

await aLife();
await many();
await problems();
console.log("created, read, listed, changed, deleted; 400, 401, 404, 409, 412 and 422 are typed problems");
