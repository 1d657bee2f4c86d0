"""Pictures and clips, and what is stored as one: depth, normals, strokes, holes."""
