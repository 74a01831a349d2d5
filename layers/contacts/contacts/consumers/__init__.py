"""What calls functions without a client waiting: the table's stream, queues, notifications."""
