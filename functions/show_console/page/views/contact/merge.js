// @ts-check
/** Two contacts become one: the other one is searched for, the result is looked at, then they are merged. */

import { get, part, post } from "../../api.js";
import { Dialog } from "../../elements/dialog.js";
import { More } from "../../elements/focus.js";
import { Button, Form, TextField } from "../../elements/forms.js";
import { FailureNotice, Loading, say } from "../../elements/notices.js";
import { number } from "../../elements/shown.js";
import { Value } from "../../elements/values.js";
import { useAction, useGo, useList, useLoaded } from "../../loading.js";
import { href } from "../../routing.js";
import { html, useEffect, useState } from "../../vendor/preact.js";
import { cut, differences, nameOf } from "./record.js";

/** @typedef {import("./record.js").ContactRecord} ContactRecord */

/** @param {{record: ContactRecord, close: () => void}} properties */
export function Merge({ record, close }) {
  const [other, setOther] = useState(/** @type {any} */ (null));
  const [isMerging, setMerging] = useState(false);
  return html`<${Dialog} title=${`Merge ${cut(nameOf(record.contact))} with another contact`} close=${close} isHeld=${isMerging}>
    ${
      other
        ? html`<${Preview} record=${record} other=${other} back=${() => setOther(null)} close=${close} setMerging=${setMerging} />`
        : html`<${Search} record=${record} choose=${setOther} close=${close} />`
    }
  <//>`;
}

/** How long after the last key the search begins. */
const PAUSE_MS = 250;

/** @param {{record: ContactRecord, choose: (contact: any) => void, close: () => void}} properties */
function Search({ record, choose, close }) {
  const [text, setText] = useState(record.contact.name ?? "");
  const [asked, setAsked] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(text.trim()), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const list = useList(asked ? "contacts/search" : null, { q: asked, limit: 8 });
  const found = list.failure ? [] : list.rows.filter((contact) => contact.id !== record.contact.id);
  return html`<${Form} send=${() => setAsked(text.trim())}>
    <${TextField} type="search" label="Search for the other one" value=${text} set=${setText} autocomplete="off"
      hint="Name, email, phone or external id" wrong=${list.failure?.of("q")} />
    <${FailureNotice} failure=${list.failure} known=${["q"]} />
    <p role="status">${asked && !list.isLoading && !list.failure && !found.length && (list.more ? "Nothing found so far." : "No other contact is found by this.")}</p>
    <ul class="found">
      ${found.map(
        (contact) => html`<li key=${contact.id}>
          <button type="button" onClick=${() => choose(contact)}>
            <strong dir="auto">${cut(nameOf(contact))}</strong><br />
            <span class="small" dir="auto">${[contact.email, contact.phone, contact.external_id].filter(Boolean).join(" · ")}</span>
          </button>
        </li>`,
      )}
    </ul>
    <${More} list=${{ ...list, rows: found, more: found.length ? null : list.more }} rows=".found button" words="Go on looking" />
    <div class="actions"><${Button} act=${close}>Cancel<//></div>
  <//>`;
}

/**
 * @param {{record: ContactRecord, other: any, back: () => void, close: () => void, setMerging: (isMerging: boolean) => void}} properties
 */
function Preview({ record, other, back, close, setMerging }) {
  const [isSwapped, setSwapped] = useState(false);
  const [kept, gone] = isSwapped ? [other, record.contact] : [record.contact, other];
  const path = `contacts/${part(kept.id)}`;
  const merge = (/** @type {import("../../api.js").Options} */ options) =>
    post(`${path}/merge`, { from: gone.id, by: "id" }, options);
  const preview = useLoaded(
    async (signal) => {
      // The version is read first: if the contact changes between the two, the merge is refused.
      const now = await get(path, {}, signal);
      const { data } = await merge({ query: { dry_run: true }, ifMatch: now.etag ?? undefined, signal });
      return { kept: now.data, result: data, etag: now.etag ?? undefined };
    },
    [path],
  );
  const go = useGo();
  const merging = useAction(async () => {
    const answer = await merge({ ifMatch: preview.data?.etag });
    close();
    if (isSwapped) go(href(`contact/${part(kept.id)}`));
    else record.set(answer);
    say(`Merged. All names of ${cut(nameOf(gone))} lead to ${cut(nameOf(kept))} now.`);
  });
  const { isBusy } = merging;
  useEffect(() => setMerging(isBusy), [isBusy]);
  const shown = preview.isLoading || preview.failure ? undefined : preview.data;
  const lookAgain = () => (merging.clear(), preview.again());
  return html`
    <p><strong dir="auto">${cut(nameOf(kept))}</strong> stays, <strong dir="auto">${cut(nameOf(gone))}</strong> becomes part of it.
      All names of either lead to it, and so do its timeline and its gates.${" "}
      <${Button} kind="quiet" act=${() => setSwapped(!isSwapped)} disabled=${isBusy}>Keep the other one instead<//></p>
    ${preview.isLoading && html`<${Loading} what="the preview" />`}
    <${FailureNotice} failure=${preview.failure} again=${preview.again} />
    ${shown && html`<${Result} kept=${shown.kept} gone=${gone} result=${shown.result} />`}
    <${FailureNotice} failure=${merging.failure} again=${merging.failure?.status === 412 ? lookAgain : undefined} />
    <p><strong>There is no way back.</strong></p>
    <div class="actions">
      <${Button} act=${back} disabled=${isBusy}>Another one<//>
      <${Button} act=${close} disabled=${isBusy}>Cancel<//>
      ${shown && html`<${Button} kind="danger" act=${merging.act} isBusy=${isBusy}>Merge<//>`}
    </div>
  `;
}

const MOST_ROWS = 200;
const TITLES = ["Field", "Stays", "Other", "Result", "What happens"];

/** @param {{kept: any, gone: any, result: any}} properties */
function Result({ kept, gone, result }) {
  const all = differences(kept, gone, result);
  const rows = all.slice(0, MOST_ROWS);
  if (!rows.length) return html`<p>They have the same in every field.</p>`;
  return html`<section class="scroller" tabindex="0" aria-label="What becomes of what they have">
    <table>
      <caption class="hidden">What becomes of what they have</caption>
      <thead><tr>${TITLES.map((title) => html`<th key=${title} scope="col">${title}</th>`)}</tr></thead>
      <tbody>
        ${rows.map(
          ({ words, values }) => html`<tr key=${words}>
            <th scope="row" dir="auto">${words}</th>
            ${values.map((value, index) => html`<td key=${index}><${Value} value=${value} label=${words} isCut=${true} /></td>`)}
            <td>${fate(words, values)}</td>
          </tr>`,
        )}
      </tbody>
    </table>
    ${all.length > MOST_ROWS && html`<p>… and ${number(all.length - MOST_ROWS)} more</p>`}
  </section>`;
}

/** Of these nothing is lost: the one that stays has what both had. */
const UNITED = ["Tags", "Lists", "Unsubscribed", "Unsubscribed since"];
/** By these a contact is found, also by those that it had before. */
const NAMES = ["Email", "External id"];

/**
 * What becomes of two values.
 *
 * @param {string} words @param {unknown[]} values Of the one that stays, of the other, of the result.
 */
function fate(words, values) {
  const [stays, other, result] = values.map((value) => JSON.stringify(value ?? null));
  if (result !== stays) return result === other ? "taken" : "united";
  if (other === "null" || UNITED.includes(words)) return "kept";
  return NAMES.includes(words) ? "kept; the other one leads to it" : "kept; the other is lost";
}
