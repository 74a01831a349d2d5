"""The OpenAPI document, made of the code: `make openapi` writes it to functions/show_docs/openapi.json.

Routes, parameters and bodies come from the handlers' signatures and models. What answers look like is written down in
`shapes`, and which operation answers what in `answers`; tests hold every answer they get against it. None of this
is deployed.
"""
