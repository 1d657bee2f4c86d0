"""The canonical forms: how each is told, sized, drawn for people and shown to the model."""
