"""Renderers: frozen records in, text out. They compute nothing."""
