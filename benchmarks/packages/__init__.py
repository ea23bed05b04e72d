"""What profiling a whole package costs its suite, and what it finds.

The suites of well-known packages run without a profiler and under each one, in turn.

* **Time**: the whole process, from start to end. A ratio is formed within each round, against that
  round's run without a profiler; the median over the rounds is shown.
* **Outcomes**: every run's outcome of every test must be the one without a profiler.
* **Agreement**: which of the package's functions take the most time, against what cProfile says.
  A profiler of whole packages charges a function with all that it does but for the package's
  own functions that it calls. cProfile tells a function's own time apart from that of *all* it
  calls, builtins and other libraries too: ``self_times`` hands the time of what isn't the
  package's on to the functions of the package that called it, directly or through others.
  The same rule reads each profiler's data, so that nobody is compared with another question.
"""
