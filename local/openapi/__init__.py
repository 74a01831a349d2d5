"""The OpenAPI document, made of the code: `make openapi` writes it to functions/show_docs/openapi.json.

Routes, parameters and bodies come from the handlers' signatures and models. What an operation answers its handler says
(`responds`, `refuses`), what answers look like the features' TypedDicts (`…Out`); tests hold every answer they get
against them. None of this is deployed.
"""
