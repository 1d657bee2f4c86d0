"""The encoders: towers of the backbone, and the camera's."""
