"""Runs, their result folders, and what is done with many of them."""
