// @ts-check
/** A contact goes to the trash and comes back, or is erased for good; and all that is known of a person as a file. */

import { get, part, post, remove } from "../../api.js";
import { Confirm } from "../../elements/dialog.js";
import { Button } from "../../elements/forms.js";
import { FailureNotice, say } from "../../elements/notices.js";
import { Page } from "../../elements/page.js";
import { useAction, useGo } from "../../loading.js";
import { HOME, href } from "../../routing.js";
import { may } from "../../session.js";
import { html, useState } from "../../vendor/preact.js";
import { cut, ifUnchanged, nameOf } from "./record.js";

/** What is known of a contact that may be in the trash: its id, and perhaps its version. @typedef {Pick<ContactRecord, "contact" | "path"> & Partial<ContactRecord>} Known */
/** @typedef {import("./record.js").ContactRecord} ContactRecord */

/** @param {{record: ContactRecord, close: () => void, done: () => void}} properties */
export function Trash({ record, close, done }) {
  const act = async () => {
    await ifUnchanged(record, () => remove(record.path, { ifMatch: record.etag }));
    done();
    say("Moved to the trash.");
  };
  return html`<${Confirm} title=${`Delete ${cut(nameOf(record.contact))}?`} words="Move to the trash" isDanger=${true} close=${close} act=${act}>
    <p>The contact can be restored for 30 days. After that it is gone.</p>
  <//>`;
}

/** @param {{record: Known, close: () => void}} properties */
export function Erase({ record, close }) {
  const go = useGo();
  const { contact } = record;
  const act = async () => {
    await ifUnchanged(record, () =>
      remove(record.path, { query: { permanent: true }, ifMatch: record.etag }),
    );
    go(href(HOME));
    say("Erased. In a minute nothing tells of this person any more.");
  };
  return html`<${Confirm} title=${`Erase ${cut(nameOf(contact))} for good?`} words="Erase for good" isDanger=${true} close=${close}
    typed=${contact.email ?? contact.id} act=${act}>
    <p>In a minute nothing is kept of this person: no contact, no timeline, no event, no file that has them in it. Only this stays:
      which addresses have opted out.</p>
    <p><strong>There is no way back.</strong></p>
  <//>`;
}

/** All that is kept of a person, as a file. @param {{contact: any}} properties */
export function Everything({ contact }) {
  const fetching = useAction(async () => {
    const { data } = await get(`contacts/${part(contact.id)}/export`);
    const url = URL.createObjectURL(new Blob([JSON.stringify(data, null, 2)], { type: "application/json" }));
    Object.assign(document.createElement("a"), { href: url, download: `contact-${contact.id}.json` }).click();
    // Some browsers read it only after the click.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    const missing = data.truncated.join(", ");
    say(missing ? `Downloaded. Older entries are missing in: ${missing}.` : "Downloaded.");
  });
  if (!may("exports:read", "contacts:read")) return null;
  return html`<${Button} act=${fetching.act} isBusy=${fetching.isBusy} title="All that is kept of this person, as a JSON file">Download all data<//>
    <${FailureNotice} failure=${fetching.failure} />`;
}

/**
 * The page of a contact that is in the trash, or perhaps is.
 *
 * @param {{id: string, name: string | null, restored: (answer: import("../../api.js").Answer) => void}} properties
 *   `name` is null where nobody knows whether it is there.
 */
export function Absent({ id, name, restored }) {
  const [isErasing, setErasing] = useState(false);
  const path = `contacts/${part(id)}`;
  const restoring = useAction(async () => {
    restored(await post(`${path}/restore`));
    say("Restored.");
  });
  return html`<${Page} title=${name ? `${cut(name)} is in the trash` : "There is no such contact"}>
    <p>${
      name
        ? "It can be restored for 30 days, with all it had."
        : html`Nobody has the name <code dir="auto">${id}</code>. A contact that was deleted less than 30 days ago can be restored.`
    }</p>
    <${FailureNotice} failure=${restoring.failure} />
    <div class="actions">
      ${
        may("contacts:write") &&
        id &&
        html`<${Button} kind="main" act=${restoring.act} isBusy=${restoring.isBusy}>${name ? "Restore" : "Restore it, if it is in the trash"}<//>
          ${name && html`<${Button} kind="danger" act=${() => setErasing(true)}>Erase for good<//>`}`
      }
      <a class="button" href=${href(HOME)}>All contacts</a>
    </div>
    ${isErasing && html`<${Erase} record=${{ contact: { id, name }, path }} close=${() => setErasing(false)} />`}
  <//>`;
}
