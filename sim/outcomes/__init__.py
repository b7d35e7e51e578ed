"""What a run leaves: recorded tables and the indicators computed from them."""
