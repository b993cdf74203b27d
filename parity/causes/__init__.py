"""Known reasons for a lower score, each a detector over the files of a run."""
