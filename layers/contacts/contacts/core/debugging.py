"""Whether an operator debugs (accounts/switches.py); `observability.set_debug` says so.

Apart from `core.observability`, which imports Powertools: the local stack's own process uses the table without it.
"""

is_on = False
