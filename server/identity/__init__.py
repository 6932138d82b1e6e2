"""Finds out who calls: API keys and bearer tokens. Knows the domain and nothing of the network's other end or the database."""
