"""From conditions to the arrays that the model takes; never torch."""
