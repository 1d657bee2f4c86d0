"""Camera paths: every format to one canonical path, and its movements in words."""
