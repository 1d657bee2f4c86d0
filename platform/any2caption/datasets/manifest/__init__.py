"""A snapshot's manifest: Parquet, Arrow rows, canonical lines."""
