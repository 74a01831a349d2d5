// @ts-check
/** The list of contacts. Opening it puts the focus into the search: to find a person is to type. */

import { get, post } from "../api.js";
import { FormDialog } from "../elements/dialog.js";
import { FORMATS, useShowExport } from "../elements/files.js";
import { Button, Choice, isPressed, TextField } from "../elements/forms.js";
import { Empty, say } from "../elements/notices.js";
import { Page } from "../elements/page.js";
import { Badge, counted, Labels, None, number, Time } from "../elements/shown.js";
import { Table } from "../elements/table.js";
import { useAction, useList, useLoaded } from "../loading.js";
import { go, HOME, href } from "../routing.js";
import { may } from "../session.js";
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { cut, nameOf } from "./contact/record.js";
import { Bulk } from "./contacts/bulk.js";
import { Chips, exportFilter, Filters, having, Order, request } from "./contacts/filters.js";

/** @typedef {import("./contacts/bulk.js").Selected} Selected */
/** @typedef {import("../loading.js").Listed<any>} Listed */

/** How long after the last key the search begins. */
const PAUSE_MS = 200;

/** @type {import("../elements/table.js").Column<any>[]} */
const COLUMNS = [
  { title: "Name", isHead: true, kind: "name", cell: (one) => html`<${Name} contact=${one} />` },
  { title: "State", cell: (one) => html`<${States} contact=${one} />` },
  { title: "Phone", kind: "wide whole", cell: (one) => one.phone ?? html`<${None} />` },
  { title: "Tags", kind: "wide names", cell: (one) => html`<${Names} names=${one.tags} what="tag" />` },
  { title: "Lists", kind: "wide names", cell: (one) => html`<${Names} names=${one.lists} what="list" />` },
  { title: "Changed", kind: "wide whole", cell: (one) => html`<${Time} at=${one.updated_at} />` },
];

/** @param {{contact: any}} properties */
const Name = ({
  contact,
}) => html`<a href=${href(`contact/${contact.id}`)} dir="auto">${cut(nameOf(contact))}</a>
  ${contact.email && contact.email !== nameOf(contact) && html`<span class="below" dir="auto">${contact.email}</span>`}`;

/** @param {{names: string[], what: "tag" | "list"}} properties */
const Names = ({ names, what }) =>
  names.length > 0 &&
  html`<${Labels} names=${names} most=${3} what=${what} to=${(name) => href(HOME, { [what]: name })} />`;

/** What is not as usual. @param {{contact: any}} properties */
const States = ({ contact }) => html`
  ${contact.is_unsubscribed && html`<${Badge} kind="bad">unsubscribed<//>${" "}`}
  ${!contact.is_active && html`<${Badge}>not active<//>${" "}`}
  ${contact.validation_status === "invalid" && html`<${Badge} kind="bad">invalid email<//>`}
`;

/** @param {{route: import("../routing.js").Route}} properties */
export function View({ route: { query } }) {
  const asks = request(query);
  const view = String(query);
  const list = useList(asks.path, { ...asks.query, limit: "50" });
  const [ticked, setTicked] = useState(/** @type {Selected} */ (new Map()));
  const [isExporting, setExporting] = useState(false);
  useEffect(() => setTicked(new Map()), [view]);
  // Nothing that is not shown is selected: what was ticked may have gone when the list was loaded again.
  const shown = new Set(list.rows.map((row) => row.id));
  const selected = new Map([...ticked].filter(([id]) => shown.has(id)));
  const isWriter = may("contacts:write");
  const actions = html`
    ${may("exports:write") && html`<${Button} act=${() => setExporting(true)}>Export these<//>`}
    ${isWriter && html`<a class="button main" href=${href("contacts/new")}>New contact</a>`}
  `;
  const wrong = list.failure?.of("q") || list.failure?.of("search");
  return html`<${Page} title="Contacts" actions=${actions}>
    <${Search} query=${query} list=${list} wrong=${wrong} />
    <${Filters} query=${query} />
    <${Chips} query=${query} />
    <div class="summary">
      <${Summary} asks=${asks} list=${list} />
      <${Button} kind="quiet" act=${copyLink}>Copy link to this view<//>
      <${Order} query=${query} />
    </div>
    ${isWriter && html`<${Bulk} key=${view} selected=${selected} keep=${setTicked} done=${list.again} />`}
    ${
      !wrong &&
      html`<${Table} caption="Contacts" columns=${COLUMNS} list=${list} id=${(one) => one.id} empty=${html`<${Nobody} isAll=${!view} />`}
        selection=${isWriter ? selection(selected, setTicked, list.rows) : undefined} />`
    }
    ${isExporting && html`<${Export} query=${query} close=${() => setExporting(false)} />`}
  <//>`;
}

async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href);
    say("Copied. The link shows this search, these filters and this order.");
  } catch {
    say("The browser did not let the page copy. The link is the address of this page.");
  }
}

/** @param {Selected} selected @param {(next: Selected) => void} set @param {any[]} rows */
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
 * @param {{query: URLSearchParams, list: Listed, wrong?: string}} properties
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
  // By the address as it is then: a filter may be set meanwhile.
  const latest = useRef(send);
  latest.current = send;
  useEffect(() => {
    const timer = setTimeout(() => latest.current(), PAUSE_MS);
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
  const type = (/** @type {string} */ typed) => {
    // Who types on does not want to be taken away.
    setOpening(false);
    setText(typed);
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (isPressed(event, "Enter")) {
      send();
      setOpening(true);
    } else if (isPressed(event, "ArrowDown")) {
      event.preventDefault();
      toFirst();
    }
  };
  return html`<search ref=${box}>
    <${TextField} type="search" label="Search contacts" isLabelHidden=${true} placeholder="Name, email, phone, external id"
      value=${text} set=${type} wrong=${wrong} onKeyDown=${onKeyDown} autocomplete="off" spellcheck=${false} data-first="" />
  </search>`;
}

const toFirst = () => /** @type {HTMLElement | null} */ (document.querySelector("tbody th a"))?.focus();

/**
 * How many there are. They are counted by a request of their own, so that nobody waits for it.
 *
 * @param {{asks: ReturnType<typeof request>, list: Listed}} properties
 */
function Summary({ asks, list }) {
  const isMore = list.answer?.has_more;
  const total = useLoaded(
    async (signal) =>
      isMore
        ? (await get(asks.path, { ...asks.query, limit: 1, include_total: true }, signal)).data.total
        : null,
    [list.answer],
  );
  let words = "";
  if (list.answer && !isMore) words = counted(list.rows.length, "contact");
  else if (isMore && !total.isLoading && total.data) words = counted(total.data, "contact");
  else if (isMore) {
    const isUnknown = !total.isLoading && !total.failure;
    words = `${number(list.rows.length)} shown, there are more${isUnknown ? " than can be counted" : ""}`;
  }
  return html`<span role="status">${words}</span>`;
}

/** @param {{isAll: boolean}} properties */
const Nobody = ({ isAll }) =>
  isAll
    ? html`<${Empty} title="No contacts yet">
        <p>
          ${may("contacts:write") && html`<a href=${href("contacts/new")}>Create the first one</a>`}
          ${may("contacts:write", "imports:write") && html`${" "}or <a href=${href("imports/new")}>import a file</a>`}
        </p>
      <//>`
    : html`<${Empty} title="Nobody is found"><p>Try fewer words or filters. <a href=${href(HOME)}>All contacts</a></p><//>`;

/** @param {{query: URLSearchParams, close: () => void}} properties */
function Export({ query, close }) {
  const [format, setFormat] = useState("csv");
  const showExport = useShowExport();
  const writing = useAction(async () => {
    const { data } = await post("exports", { format, filter: exportFilter(query) });
    close();
    showExport(data);
  });
  return html`<${FormDialog} title="Export these contacts" words="Export" send=${writing.act} close=${close} doing=${writing}>
    <p>All contacts that ${String(query) ? "the search and the filters find" : "there are"}, as a file, in the order of their creation.</p>
    <${Choice} label="Format" value=${format} set=${setFormat} choices=${FORMATS} />
  <//>`;
}
