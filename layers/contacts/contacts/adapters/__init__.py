"""DynamoDB and the other services of AWS, behind the ports of `services`."""
