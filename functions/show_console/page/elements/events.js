// @ts-check
/** The types of events, in words. */

import { html } from "../vendor/preact.js";

/** What endpoints can be told of, in the order of the documentation. */
export const EVENTS = /** @type {Record<string, string>} */ ({
  "contact.created": "A contact is new",
  "contact.updated": "A contact has changed",
  "contact.unsubscribed": "A contact has unsubscribed",
  "contact.resubscribed": "A contact has subscribed again",
  "contact.deleted": "A contact was deleted",
  "contact.restored": "A contact came out of the trash",
  "contact.merged": "Two contacts were merged",
  "contact.validated": "An email was judged",
  "contact.event": "Something was recorded about a contact",
  "import.completed": "An import is done",
  "import.failed": "An import could not be read",
  "export.completed": "An export is ready",
});

/** All of `EVENTS` but those that an endpoint is told of only where it names them. */
export const EVERYTHING = "*";
export const ONLY_BY_NAME = ["contact.validated"];

const OTHERS = /** @type {Record<string, string>} */ ({
  [EVERYTHING]: "Everything but verdicts",
  "webhook.test": "A test",
});

/** A type in words; one that is newer than this page as it is. @param {string} type */
export const eventWords = (type) => EVENTS[type] ?? OTHERS[type] ?? type;

/** A type in words, and as programs name it on hovering. @param {{type: string}} properties */
export const EventType = ({ type }) => html`<span title=${type}>${eventWords(type)}</span>`;
