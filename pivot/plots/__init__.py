"""How does a plot come from the data that a pipeline wrote? Definitions, points, templates, pages.

Follows DVC 3.67: what `dvc plots` takes from a dvc.yaml and its files, in the same shape.
"""
