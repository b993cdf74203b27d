"""One file per cause; each defines ``CAUSE``."""
