"""Pivot: a config-first data and ML pipeline tool."""
