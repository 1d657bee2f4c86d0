"""One module a tab of the page: its inputs, and what they do."""
