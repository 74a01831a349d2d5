"""The DynamoDB table: calls, expressions, values, keys, and the records of Idempotency-Keys."""
