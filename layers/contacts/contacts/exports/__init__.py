"""Exports: contacts of an account as a file, and everything that is known of one person."""
