"""Getting into Python child processes, by their environment alone.

A folder with a ``sitecustomize`` module comes first on a child's ``PYTHONPATH``. That module runs
the *starters* that a variable names, and hands over to whatever ``sitecustomize`` the child would
have had. A starter is a file with a function ``start``; see `environment.child_variables`.
"""
