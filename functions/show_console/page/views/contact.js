// @ts-check
/** One contact: what it has, what happened to it, what can be done with it. */

import { get, part } from "../api.js";
import { Copy } from "../elements/copy.js";
import { Button } from "../elements/forms.js";
import { FailureNotice, Loading, say } from "../elements/notices.js";
import { Page } from "../elements/page.js";
import { Time } from "../elements/shown.js";
import { useLoaded } from "../loading.js";
import { go, href } from "../routing.js";
import { may } from "../session.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { Absent, Erase, Everything, Trash } from "./contact/endings.js";
import { Details, Fields, Reachable, TagsAndLists, useProperties } from "./contact/fields.js";
import { Merge } from "./contact/merge.js";
import { cut, nameOf } from "./contact/record.js";
import { Reach, Timeline, Told } from "./contact/timeline.js";

/** How long it is said that the contact has become another. */
const LONG_MS = 20_000;

/** @param {{route: import("../routing.js").Route}} properties */
export function View({ route }) {
  const id = route.id ?? "";
  const loaded = useLoaded((signal) => get(`contacts/${part(id)}`, {}, signal), [id]);
  const [trashed, setTrashed] = useState(/** @type {string | null} */ (null));
  const newest = useRef(loaded.data);
  newest.current = loaded.data;
  // Answers to two changes may come in the other order: the one before is older than what is shown.
  const set = (/** @type {import("../api.js").Answer} */ answer) => {
    const now = newest.current?.data;
    if (now?.id !== answer.data.id || now.version <= answer.data.version) loaded.set(answer);
  };
  const found = loaded.data?.data.id;
  const first = useRef(found);
  first.current ??= found;
  useEffect(() => {
    if (!found) return;
    // Merged away while it was open. The view stays, and so does what is being typed.
    if (found !== first.current)
      say("Somebody has merged this contact into the one that you see now.", LONG_MS);
    // A name of another kind, or of a contact that was merged into this one.
    else if (found !== id) go(href(`contact/${part(found)}`), { replace: true });
  }, [found]);
  const restored = (/** @type {import("../api.js").Answer} */ answer) => (
    setTrashed(null), loaded.set(answer)
  );
  if (trashed !== null) return html`<${Absent} id=${found ?? id} name=${trashed} restored=${restored} />`;
  if (loaded.failure?.status === 404) return html`<${Absent} id=${id} name=${null} restored=${restored} />`;
  if (!loaded.data) {
    return html`<${Page} title="Contact">
      ${loaded.isLoading && html`<${Loading} what="the contact" />`}
      <${FailureNotice} failure=${loaded.failure} again=${loaded.again} />
    <//>`;
  }
  const { data, etag } = loaded.data;
  const record = {
    contact: data,
    etag: etag ?? "",
    path: `contacts/${part(data.id)}`,
    set,
    again: loaded.again,
  };
  return html`<${Contact} record=${record} failure=${loaded.failure} trashed=${() => setTrashed(nameOf(data))} />`;
}

/** The dialogs, by name. */
const DIALOGS = /** @type {Record<string, any>} */ ({ merge: Merge, trash: Trash, erase: Erase });

/** @param {{record: import("./contact/record.js").ContactRecord, failure: import("../api.js").Failure | null, trashed: () => void}} properties */
function Contact({ record, failure, trashed }) {
  const { contact } = record;
  const [opened, setOpened] = useState("");
  const Opened = DIALOGS[opened];
  const properties = useProperties();
  const mayWrite = may("contacts:write");
  const actions = html`
    <${Everything} contact=${contact} />
    ${
      mayWrite &&
      html`<${Button} act=${() => setOpened("merge")}>Merge<//>
      <${Button} kind="danger" act=${() => setOpened("trash")}>Delete<//>`
    }
  `;
  const under = html`<${Copy} text=${contact.id} what="the contact's id" /> created <${Time} at=${contact.created_at} />, changed${" "}
    <${Time} at=${contact.updated_at} />`;
  return html`<${Page} title=${cut(nameOf(contact))} under=${under} actions=${actions}>
    <${FailureNotice} failure=${failure} again=${record.again} />
    <div class="contact">
      <div>
        <${Details} record=${record} />
        <${Reachable} record=${record} />
        <${TagsAndLists} record=${record} />
        <${Fields} record=${record} map="custom_fields" title="Custom fields" properties=${properties} />
        <${Fields} record=${record} map="metadata" title="Metadata" />
        <${Told} record=${record} />
      </div>
      <div>
        <${Reach} record=${record} />
        <${Timeline} record=${record} />
        ${
          mayWrite &&
          html`<p class="small">A person who wants to be forgotten:${" "}
          <${Button} kind="danger" act=${() => setOpened("erase")}>Erase for good<//></p>`
        }
      </div>
    </div>
    ${Opened && html`<${Opened} record=${record} close=${() => setOpened("")} done=${trashed} />`}
  <//>`;
}
