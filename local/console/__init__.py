"""What judges the sources of the console, and where its vendored module comes from."""
