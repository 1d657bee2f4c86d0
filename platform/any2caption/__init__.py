"""Any2Caption: any mix of conditions in, one six-part caption out, any video generator behind."""

__version__ = "0.1.0"
