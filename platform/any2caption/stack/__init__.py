"""The local stack: services under supervisord, their ports, keys, health and logs."""
