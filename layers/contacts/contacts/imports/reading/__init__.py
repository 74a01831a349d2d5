"""Bytes to rows: what a file is, and its rows, as a stream that can stop and go on."""
