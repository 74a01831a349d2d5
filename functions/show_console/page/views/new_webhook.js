// @ts-check
/** A new endpoint: where events are sent to, and which ones. Then its secret is shown, once. */

import { part, post } from "../api.js";
import { brief } from "../elements/delivery.js";
import { EndpointForm, Secret } from "../elements/endpoint.js";
import { Empty } from "../elements/notices.js";
import { Page, Section } from "../elements/page.js";
import { href, stayFor } from "../routing.js";
import { may } from "../session.js";
import { html, useState } from "../vendor/preact.js";

export function View() {
  const [made, setMade] = useState(/** @type {any} */ (null));
  if (made) return html`<${Made} key="made" made=${made} />`;
  if (!may("webhooks:write", "contacts:read")) {
    return html`<${Page} title="New endpoint">
      <${Empty} title="This key may not register an endpoint.">
        <p>It needs the scopes <code>webhooks:write</code> and <code>contacts:read</code>: an endpoint receives contacts.</p>
      <//>
    <//>`;
  }
  return html`<${Page} title="New endpoint" under="It is told of every change as it happens, by a signed POST.">
    <${Section} title="The endpoint">
      <${EndpointForm} words="Register" send=${async (/** @type {any} */ fields) => setMade((await stayFor(post("webhooks", fields))).data)} />
    <//>
  <//>`;
}

/** What was made, with its secret. @param {{made: any}} properties */
const Made = ({ made }) =>
  made.test_mode
    ? html`<${Page} title="A test key registers nothing" under="All was checked and is right; there is no such endpoint.">
        <p><a class="button" href=${href("webhooks")}>All endpoints</a></p>
      <//>`
    : html`<${Page} title="The endpoint is registered" under=${html`<span dir="ltr">${brief(made.url)}</span>`}>
        <${Section} title="Its secret">
          ${
            made.secret
              ? html`<${Secret} secret=${made.secret} />`
              : html`<p>The answer with the secret was lost on its way here. Open the endpoint and rotate its secret: then you see the new one.</p>`
          }
          <p><a class="button" href=${href(`webhook/${part(made.id)}`)}>Open the endpoint, and send it a test</a></p>
        <//>
      <//>`;
