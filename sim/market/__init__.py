"""The market: boards, posting, search, review, pay; it knows records, never agent classes."""
