// @ts-check
/** What is done to the contacts that are selected: a hundred in a request, each with a result of its own. */

import { post } from "../../api.js";
import { Dialog } from "../../elements/dialog.js";
import { useFocusAfter } from "../../elements/focus.js";
import { Button } from "../../elements/forms.js";
import { LabelField } from "../../elements/labels_editor.js";
import { FailureNotice, say } from "../../elements/notices.js";
import { counted } from "../../elements/shown.js";
import { useAction, useGone } from "../../loading.js";
import { href } from "../../routing.js";
import { html, useState } from "../../vendor/preact.js";
import { cut } from "../contact/record.js";

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
 * @typedef {object} BulkProperties
 * @property {Selected} selected
 * @property {(next: Selected | ((now: Selected) => Selected)) => void} keep Takes what is selected from now on.
 * @property {() => void} done Called when something has been changed.
 */

/** @param {BulkProperties} properties */
export function Bulk(properties) {
  const { selected, keep } = properties;
  const [deed, setDeed] = useState(/** @type {Deed | null} */ (null));
  useFocusAfter(!selected.size, () => (selected.size ? null : document.querySelector("thead input")));
  if (!selected.size && !deed) return null;
  return html`<fieldset class="bulk">
    <legend class="hidden">What is selected</legend>
    <strong role="status">${counted(selected.size, "contact")} selected</strong>
    ${DEEDS.map((one) => html`<${Button} key=${one.words} kind=${one.what ? "" : "danger"} act=${() => setDeed(one)}>${one.words}<//>`)}
    <${Button} kind="quiet" act=${() => keep(new Map())}>Select none<//>
    ${deed && html`<${Doing} deed=${deed} ...${properties} close=${() => setDeed(null)} />`}
  </fieldset>`;
}

/** @param {BulkProperties & {deed: Deed, close: () => void}} properties */
function Doing({ deed, selected, keep, done, close }) {
  const [name, setName] = useState("");
  const [tried, setTried] = useState(0);
  const [refused, setRefused] = useState(/** @type {{id: string, why: string}[]} */ ([]));
  // It is done to what was selected when the dialog was opened, whatever the list shows meanwhile.
  const [left, setLeft] = useState(selected);
  const gone = useGone();
  const doing = useAction(async () => {
    const isDone = new Set();
    const failed = /** @type {{id: string, why: string}[]} */ ([]);
    setRefused([]);
    setTried(0);
    try {
      for (const ids = [...left.keys()]; ids.length && !gone.current; setTried(left.size - ids.length)) {
        for (const { id, why } of await carriedOut(deed, name, ids.splice(0, AT_ONCE))) {
          if (why) failed.push({ id, why });
          else isDone.add(id);
        }
      }
    } finally {
      // What is done is done, also where a later request failed.
      const without = (/** @type {Selected} */ all) => new Map([...all].filter(([id]) => !isDone.has(id)));
      setRefused(failed);
      setLeft(without);
      keep(without);
      if (isDone.size) done();
    }
    if (failed.length && !gone.current) return;
    const rest = failed.length ? ` ${counted(failed.length, "contact")} could not be changed.` : "";
    say(`Done: ${deed.words.toLowerCase()}, ${counted(isDone.size, "contact")}.${rest}`);
    if (!gone.current) close();
  });
  return html`<${Dialog} title=${`${deed.words}: ${counted(left.size, "contact")}`} close=${close}>
    ${
      deed.what && !name
        ? html`<${LabelField} what=${deed.what} label=${deed.words} words="Choose" add=${setName} />`
        : name && html`<p>${deed.words}: <strong dir="auto">${name}</strong></p>`
    }
    ${deed.note && html`<p>${deed.note}</p>`}
    ${doing.isBusy && html`<progress max=${left.size} value=${tried} aria-label="How far it is" />`}
    <${FailureNotice} failure=${doing.failure} />
    ${
      refused.length > 0 &&
      html`<div class="failure" role="alert">
      <p>${counted(refused.length, "contact")} could not be changed:</p>
      <ul>${refused.map(({ id, why }) => html`<li key=${id}><a href=${href(`contact/${id}`)} dir="auto">${cut(left.get(id) ?? id)}</a>: ${why}</li>`)}</ul>
    </div>`
    }
    <div class="actions">
      <${Button} act=${close}>${doing.isBusy ? "Stop" : refused.length ? "Close" : "Cancel"}<//>
      ${
        (!deed.what || name) &&
        html`<${Button} act=${doing.act} kind=${deed.what ? "main" : "danger"} isBusy=${doing.isBusy}>${refused.length ? "Try these again" : deed.words}<//>`
      }
    </div>
  <//>`;
}

/**
 * Carry a deed out, by one request.
 *
 * @param {Deed} deed @param {string} name @param {string[]} ids
 * @returns {Promise<{id: string, why: string}[]>} `why` a contact was refused; "": it was not.
 */
async function carriedOut({ change }, name, ids) {
  const operations = ids.map((ref) => ({
    ...(change ? { op: "update", contact: change(name) } : { op: "delete" }),
    ref,
    by: "id",
  }));
  const { data } = await post("contacts/batch", { operations });
  return data.results.map((/** @type {any} */ { index, status, problem }) => {
    // What is in the trash already, maybe by a try before this, is where it should be.
    const isDone = status < 300 || (status === 404 && !change);
    return { id: ids[index], why: isDone ? "" : (problem?.detail ?? `refused (${status})`) };
  });
}
