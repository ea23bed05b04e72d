"""Record whole packages without a change to them.

`selection` says which modules and functions, `codes` finds them on Python 3.12 and later,
`wrapping` replaces them on 3.11, `importing` meets modules as they are imported.
"""

from .instrumentation import Instrumentation, instrument

__all__ = ["Instrumentation", "instrument"]
