"""Generates the reference pages and tables in docs/ from the protos, the settings and the rules."""
