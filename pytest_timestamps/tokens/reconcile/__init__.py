"""Reconciliation: what the provider's books say about each run, and whether that proves a figure.

The decisions are pure functions over values (`windows`, `plan`, `chain`, `proof`, `state`); the
modules around them ask the books (`client`, `pages`), and read and write files (`reconciler`).
Importing this package imports no SDK.
"""
