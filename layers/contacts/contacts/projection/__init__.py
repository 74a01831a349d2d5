"""What is derived from contacts: postings, words and counts, kept up from the stream and rebuilt on demand."""
