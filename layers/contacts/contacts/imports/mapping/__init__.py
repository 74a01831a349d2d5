"""Rows to contact inputs: which field a column is, and what a cell says."""
