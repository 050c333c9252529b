"""Pipelines over real data; each folder is a project that runs."""
