"""The model zoo of mmsegmentation: its results, configs and data sets."""
