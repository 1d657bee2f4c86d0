"""The stack's own watchdog: what it sees, decides and does."""
