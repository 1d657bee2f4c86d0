"""Any2Caption: read any mix of conditions, write one six-part caption, drive any video generator."""

__version__ = "0.1.0"
