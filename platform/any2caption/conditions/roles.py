"""What a picture of a request can be for."""

from typing import Literal, get_args

ImageRole = Literal["identity", "first_frame", "last_frame", "key_frame", "style", "reference"]
IMAGE_ROLES: tuple[ImageRole, ...] = get_args(ImageRole)
