"""Scores of the model zoo and of own runs as one sorted table."""
