"""One page about a result, to read, print or mail."""
