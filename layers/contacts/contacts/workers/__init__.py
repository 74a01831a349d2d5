"""Lambda handlers of functions that read the stream, a queue or a topic."""
