"""Scores of the model zoo as one sorted table."""
