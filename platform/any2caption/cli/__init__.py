"""The command `a2c`. Heavy libraries load inside the commands that need them."""
