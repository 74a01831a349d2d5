"""Bringing contacts back from a table that a backup was restored to, without a sound."""
