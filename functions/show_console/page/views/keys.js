// @ts-check
/** API keys: which there are and what each may, a new one (shown once), and revoking them. */

import { part, post, remove } from "../api.js";
import { Copy } from "../elements/copy.js";
import { Confirm, Dialog, FormDialog } from "../elements/dialog.js";
import { Button, Choice, TextField, Toggle } from "../elements/forms.js";
import { say } from "../elements/notices.js";
import { Page } from "../elements/page.js";
import { Badge, Time } from "../elements/shown.js";
import { Table } from "../elements/table.js";
import { useAction, useList } from "../loading.js";
import { go, href, stayFor } from "../routing.js";
import { isTest, leave, may, session } from "../session.js";
import { html, useState } from "../vendor/preact.js";

/**
 * @typedef {{id: string, name: string, scopes: string[], mode: "live" | "test", dialect: string, last_four: string,
 *   created_at: string, made_by: string | null, last_used_hour?: string, key?: string}} ApiKey
 */

const SCOPES = /** @type {Record<string, string>} */ ({
  "contacts:read": "look at contacts, tags, lists and channels",
  "contacts:write": "change contacts and channels",
  "properties:read": "look at properties",
  "properties:write": "define and change properties",
  "webhooks:read": "look at webhooks and what they were sent",
  "webhooks:write": "register and change webhooks",
  "imports:read": "look at imports",
  "imports:write": "import files, undo imports",
  "exports:read": "look at exports and fetch their files",
  "exports:write": "export contacts",
  "account:read": "look at plan and usage; sign in to this console",
  "keys:write": "see, create and revoke API keys",
});
/** Scopes that also a key may give which lacks them, and what it must have. */
const GIVEN = /** @type {Record<string, string>} */ ({
  "imports:read": "contacts:write",
  "imports:write": "contacts:write",
  "exports:read": "contacts:read",
  "exports:write": "contacts:read",
});
const DIALECTS = /** @type {Record<string, string>} */ ({
  native: "this API",
  sendmator: "Sendmator",
  smashsend: "SMASHSEND",
  smashsend_v2: "SMASHSEND, the newer API of its Node SDK",
  smartsender: "Smart Sender",
  artamail: "Artamail",
});
const HOUR_MS = 3_600_000;
/** What SMASHSEND calls its keys' rights. */
const BUNDLES = ["api_user", "user"];

/** @param {{route: import("../routing.js").Route}} properties */
export function View({ route }) {
  const list = /** @type {import("../loading.js").Listed<ApiKey>} */ (useList(isTest() ? null : "api-keys"));
  const [revoking, setRevoking] = useState(/** @type {ApiKey | null} */ (null));
  const close = () => go(href("keys"), { replace: true });
  const byId = new Map(list.rows.map((key) => [key.id, key]));
  const columns = /** @type {import("../elements/table.js").Column<ApiKey>[]} */ ([
    { title: "Name", isHead: true, cell: named },
    { title: "API", kind: "wide", cell: ({ dialect }) => DIALECTS[dialect] ?? dialect },
    { title: "Rights", kind: "text", cell: allowed },
    {
      title: "Created",
      kind: "wide",
      cell: ({ created_at, made_by }) => html`<${Time} at=${created_at} />
        ${made_by && html`<p class="small">by <span dir="auto">${byId.get(made_by)?.name ?? "a key that is revoked"}</span></p>`}`,
    },
    { title: "Last used", kind: "wide", cell: used },
    {
      title: "Changes",
      cell: (key) =>
        html`<${Button} kind="danger" act=${() => setRevoking(key)} aria-label=${`Revoke: ${key.name}`}>Revoke<//>`,
    },
  ]);
  return html`<${Page} title="API keys" under="What programs and people come with. A key itself is shown once, when it is created."
    actions=${!isTest() && html`<a class="button main" href=${href("keys", { new: "1" })}>New key</a>`}>
    ${isTest() && html`<p>A test key sees no keys, and creates and revokes none. Sign in with a live key to do so.</p>`}
    <${Table} caption="Keys" list=${list} id=${(/** @type {ApiKey} */ key) => key.id} columns=${columns} />
    ${route.query.has("new") && !isTest() && html`<${NewKey} close=${close} made=${list.again} />`}
    ${revoking && html`<${Revoke} revoked=${revoking} keys=${list.rows} close=${() => setRevoking(null)} again=${list.again} />`}
  <//>`;
}

/** @param {ApiKey} key */
const isOwn = (key) => key.id === session.get()?.key.id;

/** @param {ApiKey} key */
const named = (key) => html`<span dir="auto">${key.name}</span>
  ${isOwn(key) && html` <${Badge} kind="good">yours<//>`} ${key.mode === "test" && html` <${Badge} kind="busy">test<//>`}
  <p class="small">ends in <code>${key.last_four}</code></p>`;

/** @param {ApiKey} key */
function used({ last_used_hour: hour }) {
  if (!hour) return html`<span class="none">not in 31 days</span>`;
  const at = `${hour}:00:00Z`;
  return Date.now() - Date.parse(at) < HOUR_MS ? "this hour" : html`<${Time} at=${at} />`;
}

/** @param {ApiKey} key */
function allowed({ scopes }) {
  if (Object.keys(SCOPES).every((scope) => scopes.includes(scope))) return "everything";
  const areas = new Map();
  for (const scope of scopes) {
    const [area, right] = scope.split(":");
    areas.set(area, [...(areas.get(area) ?? []), right ?? ""]);
  }
  return [...areas].map(([area, rights]) => `${area}${rights[0] && `: ${rights.join(", ")}`}`).join(" · ");
}

/** @param {string} scope */
const mayGive = (scope) => may(scope) || Boolean(GIVEN[scope] && may(GIVEN[scope]));

/**
 * A new key: first its form, then the key, which is shown this once.
 *
 * @param {{close: () => void, made: () => void}} properties
 */
function NewKey({ close, made }) {
  const giveable = Object.keys(SCOPES).filter(mayGive);
  const looking = giveable.filter((scope) => scope.endsWith(":read"));
  const [name, setName] = useState("");
  const [mode, setMode] = useState("live");
  const [dialect, setDialect] = useState("native");
  const [rights, setRights] = useState("look");
  const [chosen, setChosen] = useState(looking);
  const [key, setKey] = useState(/** @type {ApiKey | null} */ (null));
  const bundles = dialect.startsWith("smashsend") ? BUNDLES : [];
  const choices = /** @type {[string, string][]} */ ([
    ["look", "look at everything"],
    ["all", "do everything that your key may"],
    ["some", "what you choose"],
    ...bundles.map((bundle) => [bundle, `what ${bundle} may at SMASHSEND`]),
  ]);
  // A bundle that was chosen is none of another dialect's.
  const right = choices.some(([one]) => one === rights) ? rights : "look";
  const scopes = { look: looking, all: giveable, some: chosen }[right] ?? [right];
  const making = useAction(async () => {
    setKey((await stayFor(post("api-keys", { name: name.trim(), mode, dialect, scopes }))).data);
    made();
  });
  const wrong = (/** @type {string} */ field) => making.failure?.of(field) ?? "";
  if (key) return html`<${Made} made=${key} close=${close} />`;
  return html`<${FormDialog} title="New key" words="Create the key" send=${making.act} close=${close} doing=${making}
    known=${["name", "mode", "dialect", "scopes"]}>
    <${TextField} label="Name" value=${name} set=${setName} wrong=${wrong("name")} hint="Who or what will use it, such as CRM sync." />
    <${Choice} label="API" value=${dialect} set=${setDialect} wrong=${wrong("dialect")} choices=${Object.entries(DIALECTS)}
      hint=${
        dialect === "native"
          ? "Another vendor's API: for a program that was written for it."
          : "The program goes on as it is, with this host and this key. It opens no console."
      } />
    <${Choice} label="Mode" value=${mode} set=${setMode} wrong=${wrong("mode")}
      choices=${[["live", "live: it works on the contacts"], ["test", "test: all is checked and answered, nothing is kept"]]} />
    <${Choice} label="Rights" value=${right} set=${setRights} wrong=${wrong("scopes")} choices=${choices} />
    ${
      right === "some" &&
      html`<fieldset>
        <legend>Rights</legend>
        ${giveable.map(
          (scope) => html`<div key=${scope}>
            <${Toggle} label=${html`<code>${scope}</code> ${SCOPES[scope]}`} value=${chosen.includes(scope)}
              set=${(/** @type {boolean} */ isChosen) => setChosen(chosen.filter((one) => one !== scope).concat(isChosen ? scope : []))} />
          </div>`,
        )}
      </fieldset>`
    }
  <//>`;
}

/** @param {{made: ApiKey, close: () => void}} properties */
const Made = ({
  made,
  close,
}) => html`<${Dialog} title=${made.key ? "Copy the key now" : "The key has been lost"} close=${close}
  isHeld=${Boolean(made.key)}>
  ${
    made.key
      ? html`<p>It is shown this once. Who has it may do on the account what the key may, so keep it where passwords are kept.</p>
        <p><${Copy} text=${made.key} what="the key" /></p>`
      : html`<p>The key ending in <code>${made.last_four}</code> was created, but the answer that had it did not arrive, and it is not
        shown a second time. Revoke it, and create another one.</p>`
  }
  <div class="actions"><${Button} kind="main" act=${close}>${made.key ? "I have kept it" : "Close"}<//></div>
<//>`;

/** @param {{revoked: ApiKey, keys: ApiKey[], close: () => void, again: () => void}} properties */
function Revoke({ revoked, keys, close, again }) {
  const own = isOwn(revoked);
  const family = madeBy(keys, revoked.id);
  const act = async () => {
    await remove(`api-keys/${part(revoked.id)}`);
    if (own) return leave("You have revoked the key with which you were signed in.");
    say(`${revoked.name} is revoked.`);
    again();
  };
  return html`<${Confirm} title=${`Revoke ${revoked.name}?`} words="Revoke" isDanger typed=${revoked.last_four} act=${act} close=${close}>
    ${own && html`<p><strong>You are signed in with this key. You will be signed out.</strong></p>`}
    <p>Within a minute the key ending in <code>${revoked.last_four}</code> opens nothing any more. Who uses it needs another one.
      This cannot be undone.</p>
    ${
      family.length > 0 &&
      html`<p>With it go the keys that were created with it:</p>
      <ul>${family.map((key) => html`<li key=${key.id} dir="auto">${key.name} <code>${key.last_four}</code></li>`)}</ul>`
    }
  <//>`;
}

/**
 * The keys that a key has made, and that these have made, and so on. The key that one is signed in with stays, with its own.
 *
 * @param {ApiKey[]} keys @param {string} id
 */
export function madeBy(keys, id) {
  const makers = [id];
  const made = /** @type {ApiKey[]} */ ([]);
  // The list grows while one goes through it: each key stands behind its maker.
  for (const maker of makers) {
    for (const key of keys) {
      if (key.made_by !== maker || isOwn(key) || makers.includes(key.id)) continue;
      makers.push(key.id);
      made.push(key);
    }
  }
  return made;
}
