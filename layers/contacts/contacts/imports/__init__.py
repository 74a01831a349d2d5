"""Imports: files of contacts that are read, cut into parts, and carried out row by row; and taken back."""
