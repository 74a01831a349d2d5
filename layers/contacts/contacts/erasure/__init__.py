"""Taking away what is kept about a person who is gone for good."""
