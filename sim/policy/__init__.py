"""The channels through which rules of the game reach the market."""
