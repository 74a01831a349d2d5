"""The contact book: one contact, batches of changes, and two contacts that become one."""
