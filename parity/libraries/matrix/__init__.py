"""The library matrix: can this library stand in for the reference, step by step?"""
