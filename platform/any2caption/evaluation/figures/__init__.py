"""Figures that inform and never decide: words shared with gold captions, likeness, camera paths."""
