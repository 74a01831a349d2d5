"use strict";

// The key that is entered under "Authorize" stays in this page and is forgotten with it.
window.ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  docExpansion: "list",
  filter: true,
  persistAuthorization: false,
  presets: [SwaggerUIBundle.presets.apis],
  tryItOutEnabled: true,
  // Else the document would be sent to a validator on another host.
  validatorUrl: null,
});
