"""Recognisers: what pictures and clips show, by small networks whose weights come in packages."""
