"""The contract of ``metrics.json``: the only place that knows the file's names.

Elsewhere a run is a `pytest_timestamps.tokens.record.RunRecord` and speaks this project's words.
"""

from pytest_timestamps.tokens.contract.run import SCHEMA_VERSION, decode, encode, parse

__all__ = ["SCHEMA_VERSION", "decode", "encode", "parse"]
