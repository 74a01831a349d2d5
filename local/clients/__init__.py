"""Clients that generators make of the OpenAPI document, tried as their users would use them: `make clients`.

`story.py` and `story.ts` are programs on generated clients; `docs/clients.md` shows two more. All are type-checked and
run against a local stack of their own. What is generated stays in `.local/clients`.
"""
