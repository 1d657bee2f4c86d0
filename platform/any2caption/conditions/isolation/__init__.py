"""Untrusted files are parsed in processes of their own."""
