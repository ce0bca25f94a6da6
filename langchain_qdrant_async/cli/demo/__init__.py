"""The demo: the docstrings of Python's standard library, indexed and searched.

`docstrings` finds them, `standard_library` keeps them in a collection, `tour` shows what can be asked.
"""
