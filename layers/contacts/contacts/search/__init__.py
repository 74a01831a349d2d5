"""Lists and searches of contacts, and the counts of tags and lists."""
