"""``python -m pytest_timestamps`` is the same program as ``pytest-timestamps``."""

from pytest_timestamps.cli import main

if __name__ == "__main__":
    main()
