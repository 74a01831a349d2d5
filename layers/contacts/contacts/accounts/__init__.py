"""Accounts and their API keys: who calls, what they may do, how much in an hour."""
