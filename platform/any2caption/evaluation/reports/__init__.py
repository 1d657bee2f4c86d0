"""What people read of an evaluation: the report as JSON and as a page."""
