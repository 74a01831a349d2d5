// @ts-check
/** The list of contacts. Opening it puts the focus into the search: to find a person is to type. */

import { get, post } from "../api.js";
import { copy } from "../elements/copy.js";
import { Dialog } from "../elements/dialog.js";
import { Button, Choice, Form, TextField } from "../elements/forms.js";
import { Empty, FailureNotice } from "../elements/notices.js";
import { Page } from "../elements/page.js";
import { Badge, counted, Labels, None, number, Time } from "../elements/shown.js";
import { Table } from "../elements/table.js";
import { useAction, useList, useLoaded } from "../loading.js";
import { go, HOME, href } from "../routing.js";
import { may } from "../session.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { nameOf } from "./contact/record.js";
import { Bulk } from "./contacts/bulk.js";
import { Chips, Filters, show } from "./contacts/filters.js";
import { exportFilter, having, request, sorts } from "./contacts/query.js";

/** How long after the last key the search begins. */
const PAUSE_MS = 200;

/** @type {import("../elements/table.js").Column<any>[]} */
const COLUMNS = [
  {
    title: "Name",
    isHead: true,
    cell: (one) => html`<a href=${href(`contact/${one.id}`)} dir="auto">${cut(nameOf(one))}</a
      >${one.email && one.email !== nameOf(one) && html`<span class="below">${one.email}</span>`}`,
  },
  {
    title: "Email",
    kind: "wide",
    cell: (one) => (one.email ? html`<span dir="auto">${one.email}</span>` : html`<${None} />`),
  },
  { title: "Phone", kind: "wide whole", cell: (one) => one.phone ?? html`<${None} />` },
  { title: "State", cell: (one) => html`<${States} contact=${one} />` },
  {
    title: "Tags",
    kind: "wide",
    cell: (one) =>
      html`<${Labels} names=${one.tags} most=${3} to=${(/** @type {string} */ tag) => href(HOME, { tag })} />`,
  },
  {
    title: "Lists",
    kind: "wide",
    cell: (one) =>
      html`<${Labels} names=${one.lists} most=${3} what="list" to=${(/** @type {string} */ list) => href(HOME, { list })} />`,
  },
  { title: "Changed", kind: "wide whole", cell: (one) => html`<${Time} at=${one.updated_at} />` },
];
const MOST_OF_A_NAME = 80;

/** @param {string} text */
const cut = (text) => (text.length > MOST_OF_A_NAME ? `${text.slice(0, MOST_OF_A_NAME)}…` : text);

/** What is not as usual. @param {{contact: any}} properties */
const States = ({ contact }) => html`
  ${contact.is_unsubscribed && html`<${Badge} kind="bad">unsubscribed<//>${" "}`}
  ${!contact.is_active && html`<${Badge}>not active<//>${" "}`}
  ${contact.validation_status === "invalid" && html`<${Badge} kind="bad">invalid email<//>`}
`;

/** @param {{route: import("../routing.js").Route}} properties */
export function View({ route: { query } }) {
  const asks = request(query);
  const key = String(query);
  const list = useList(asks.path, { ...asks.query, limit: "50" });
  const [selected, setSelected] = useState(/** @type {import("./contacts/bulk.js").Selected} */ (new Map()));
  const [isExporting, setExporting] = useState(false);
  // Nothing that is not shown is selected.
  useEffect(() => setSelected(new Map()), [key]);
  const isWriter = may("contacts:write");
  const actions = html`
    ${may("exports:write") && html`<${Button} act=${() => setExporting(true)}>Export these<//>`}
    ${isWriter && html`<a class="button main" href=${href("contacts/new")}>New contact</a>`}
  `;
  const searchFault = list.failure?.of("q") || list.failure?.of("search");
  return html`<${Page} title="Contacts" actions=${actions}>
    <${Search} query=${query} list=${list} wrong=${searchFault} />
    <${Filters} query=${query} />
    <${Chips} query=${query} />
    <div class="summary">
      <${Summary} asks=${asks} list=${list} />
      <${Button} kind="quiet" act=${() => copy(location.href, "the link to this view")}>Copy link to this view<//>
      <${Choice} label="Order" value=${sortOf(query)} choices=${sorts(query.has("search"))}
        set=${(/** @type {string} */ sort) => show(having(query, "sort", sort))} />
    </div>
    ${isWriter && html`<${Bulk} selected=${selected} keep=${setSelected} done=${list.again} />`}
    ${
      !searchFault &&
      html`<${Table} caption="Contacts" columns=${COLUMNS} list=${list} id=${(/** @type {any} */ one) => one.id}
      empty=${html`<${Nobody} isFiltered=${key !== ""} />`} selection=${isWriter ? selection(selected, setSelected, list.rows) : undefined} />`
    }
    ${isExporting && html`<${Export} query=${query} close=${() => setExporting(false)} />`}
  <//>`;
}

/** @param {URLSearchParams} query */
function sortOf(query) {
  const sort = query.get("sort") ?? "";
  return !query.has("search") && sort === "-created_at" ? "" : sort;
}

/**
 * @param {import("./contacts/bulk.js").Selected} selected
 * @param {(next: import("./contacts/bulk.js").Selected) => void} set
 * @param {any[]} rows
 */
const selection = (selected, set, rows) => ({
  has: (/** @type {string} */ id) => selected.has(id),
  label: nameOf,
  set(/** @type {string} */ id, /** @type {boolean} */ isSelected) {
    const next = new Map(selected);
    if (isSelected) next.set(id, nameOf(rows.find((row) => row.id === id)));
    else next.delete(id);
    set(next);
  },
  setAll: (/** @type {boolean} */ isSelected) =>
    set(new Map(isSelected ? rows.map((row) => [row.id, nameOf(row)]) : [])),
});

/**
 * The search, as one types. `/` puts the focus here, Enter opens the only contact that is found, or goes to the first.
 *
 * @param {{query: URLSearchParams, list: import("../loading.js").Listed<any>, wrong?: string}} properties
 */
function Search({ query, list, wrong }) {
  const shown = query.get("search") ?? "";
  const [text, setText] = useState(shown);
  const [isOpening, setOpening] = useState(false);
  const sent = useRef(shown);
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const send = () => {
    const search = text.trim();
    if (search === shown) return;
    sent.current = search;
    // "Back" leads to the list before the search, not through each letter of it.
    go(href(HOME, having(query, "search", search)), { replace: shown !== "" });
  };
  useEffect(() => {
    const timer = setTimeout(send, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  useEffect(() => {
    if (shown !== sent.current) setText(shown);
    sent.current = shown;
  }, [shown]);
  useEffect(() => {
    const focus = (/** @type {KeyboardEvent} */ event) => {
      const isTyping = /** @type {Element} */ (event.target).closest("input, select, textarea, dialog");
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping) return;
      event.preventDefault();
      box.current?.querySelector("input")?.focus();
    };
    addEventListener("keydown", focus);
    return () => removeEventListener("keydown", focus);
  }, []);
  useEffect(() => {
    if (!isOpening || list.isLoading || text.trim() !== shown) return;
    setOpening(false);
    if (list.rows.length === 1 && !list.more) go(href(`contact/${list.rows[0].id}`));
    else toFirst();
  }, [isOpening, list.isLoading, shown]);
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter") {
      send();
      setOpening(true);
    } else if (event.key === "ArrowDown" && list.rows.length) {
      event.preventDefault();
      toFirst();
    }
  };
  return html`<search ref=${box}>
    <${TextField} type="search" label="Search contacts" isLabelHidden=${true} placeholder="Name, email, phone, external id"
      value=${text} set=${setText} wrong=${wrong} onKeyDown=${onKeyDown} autocomplete="off" spellcheck=${false} data-first="" />
  </search>`;
}

const toFirst = () => /** @type {HTMLElement | null} */ (document.querySelector("tbody th a"))?.focus();

/** How many there are. They are counted apart, so that nobody waits for it. @param {{asks: ReturnType<typeof request>, list: import("../loading.js").Listed<any>}} properties */
function Summary({ asks, list }) {
  const isAll = Boolean(list.answer) && !list.answer.has_more;
  const isCounted = Boolean(list.answer) && !isAll;
  const total = useLoaded(
    async (signal) =>
      isCounted
        ? (await get(asks.path, { ...asks.query, limit: 1, include_total: true }, signal)).data.total
        : null,
    [JSON.stringify(asks), isCounted],
  );
  let words = "";
  if (list.failure && !list.rows.length) words = "";
  else if (isAll) words = counted(list.rows.length, "contact");
  else if (isCounted && total.data) words = counted(total.data, "contact");
  else if (isCounted)
    words = `${number(list.rows.length)} shown, there are more${total.isLoading || total.failure ? "" : " than can be counted"}`;
  return html`<span role="status">${words}</span>`;
}

/** @param {{isFiltered: boolean}} properties */
const Nobody = ({ isFiltered }) =>
  isFiltered
    ? html`<${Empty} title="Nobody is found"><p>Try fewer words or filters. <a href=${href(HOME)}>All contacts</a></p><//>`
    : html`<${Empty} title="No contacts yet">
        <p>
          ${may("contacts:write") && html`<a href=${href("contacts/new")}>Make the first one</a>`}
          ${may("imports:write") && html`${" "}or <a href=${href("imports/new")}>import a file</a>`}
        </p>
      <//>`;

/** @param {{query: URLSearchParams, close: () => void}} properties */
function Export({ query, close }) {
  const [format, setFormat] = useState("csv");
  const writing = useAction(async () => {
    const { data } = await post("exports", { format, filter: exportFilter(query) });
    go(href(data.id ? `export/${data.id}` : "exports"));
  });
  return html`<${Dialog} title="Export these contacts" close=${close}>
    <${Form} send=${writing.act}>
      <p>All contacts that ${String(query) ? "the search and the filters find" : "there are"}, as a file, in the order of their creation.</p>
      <${Choice} label="Format" value=${format} set=${setFormat} choices=${[["csv", "CSV, for a spreadsheet"], ["ndjson", "NDJSON, for a program"]]} />
      <${FailureNotice} failure=${writing.failure} />
      <div class="actions">
        <${Button} act=${close}>Cancel<//>
        <${Button} kind="main" isBusy=${writing.isBusy}>Export<//>
      </div>
    <//>
  <//>`;
}
