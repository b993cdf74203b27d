"""The parity checks and the tests of the toolkit share one plugin."""

pytest_plugins = ["parity.pytest_plugin"]
