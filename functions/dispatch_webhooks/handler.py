"""From the table's stream: put the events of changes into the log, and ask for their deliveries."""

from contacts.bootstrap.consumers import stream_entry
from contacts.bootstrap.dispatch import dispatcher

lambda_handler = stream_entry("dispatch_webhooks", dispatcher().handle)
