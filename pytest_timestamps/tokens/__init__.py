"""Token runs: their windows, their ledger, what was observed, and what it costs.

Importing a module of this package imports no SDK: ``openai`` and ``genai_prices`` are imported
by the functions that need them.
"""
