"""Learning from rewards: groups of captions that the model writes itself."""
