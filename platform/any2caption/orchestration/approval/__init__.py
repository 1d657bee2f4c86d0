"""People who answer for a promotion: the page they see, the task that waits, their answers."""
