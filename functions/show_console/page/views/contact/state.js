// @ts-check
/** Tags and lists of a contact, and whether it may be written to: subscription, validation, its switch. */

import { patch } from "../../api.js";
import { Confirm } from "../../elements/dialog.js";
import { Button, Toggle } from "../../elements/forms.js";
import { LabelsEditor } from "../../elements/labels_editor.js";
import { FailureNotice, say } from "../../elements/notices.js";
import { Section } from "../../elements/page.js";
import { Badge, Time } from "../../elements/shown.js";
import { useAction } from "../../loading.js";
import { href } from "../../routing.js";
import { may } from "../../session.js";
import { html, useState } from "../../vendor/preact.js";
import { change, nameOf } from "./record.js";

/** @typedef {import("./record.js").ContactRecord} ContactRecord */

/** @param {{record: ContactRecord}} properties */
export const TagsAndLists = ({ record }) => html`<${Section} title="Tags and lists">
  <h3>Tags</h3>
  <${Group} record=${record} what="tag" />
  <h3>Lists</h3>
  <${Group} record=${record} what="list" />
<//>`;

/** @param {{record: ContactRecord, what: "tag" | "list"}} properties */
function Group({ record, what }) {
  // It goes by no version: to add or to remove one name overwrites nothing that somebody else has done.
  const acting = useAction(async (/** @type {string} */ verb, /** @type {string} */ name) => {
    record.set(await patch(record.path, { [`${verb}_${what}s`]: [name] }));
    say(`${verb === "add" ? "Added" : "Removed"} the ${what} ${name}.`);
  });
  const mayWrite = may("contacts:write");
  const wrong = acting.failure?.errors[0]?.message;
  return html`
    <${LabelsEditor} what=${what} names=${record.contact[`${what}s`]} isBusy=${acting.isBusy} wrong=${wrong}
      to=${(/** @type {string} */ name) => href("contacts", { [what]: name })}
      add=${mayWrite ? (/** @type {string} */ name) => acting.act("add", name) : undefined}
      remove=${mayWrite ? (/** @type {string} */ name) => acting.act("remove", name) : undefined} />
    ${!wrong && html`<${FailureNotice} failure=${acting.failure} />`}
  `;
}

/** Why an address is invalid. @type {Record<string, string>} */
const REASONS = {
  syntax: "It is no email address.",
  disposable: "Its domain hands out addresses that are thrown away.",
  no_mx: "Its domain does not exist, or takes no mail.",
  null_mx: "Its domain says that it takes no mail.",
  bounced: "Mail to it came back for good.",
};

/** @param {{record: ContactRecord}} properties */
export function Reachable({ record }) {
  const { contact } = record;
  const [isAsking, setAsking] = useState(false);
  const switching = useAction((/** @type {boolean} */ is_active) => change(record, { is_active }));
  const isOut = contact.is_unsubscribed;
  const mayWrite = may("contacts:write");
  return html`<${Section} title="May be written to">
    <dl class="facts">
      <dt>Subscription</dt>
      <dd>
        ${isOut ? html`<${Badge} kind="bad">unsubscribed<//> <${Time} at=${contact.unsubscribed_at} />` : html`<${Badge} kind="good">subscribed<//>`}
        ${mayWrite && html`${" "}<${Button} kind="quiet" act=${() => setAsking(true)}>${isOut ? "Subscribe again" : "Unsubscribe"}<//>`}
      </dd>
      ${
        contact.email &&
        html`<dt>Email</dt>
        <dd><${Validation} contact=${contact} /> <span class="small">${REASONS[contact.validation_reason] ?? contact.validation_reason}</span></dd>`
      }
      <dt>Your switch</dt>
      <dd>
        ${
          mayWrite
            ? html`<${Toggle} label="Active" value=${contact.is_active} set=${switching.act} disabled=${switching.isBusy} />`
            : contact.is_active
              ? "active"
              : "not active"
        }
        <${FailureNotice} failure=${switching.failure} again=${switching.failure?.status === 412 ? record.again : undefined} />
      </dd>
    </dl>
    ${isAsking && html`<${Subscription} record=${record} close=${() => setAsking(false)} />`}
  <//>`;
}

/** @param {{contact: any}} properties */
export const Validation = ({ contact: { validation_status: status } }) =>
  html`<${Badge} kind=${status === "invalid" ? "bad" : status === "valid" ? "good" : "busy"}>${status === "pending" ? "not validated yet" : `${status} email`}<//>`;

/** @param {{record: ContactRecord, close: () => void}} properties */
function Subscription({ record, close }) {
  const isOut = record.contact.is_unsubscribed;
  const act = () => changeOrReload(record, () => change(record, { is_unsubscribed: !isOut }));
  const name = nameOf(record.contact);
  return isOut
    ? html`<${Confirm} title=${`Subscribe ${name} again?`} words="Subscribe again" act=${act} close=${close}>
        <p>This person has opted out. Subscribe them again only if <strong>they have asked for it</strong>: nobody else may.</p>
        <p>The opt-outs of all addresses that lead to this contact are lifted.</p>
      <//>`
    : html`<${Confirm} title=${`Unsubscribe ${name}?`} words="Unsubscribe" isDanger=${true} act=${act} close=${close}>
        <p>The person stays opted out, whatever happens to the contact: also when it is deleted, imported or made anew with the same
          email. Only the person's own word brings them back.</p>
      <//>`;
}

/**
 * Do what was decided on the contact as it was seen. Where it has changed since, it is loaded: the next try is decided on that.
 *
 * @param {{again?: () => void}} record @param {() => Promise<unknown>} act
 */
export async function changeOrReload(record, act) {
  try {
    await act();
  } catch (failure) {
    if (/** @type {{status?: number}} */ (failure).status === 412) record.again?.();
    throw failure;
  }
}
