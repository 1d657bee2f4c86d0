"""Training: recipes, prepared data, the loop under DeepSpeed, checkpoints and tracking."""
