"""Channels, and the gates by which contacts arrive through them."""
