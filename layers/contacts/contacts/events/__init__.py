"""What happened to contacts: events of changes, the account's event log, a contact's timeline."""
