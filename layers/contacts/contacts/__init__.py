"""The contacts service: domain, services, adapters and the native API."""
