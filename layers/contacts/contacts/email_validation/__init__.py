"""Whether mail to a contact's address can arrive."""
