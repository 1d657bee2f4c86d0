"""Captioned clips in the folders that trainers of video generators read."""
