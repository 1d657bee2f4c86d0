"""Operations that a GPU fuses, with their eager twins: attention, norms, the loss."""
