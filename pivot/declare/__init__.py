"""What user code may import: declarations in signatures, loaders, params.

Leaves: nothing here imports the rest of Pivot. `import pivot` gives these names when they are
first asked for, so that stages pay for nothing they do not use.
"""
