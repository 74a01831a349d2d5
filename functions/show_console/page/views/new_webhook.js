// @ts-check
/** Not written yet. */

import { Page } from "../elements/page.js";
import { html } from "../vendor/preact.js";

/** @param {{route: import("../routing.js").Route}} properties */
export const View = ({ route }) => html`<${Page} title=${route.view} />`;
