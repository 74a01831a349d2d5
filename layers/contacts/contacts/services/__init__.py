"""The use cases, and the ports they need. No HTTP, no DynamoDB."""
