"""Conditions: parse every accepted format of every kind to one canonical form."""
