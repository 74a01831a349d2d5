// @ts-check
/** The account's tags, or its lists: how many contacts each has, and the way to them. One view for both. */

import { useFocusAfter } from "../elements/focus.js";
import { Button, Choice, TextField } from "../elements/forms.js";
import { Empty } from "../elements/notices.js";
import { Page } from "../elements/page.js";
import { counted, number } from "../elements/shown.js";
import { Table } from "../elements/table.js";
import { useList } from "../loading.js";
import { entry, go, href } from "../routing.js";
import { html, useEffect, useState } from "../vendor/preact.js";

const WORDS = {
  tags: {
    title: "Tags",
    one: "tag",
    under: "Words that say what a contact is. Each contact may have up to 100.",
  },
  lists: {
    title: "Lists",
    one: "list",
    under: "What contacts have signed up for. Each contact may be on up to 100.",
  },
};
const PAGE = 100;
/** Names that are loaded unasked when one looks for some of all. More may take much of what the account may ask. */
const UNASKED = 1000;

/** @typedef {{name: string, count: number}} Row */
const ORDERS = /** @type {Record<string, (a: Row, b: Row) => number>} */ ({
  name: (a, b) => a.name.localeCompare(b.name),
  most: (a, b) => b.count - a.count,
  fewest: (a, b) => a.count - b.count,
});

/** @param {{route: import("../routing.js").Route}} properties */
export function View({ route }) {
  const { title, one, under } = WORDS[route.view === "lists" ? "lists" : "tags"];
  const sort = route.query.get("sort") ?? "";
  const find = route.query.get("find") ?? "";
  const [isAll, setAll] = useState(false);
  const list = useList(route.view, { limit: PAGE });
  const wanted = isAll ? Infinity : sort || find ? UNASKED : 0;
  // The API gives names in their order, page by page; another order needs them all.
  useEffect(() => {
    if (!list.isLoading && !list.failure && list.rows.length < wanted) list.more?.();
  }, [wanted, list.rows.length, list.isLoading]);
  const all = list.rows.map((row) => ({ name: row[one], count: row.count }));
  const found = all.filter((row) => row.name.toLowerCase().includes(find.trim().toLowerCase()));
  if (sort) found.sort(entry(ORDERS, sort) ?? ORDERS.name);
  const show = (/** @type {Record<string, string>} */ change) =>
    go(href(route.view, { sort, find, ...change }), { replace: true });
  const isPart = Boolean(list.more) && Boolean(sort || find);
  useFocusAfter(isPart, () => (isAll ? document.querySelector("main input") : null));
  return html`<${Page} title=${title} under=${under}>
    ${
      (all.length > 1 || find) &&
      html`<div class="filters">
      <${TextField} label=${`Find a ${one}`} type="search" value=${find} set=${(/** @type {string} */ text) => show({ find: text })} />
      <${Choice} label="Order" value=${sort} set=${(/** @type {string} */ order) => show({ sort: order })}
        choices=${[["", "By name"], ["most", "Most contacts first"], ["fewest", "Fewest contacts first"]]} />
    </div>
    <p class="small" role="status">${find ? `${number(found.length)} of ` : ""}${counted(all.length, one)}${list.more ? ", and more" : ""}</p>`
    }
    ${
      isPart &&
      all.length >= UNASKED &&
      html`<p>There are more ${one}s than these, the first by name.${" "}
      <${Button} act=${() => setAll(true)} isBusy=${isAll}>Load them all<//></p>`
    }
    <div class="alone"><${Table} caption=${title} list=${{ ...list, rows: found, more: isPart ? null : list.more }} id=${(/** @type {Row} */ row) => row.name}
      columns=${[
        {
          title: "Name",
          isHead: true,
          cell: (/** @type {Row} */ row) =>
            html`<a href=${href("contacts", { [one]: row.name })} dir="auto">${row.name}</a>`,
        },
        { title: "Contacts", kind: "number", cell: (/** @type {Row} */ row) => number(row.count) },
      ]}
      empty=${
        find
          ? html`<${Empty} title=${`${isPart ? "None of these" : `No ${one}`} has that in its name.`}
            ><p><button type="button" onClick=${() => show({ find: "" })}>Show all</button></p><//>`
          : html`<${Empty} title=${`There is no ${one} yet.`}>
            <p>A ${one} comes into being with the first contact that gets it: in a <a href=${href("contacts")}>contact</a>,
              for several that you select at once, or for all of a file in an <a href=${href("imports")}>import</a>.</p>
          <//>`
      } /></div>
  <//>`;
}
