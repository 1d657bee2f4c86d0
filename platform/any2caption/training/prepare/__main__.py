"""`python -m any2caption.training.prepare`: prepare a snapshot for training."""

from any2caption.training.exit_codes import run_command
from any2caption.training.prepare.prepared_folder import main

if __name__ == "__main__":  # worker processes import this file again
    run_command(main)
