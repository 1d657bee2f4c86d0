"""What commands share: how they talk, how they end, what an address means."""
