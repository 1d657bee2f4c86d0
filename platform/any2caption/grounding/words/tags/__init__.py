"""Words with their parts of speech: cut from the text, joined, tagged."""
