"""From the table's stream: keep postings, words and counts as the contacts are, and pass on what else must follow."""

from contacts.bootstrap.consumers import stream_entry
from contacts.bootstrap.projection import projector

lambda_handler = stream_entry("project_changes", projector().handle)
