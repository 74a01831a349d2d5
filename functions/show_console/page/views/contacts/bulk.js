// @ts-check
/** What is done to the contacts that are selected: a hundred in a request, each with a result of its own. */

import { post } from "../../api.js";
import { Dialog } from "../../elements/dialog.js";
import { Button, Form } from "../../elements/forms.js";
import { LabelField } from "../../elements/labels_editor.js";
import { FailureNotice, say } from "../../elements/notices.js";
import { counted } from "../../elements/shown.js";
import { useAction } from "../../loading.js";
import { href } from "../../routing.js";
import { html, useState } from "../../vendor/preact.js";

/** Operations that the API takes in one request. */
const AT_ONCE = 100;

/** @typedef {{words: string, what?: "tag" | "list", change?: (name: string) => object, note?: string}} Deed */
/** What can be done. Without `change` the contacts go to the trash. @type {Deed[]} */
const DEEDS = [
  { words: "Add a tag", what: "tag", change: (name) => ({ add_tags: [name] }) },
  { words: "Remove a tag", what: "tag", change: (name) => ({ remove_tags: [name] }) },
  { words: "Add to a list", what: "list", change: (name) => ({ add_lists: [name] }) },
  { words: "Remove from a list", what: "list", change: (name) => ({ remove_lists: [name] }) },
  {
    words: "Unsubscribe",
    change: () => ({ is_unsubscribed: true }),
    note: "They stay opted out, whatever happens to the contacts. Only each person's own word brings them back, one by one.",
  },
  { words: "Delete", note: "They go to the trash and can be restored for 30 days, one by one." },
];

/** By id: the name of a contact that is selected. @typedef {Map<string, string>} Selected */

/**
 * @param {{selected: Selected, keep: (selected: Selected) => void, done: () => void}} properties
 *   `keep`: takes what is selected from now on; `done`: something has been changed.
 */
export function Bulk({ selected, keep, done }) {
  const [deed, setDeed] = useState(/** @type {Deed | null} */ (null));
  if (!selected.size) return null;
  return html`<fieldset class="bulk">
    <legend class="hidden">What is selected</legend>
    <strong role="status">${counted(selected.size, "contact")} selected</strong>
    ${DEEDS.map((one) => html`<${Button} key=${one.words} kind=${one.what ? "" : "danger"} act=${() => setDeed(one)}>${one.words}<//>`)}
    <${Button} kind="quiet" act=${() => keep(new Map())}>Select none<//>
    ${deed && html`<${Doing} deed=${deed} ...${{ selected, keep, done }} close=${() => setDeed(null)} />`}
  </fieldset>`;
}

/** @typedef {{id: string, name: string, why: string}} Refused */

/** @param {{deed: Deed, selected: Selected, keep: (selected: Selected) => void, done: () => void, close: () => void}} properties */
function Doing({ deed, selected, keep, done, close }) {
  const [name, setName] = useState("");
  const [carriedOut, setCarriedOut] = useState(0);
  const [refused, setRefused] = useState(/** @type {Refused[]} */ ([]));
  const doing = useAction(async () => {
    const left = new Map(selected);
    const failed = /** @type {Refused[]} */ ([]);
    setRefused([]);
    setCarriedOut(0);
    const ids = [...selected.keys()];
    try {
      for (let first = 0; first < ids.length; first += AT_ONCE) {
        const some = ids.slice(first, first + AT_ONCE);
        for (const [index, why] of (await carriedOutOn(some, deed, name)).entries()) {
          if (why) failed.push({ id: some[index], name: selected.get(some[index]) ?? "", why });
          else left.delete(some[index]);
        }
        setCarriedOut(first + some.length);
      }
    } finally {
      setRefused(failed);
      keep(left);
      if (left.size < selected.size) done();
    }
    if (!failed.length) {
      close();
      say(`Done: ${deed.words.toLowerCase()}, ${counted(ids.length, "contact")}.`);
    }
  });
  const mayGo = !deed.what || name;
  return html`<${Dialog} title=${`${deed.words}: ${counted(selected.size, "contact")}`} close=${close}>
    ${deed.what && !name && html`<${LabelField} what=${deed.what} label=${deed.words} words="Choose" add=${setName} />`}
    ${name && html`<p>${deed.words}: <strong dir="auto">${name}</strong>${" "}<${Button} kind="quiet" act=${() => setName("")}>Another one<//></p>`}
    ${deed.note && html`<p>${deed.note}</p>`}
    ${doing.isBusy && html`<progress max=${selected.size} value=${carriedOut} aria-label="How far it is" />`}
    <${FailureNotice} failure=${doing.failure} />
    ${
      refused.length > 0 &&
      html`<div class="failure" role="alert">
      <p>${counted(refused.length, "contact")} could not be changed, and stay selected:</p>
      <ul>${refused.map((one) => html`<li key=${one.id}><a href=${href(`contact/${one.id}`)} dir="auto">${one.name}</a>: ${one.why}</li>`)}</ul>
    </div>`
    }
    <${Form} send=${doing.act}>
      <div class="actions">
        <${Button} act=${close}>${refused.length ? "Close" : "Cancel"}<//>
        ${mayGo && html`<${Button} kind=${deed.what ? "main" : "danger"} isBusy=${doing.isBusy}>${refused.length ? "Try these again" : deed.words}<//>`}
      </div>
    <//>
  <//>`;
}

/**
 * Carry a deed out.
 *
 * @param {string[]} ids @param {Deed} deed @param {string} name
 * @returns {Promise<string[]>} Contact by contact why it was refused; "": it was not.
 */
async function carriedOutOn(ids, deed, name) {
  const operations = ids.map((ref) =>
    deed.change
      ? { op: "update", ref, by: "id", contact: deed.change(name) }
      : { op: "delete", ref, by: "id" },
  );
  const { data } = await post("contacts/batch", { operations });
  return data.results.map((/** @type {any} */ { status, problem }) => {
    // What is in the trash already, maybe by a try before this, is where it should be.
    const isDone = status < 300 || (status === 404 && !deed.change);
    return isDone ? "" : (problem?.detail ?? problem?.code ?? `refused (${status})`);
  });
}
