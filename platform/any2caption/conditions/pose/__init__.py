"""Poses: every format to keypoints over time, and what people do in words."""
