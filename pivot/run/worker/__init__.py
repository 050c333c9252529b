"""The program that runs stages, under the project's own interpreter.

Standard library only, Python 3.8 syntax, and nothing of Pivot: `__main__.py` is started as a
script file by any interpreter and loads these modules as a package of its own name.
"""
