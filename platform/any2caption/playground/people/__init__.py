"""People vote: two captions of a record side by side, blind, by keyboard."""
