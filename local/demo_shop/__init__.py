"""`make demo`: the account "Demo shop" on the running local stack, filled with invented people and their stories.

An account of its own: what the user has in the account of `make run` stays as it is, and the README's requests, which
are about that one, answer what the README says. Nobody in it exists: emails are at reserved domains, phone numbers are
of ranges that are kept free for fiction.
"""
