"""Pivot: a config-first data and ML pipeline tool."""

__version__ = "0.1.0"
