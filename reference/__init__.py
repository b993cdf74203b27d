"""Live mmsegmentation behind the names of ``parity.steps``; the only place that imports it."""
