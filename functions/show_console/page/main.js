// @ts-check
/** The page: who has signed in sees the navigation and the view that the address names; else, where to sign in. */

import { answered, Failure } from "./api.js";
import { Announcements, FailureNotice, Loading, Waiting } from "./elements/notices.js";
import { Page } from "./elements/page.js";
import { Time } from "./elements/shown.js";
import { entry, go, HOME, href, route } from "./routing.js";
import { isTest, leave, may, resume, session } from "./session.js";
import { useStore } from "./store.js";
import { html, render, useEffect, useErrorBoundary, useState } from "./vendor/preact.js";
import { SignIn } from "./views/sign_in.js";

/** By view: how its module is loaded. Each has a component `View`, which is given the route. */
const VIEWS = /** @type {Record<string, () => Promise<{View: any}>>} */ ({
  contacts: () => import("./views/contacts.js"),
  new_contact: () => import("./views/new_contact.js"),
  contact: () => import("./views/contact.js"),
  imports: () => import("./views/imports.js"),
  new_import: () => import("./views/new_import.js"),
  import: () => import("./views/import.js"),
  exports: () => import("./views/exports.js"),
  export: () => import("./views/exports.js").then(({ One }) => ({ View: One })),
  webhooks: () => import("./views/webhooks.js"),
  new_webhook: () => import("./views/new_webhook.js"),
  webhook: () => import("./views/webhook.js"),
  tags: () => import("./views/tags.js"),
  lists: () => import("./views/tags.js"),
  properties: () => import("./views/properties.js"),
  channels: () => import("./views/channels.js"),
  keys: () => import("./views/keys.js"),
  usage: () => import("./views/usage.js"),
});

/** The navigation: path, words, the scopes without which it is left out, the views that belong to it. */
const PLACES = [
  {
    path: "contacts",
    words: "Contacts",
    scopes: ["contacts:read"],
    views: ["contacts", "contact", "new_contact"],
  },
  { path: "tags", words: "Tags", scopes: ["contacts:read"], views: ["tags"] },
  { path: "lists", words: "Lists", scopes: ["contacts:read"], views: ["lists"] },
  { path: "properties", words: "Properties", scopes: ["properties:read"], views: ["properties"] },
  { path: "imports", words: "Imports", scopes: ["imports:read"], views: ["imports", "import", "new_import"] },
  { path: "exports", words: "Exports", scopes: ["exports:read"], views: ["exports", "export"] },
  {
    path: "webhooks",
    words: "Webhooks",
    scopes: ["webhooks:read"],
    views: ["webhooks", "webhook", "new_webhook"],
  },
  { path: "channels", words: "Channels", scopes: ["contacts:read"], views: ["channels"] },
  { path: "keys", words: "API keys", scopes: ["keys:write"], views: ["keys"] },
  { path: "usage", words: "Usage", scopes: ["account:read"], views: ["usage"] },
];

/** @param {{scopes: string[]}} place */
const mayVisit = (place) => may(...place.scopes);

function App() {
  const now = useStore(session);
  const [failure, setFailure] = useState(/** @type {Failure | null} */ (null));
  const [isResuming, setResuming] = useState(true);
  const start = () => {
    setFailure(null);
    setResuming(true);
    resume()
      .catch((error) => {
        if (!(error instanceof Failure)) throw error;
        // A key that is none any more is forgotten; an API that does not answer now may do so later.
        if ([401, 403].includes(error.status)) leave(error.message);
        else setFailure(error);
      })
      .finally(() => setResuming(false));
  };
  useEffect(start, []);
  if (now) return html`<${Signed} />`;
  if (isResuming) return html`<${Waiting} /><main><${Loading} what="the account" /></main>`;
  if (failure) {
    return html`<${Waiting} /><main>
      <h1>Contacts</h1>
      <${FailureNotice} failure=${failure} again=${start} />
      <button type="button" onClick=${() => (leave(), setFailure(null))}>Sign in with another key</button>
    </main>`;
  }
  return html`<${Waiting} /><${SignIn} />`;
}

/** After how long a page that is looked at again says from when it is. */
const OLD_MS = 900_000;

function Signed() {
  const shown = useStore(route);
  const places = PLACES.filter(mayVisit);
  const home = href(places[0]?.path ?? HOME);
  useEffect(() => {
    if (!location.hash) go(home, { replace: true });
  }, []);
  const [isOpen, setOpen] = useState(false);
  const [since, setSince] = useState(0);
  const [round, setRound] = useState(0);
  useEffect(() => {
    setOpen(false);
    setSince(0);
  }, [shown, round]);
  useEffect(() => {
    const look = () => Date.now() - answered.at > OLD_MS && setSince(answered.at);
    const happenings = ["visibilitychange", "focus"];
    for (const one of happenings) addEventListener(one, look);
    return () => happenings.map((one) => removeEventListener(one, look));
  }, []);
  return html`
    <a class="skip" href="#content" onClick=${toContent}>Skip to the content</a>
    <${Waiting} />
    <header>
      ${isTest() && html`<p class="bar">Test mode: everything is checked and answered, and nothing is kept.</p>`}
      <div role="status">${
        since > 0 &&
        html`<p class="bar">
          What you see was loaded <${Time} at=${new Date(since).toISOString()} />.${" "}
          <button type="button" onClick=${() => setRound(round + 1)}>Refresh</button>
        </p>`
      }</div>
      <div class="top">
        <button type="button" class="menu" aria-expanded=${isOpen} aria-controls="places" onClick=${() => setOpen(!isOpen)}
          >Menu</button>
        <a class="brand" href=${home}>Contacts</a>
        <span class="account" dir="auto">${session.get()?.account.name}</span>
        <button type="button" class="quiet" onClick=${() => leave()}>Leave</button>
      </div>
    </header>
    <div class="columns">
      <nav id="places" class=${isOpen ? "open" : undefined} aria-label="Parts of the console">
        <ul>
          ${places.map(
            (place) => html`<li key=${place.path}>
              <a href=${href(place.path)} aria-current=${place.views.includes(shown.view) ? "page" : undefined}
                >${place.words}</a
              >
            </li>`,
          )}
        </ul>
      </nav>
      <main id="content" tabindex="-1">
        <${Shown} key=${`${shown.view}/${shown.id ?? ""}/${round}`} route=${shown} />
      </main>
    </div>
    <${Announcements} />
  `;
}

/** The address is a view's, so a link into the page would leave it. @param {Event} event */
function toContent(event) {
  event.preventDefault();
  document.getElementById("content")?.focus();
}

/** The view of a route. @param {{route: import("./routing.js").Route}} properties */
function Shown({ route: shown }) {
  const [view, setView] = useState(/** @type {{View: any} | null} */ (null));
  const [isOld, setOld] = useState(false);
  const [fault, resetFault] = useErrorBoundary((/** @type {unknown} */ error) => console.error(error));
  const load = entry(VIEWS, shown.view);
  useEffect(() => {
    // A file that is not there any more: the page was opened before the last deployment.
    load?.().then(
      (module) => setView({ View: module.View }),
      () => setOld(true),
    );
  }, []);
  if (!load) {
    return html`<${Page} title="Nothing here"
      ><p>The console has no such page. <a href=${href(HOME)}>All contacts</a></p><//>`;
  }
  const place = PLACES.find((one) => one.views.includes(shown.view));
  if (place && !mayVisit(place)) {
    return html`<${Page} title=${place.words}
      ><p>This is not shown: your key lacks the scope <code>${place.scopes.join(", ")}</code>. Sign in with a key that has it.</p><//>`;
  }
  if (isOld) {
    return html`<h1>The console has changed</h1>
      <p>A new version of this page is there, or it cannot be reached.</p>
      <button type="button" onClick=${() => location.reload()}>Load it</button>`;
  }
  if (fault) {
    return html`<h1>Something is wrong with this page</h1>
      <p>It is our fault, not yours. Nothing was changed by it.</p>
      <button type="button" onClick=${resetFault}>Show it again</button>`;
  }
  return view ? html`<${view.View} route=${shown} />` : html`<${Loading} what="the page" />`;
}

const place = /** @type {HTMLElement} */ (document.getElementById("console"));
// What stands there for the case that this module does not come; preact would leave it.
place.replaceChildren();
render(html`<${App} />`, place);
