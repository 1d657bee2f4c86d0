"""What people make on the page: camera paths from movements, regions on a picture."""
