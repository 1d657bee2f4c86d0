"""DeepSpeed: its engine, its configuration, and what ranks exchange."""
