"""What each kind of condition states: one module a family of kinds, all pure."""
