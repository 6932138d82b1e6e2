"""Authentication of callers by API keys, bearer tokens and client certificates."""
