"""What is looked at before and during a training, so that a broken run ends in its first second."""
