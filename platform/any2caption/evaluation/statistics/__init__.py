"""How sure a rate is, and whether two differ: intervals, paired tests, what can be detected."""
