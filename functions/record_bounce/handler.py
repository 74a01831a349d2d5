"""From the topic of bounces: mark the addresses that Amazon SES says have bounced for good."""

from contacts.bootstrap.consumers import notification_entry
from contacts.bootstrap.validation import bounce_recorder

lambda_handler = notification_entry("record_bounce", bounce_recorder().record)
