"""What every room may use and what knows none of them: errors, time, ids, JSON, idempotency, queues, logs."""
