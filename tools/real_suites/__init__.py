"""``make real-suites``: other projects' own suites with ``--timestamps``, compared with without.

The source distributions of jinja2 and click are downloaded into scratch/, outside of git, with
their tests; a handful of their functions is decorated from a plugin.

Checked on every run:

* each test's outcome is the same without the plugin, with it, and with it and ``-n 2``;
* both recorded runs count the same calls of every decorated function;
* the hotspots stand in the order in which cProfile has the same functions.
"""
