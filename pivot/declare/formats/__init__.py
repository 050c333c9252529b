"""How files are read and written as objects, by the name of a loader.

Shared by `pivot.loaders` and by the program that runs stages, which loads this folder by its path
in interpreters that need not have Pivot: standard library only, Python 3.8 syntax, and nothing of
Pivot outside this folder.
"""
