"""Plants every known mistake and counts what check and diagnosis make of it."""
