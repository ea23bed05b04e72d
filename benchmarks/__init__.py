"""How fast the decorators are, side by side with their peers, in one run.

``make bench`` measures on every supported Python that it finds and writes docs/performance.md.
``python -m benchmarks --only active --quick`` measures one section on this Python and prints it.

Nothing here is asserted in a test: clock speed drifts on shared machines, and a test that fails
by the weather is no test.
"""
