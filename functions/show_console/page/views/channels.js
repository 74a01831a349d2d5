// @ts-check
/** Channels: the ways by which contacts arrive and are reached. They are made, renamed, switched on and off. */

import { part, post, put } from "../api.js";
import { Confirm, FormDialog } from "../elements/dialog.js";
import { Button, Choice, TextField } from "../elements/forms.js";
import { Empty, FailureNotice, sayDone } from "../elements/notices.js";
import { Page } from "../elements/page.js";
import { Badge, Time } from "../elements/shown.js";
import { Table } from "../elements/table.js";
import { useAction, useGo, useList } from "../loading.js";
import { href } from "../routing.js";
import { isTest, may } from "../session.js";
import { html, useState } from "../vendor/preact.js";

const TYPES = /** @type {Record<string, string>} */ ({
  email: "Email",
  sms: "SMS",
  whatsapp: "WhatsApp",
  telegram: "Telegram",
  viber: "Viber",
  messenger: "Messenger",
  instagram: "Instagram",
  web: "Chat on a website",
  other: "Other",
});
/** More than the 50 that an account can have. */
const ALL = 100;

/** @typedef {{id: string, type: string, name: string, state: boolean, created_at: string}} Channel */

/** @param {{route: import("../routing.js").Route}} properties */
export function View({ route }) {
  const list = /** @type {import("../loading.js").Listed<Channel>} */ (useList("channels", { limit: ALL }));
  const [leaving, setLeaving] = useState(/** @type {Channel | null} */ (null));
  const mayWrite = may("contacts:write");
  const edited = list.rows.find((channel) => channel.id === route.query.get("edit"));
  const go = useGo();
  const close = () => go(href("channels"), { replace: true });
  const done = (/** @type {string} */ words) => {
    close();
    sayDone(words);
    list.again();
  };
  const turned = async (/** @type {Channel} */ channel, /** @type {boolean} */ state) => {
    await put(`channels/${part(channel.id)}`, { state });
    done(`${channel.name} is ${state ? "on" : "off"}.`);
  };
  const on = useAction((/** @type {Channel} */ channel) => turned(channel, true));
  const columns = /** @type {import("../elements/table.js").Column<Channel>[]} */ ([
    {
      title: "Name",
      isHead: true,
      cell: ({ name }) => html`<span dir="auto">${name}</span>`,
    },
    { title: "Type", cell: ({ type }) => TYPES[type] ?? type },
    {
      title: "State",
      cell: ({ state }) => html`<${Badge} kind=${state ? "good" : ""}>${state ? "on" : "off"}<//>`,
    },
    {
      title: "Created",
      kind: "wide",
      cell: (channel) => html`<${Time} at=${channel.created_at} />`,
    },
  ]);
  if (mayWrite) {
    columns.push({
      title: "Changes",
      cell: (channel) => html`<div class="actions">
            <a class="button" href=${href("channels", { edit: channel.id })} aria-label=${`Rename: ${channel.name}`}>Rename</a>
            ${
              channel.state
                ? html`<${Button} act=${() => setLeaving(channel)} aria-label=${`Switch off: ${channel.name}`}>Switch off<//>`
                : html`<${Button} act=${() => on.act(channel)} isBusy=${on.isBusy} aria-label=${`Switch on: ${channel.name}`}>Switch on<//>`
            }
          </div>`,
    });
  }
  return html`<${Page} title="Channels" under="The ways by which contacts arrive and are reached: a bot, a number, a newsletter."
    actions=${mayWrite && html`<a class="button main" href=${href("channels", { new: "1" })}>New channel</a>`}>
    <${FailureNotice} failure=${on.failure} />
    <${Table} caption="Channels" list=${list} id=${(/** @type {Channel} */ channel) => channel.id}
      columns=${columns}
      empty=${html`<${Empty} title="There is no channel yet.">
        <p>${
          isTest()
            ? "A test key has no channels."
            : "Create one for each bot or number at which people write to you: who writes for the first time becomes a contact."
        }</p>
      <//>`} />
    ${
      mayWrite &&
      (route.query.has("new") || edited) &&
      html`<${Editor} channel=${edited} close=${close} done=${done} />`
    }
    ${
      leaving &&
      html`<${Confirm} title=${`Switch ${leaving.name} off?`} words="Switch off" act=${() => turned(leaving, false)}
      close=${() => setLeaving(null)}>
      <p>Then nobody arrives through it, and nobody counts as reached by it. What contacts have stays, and you can switch it on
        again at any time.</p>
    <//>`
    }
  <//>`;
}

/**
 * A new channel, or another name for one that there is: its type never changes.
 *
 * @param {{channel?: Channel, close: () => void, done: (words: string) => void}} properties
 */
function Editor({ channel, close, done }) {
  const [type, setType] = useState("email");
  const [name, setName] = useState(channel?.name ?? "");
  const saving = useAction(async () => {
    if (channel) await put(`channels/${part(channel.id)}`, { name: name.trim() });
    else await post("channels", { type, name: name.trim() });
    done(`${name.trim()} is ${channel ? "renamed" : "created"}.`);
  });
  return html`<${FormDialog} title=${channel ? `Rename ${channel.name}` : "New channel"} words=${channel ? "Save" : "Create"}
    send=${saving.act} close=${close} doing=${saving} known=${["type", "name"]}>
    ${
      !channel &&
      html`<${Choice} label="Type" value=${type} set=${setType} choices=${Object.entries(TYPES)} hint="It never changes."
        wrong=${saving.failure?.of("type")} />`
    }
    <${TextField} label="Name" value=${name} set=${setName} hint="What people see, such as Support bot."
      wrong=${saving.failure?.of("name")} />
  <//>`;
}
