// @ts-check
/** A contact goes to the trash and comes back, or is erased for good; and all that is known of a person as a file. */

import { get, part, post, remove } from "../../api.js";
import { Confirm } from "../../elements/dialog.js";
import { Button } from "../../elements/forms.js";
import { FailureNotice, say } from "../../elements/notices.js";
import { Page } from "../../elements/page.js";
import { useAction } from "../../loading.js";
import { go, HOME, href } from "../../routing.js";
import { may } from "../../session.js";
import { html, useState } from "../../vendor/preact.js";
import { nameOf } from "./record.js";
import { changeOrReload } from "./state.js";

/** @typedef {import("./record.js").ContactRecord} ContactRecord */
/** @typedef {import("../../api.js").Answer} Answer */

/** @param {{record: ContactRecord, close: () => void, done: () => void}} properties */
export const Trash = ({ record, close, done }) => html`<${Confirm}
  title=${`Delete ${nameOf(record.contact)}?`} words="Move to the trash" isDanger=${true} close=${close}
  act=${async () => {
    await changeOrReload(record, () => remove(record.path, { ifMatch: record.etag }));
    done();
    say("Moved to the trash.");
  }}>
  <p>The contact can be restored for 30 days. After that it is gone.</p>
<//>`;

/** @param {{record: Pick<ContactRecord, "contact" | "path"> & Partial<ContactRecord>, close: () => void}} properties */
export function Erase({ record, close }) {
  const { contact } = record;
  return html`<${Confirm} title=${`Erase ${nameOf(contact)} for good?`} words="Erase for good" isDanger=${true} close=${close}
    typed=${contact.email ?? contact.id}
    act=${async () => {
      await changeOrReload(record, () =>
        remove(record.path, { query: { permanent: true }, ifMatch: record.etag }),
      );
      go(href(HOME));
      say("Erased. In a minute nothing tells of this person any more.");
    }}>
    <p>In a minute nothing is kept of this person: no contact, no timeline, no event, no file that has them in it. What stays is that
      an address has opted out.</p>
    <p><strong>There is no way back.</strong></p>
  <//>`;
}

/** What a download's file is called and holds. @param {any} contact @param {unknown} content */
function download(contact, content) {
  const url = URL.createObjectURL(new Blob([JSON.stringify(content, null, 2)], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `contact-${contact.id}.json`;
  link.click();
  URL.revokeObjectURL(url);
}

/** All that is kept of a person, as a file. @param {{contact: any}} properties */
export function Everything({ contact }) {
  const fetching = useAction(async () => {
    const { data } = await get(`contacts/${part(contact.id)}/export`);
    download(contact, data);
    say(
      data.truncated.length
        ? `Downloaded. Older entries are missing in: ${data.truncated.join(", ")}.`
        : "Downloaded.",
    );
  });
  if (!may("exports:read", "contacts:read")) return null;
  return html`<${Button} act=${fetching.act} isBusy=${fetching.isBusy} title="All that is kept of this person, as a JSON file">Download all data<//>
    <${FailureNotice} failure=${fetching.failure} />`;
}

/**
 * The page of a contact that is in the trash, or perhaps is.
 *
 * @param {{id: string, name: string | null, restored: (answer: Answer) => void}} properties `name`: null: nobody knows whether it is there.
 */
export function Absent({ id, name, restored }) {
  const [isErasing, setErasing] = useState(false);
  const restoring = useAction(async () => {
    restored(await post(`contacts/${part(id)}/restore`));
    say("Restored.");
  });
  const mayWrite = may("contacts:write");
  return html`<${Page} title=${name ? `${name} is in the trash` : "There is no such contact"}>
    <p>${
      name
        ? "It can be restored for 30 days, with all it had."
        : html`Nobody has the name <code dir="auto">${id}</code>. A contact that was deleted less than 30 days ago can be restored.`
    }</p>
    <${FailureNotice} failure=${restoring.failure} />
    <div class="actions">
      ${mayWrite && html`<${Button} kind="main" act=${restoring.act} isBusy=${restoring.isBusy}>${name ? "Restore" : "Restore it, if it is in the trash"}<//>`}
      ${mayWrite && name && html`<${Button} kind="danger" act=${() => setErasing(true)}>Erase for good<//>`}
      <a class="button" href=${href(HOME)}>All contacts</a>
    </div>
    ${
      isErasing &&
      html`<${Erase} record=${{ contact: { id, email: null, name }, path: `contacts/${part(id)}` }} close=${() => setErasing(false)} />`
    }
  <//>`;
}
